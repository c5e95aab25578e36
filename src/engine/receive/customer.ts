/**
 * What customers may command on their own tickets (MAIL 9.8, class C of COMMANDS): proven to be who they are, at the top
 * of what they wrote now. Anything else that begins with `#` is text, and nobody is told.
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import type { IncomingMail } from '../../incoming.ts'
import { pipeline as limits } from '../../limits.ts'
import type { Acting, Who } from '../commands/command.ts'
import { writeReceipt } from '../commands/receipts.ts'
import { type Ran, type Readout, readBlock, readCommands, runCommands } from '../commands.ts'
import type { Inbox } from '../desk.ts'
import type { Threading } from '../thread.ts'
import { inboxOf, visibleOf } from './agent-case.ts'
import type { Arrival } from './arrival.ts'
import { reason } from './endings.ts'
import type { Facts } from './facts.ts'
import { spamPlace } from './guards.ts'
import { isProven } from './identity.ts'
import type { Action, Plan } from './plan.ts'
import type { Work } from './work.ts'

type Commands = Extract<Action, { action: 'commands' }>

/** Whether a line may be a command, by far not only such that are: what is one is done apart from other mails. Pure. */
export const isCommanding = (mail: IncomingMail): boolean => COMMAND.test(mail.text.slice(0, limits.commandsWithin))

const COMMAND = /^[\p{Zs}\p{Cf}\t]{0,40}[#＃﹟]/mu

/** The commands of a mail, if it has any of theirs; `text` '' is a mail of commands alone. Pure. */
export function customersCommands(
  arrival: Arrival,
  facts: Facts,
  plan: Plan,
  threading: Threading,
  now: Date,
): { action: Commands; read: Readout } | null {
  const { mail } = arrival
  if (mail.error !== null || !isCommanding(mail) || plan.kind !== 'human' || arrival.archive || arrival.releasedAt)
    return null
  if (!isProven(arrival.auth, facts.identity) || !facts.contact || spamPlace(arrival, threading) !== null) return null
  const block = readBlock(visibleOf(mail))
  if (block.given.length === 0) return null
  const ticket = threading.ticket && !threading.stranger ? threading.ticket.id : null
  const read = readCommands(block, { desk: facts.desk, who: whoOf(facts), ticket, zone: plan.zone, now })
  if (read.acts.length === 0 || read.problems.length > 0) return null
  return { action: { action: 'commands', ticket, given: block.given, text: block.text }, read }
}

/** The plan of a mail of commands alone: no comment, no ticket, nothing opened again. */
export const commandsAlone = (plan: Plan, { action, read }: { action: Commands; read: Readout }): Plan => ({
  ...withCommands(plan, { action, read }),
  noAck: true,
  state: 'recorded',
  thread: { ...plan.thread, ticket: action.ticket },
  actions: [action],
})

/** The same beside what the mail is. */
export const withCommands = (plan: Plan, { action, read }: { action: Commands; read: Readout }): Plan => ({
  ...plan,
  commands: read.commands,
  actions: [...plan.actions, action],
  reasons: [
    ...plan.reasons,
    reason('commands', `its writer: ${read.commands.map((one) => `#${one.command}`).join(' ')}`),
  ],
})

/** Runs them, whole or not at all; the answer goes to the stored address alone. */
export async function runCustomers(tx: Tx, work: Work, action: Commands, now: Date): Promise<void> {
  const { arrival, facts, plan, tools } = work
  const mail = arrival.mail as IncomingMail
  const who = whoOf(facts)
  const inbox = inboxOf(facts, facts.candidates.get(action.ticket ?? 0)?.inboxId ?? null)
  const block = { given: action.given, text: action.text, stray: [] }
  const read = readCommands(block, { desk: facts.desk, who, ticket: action.ticket, zone: plan.zone, now })
  const on = actingOf(work, { who, inbox, action })
  let ran: Ran[] = []
  try {
    ran = await tx.savepoint((inner) => runCommands(inner, read.acts, on, now))
  } catch (error) {
    // whoever looks at the mail's receipt sees it; its writer is not taught what there is
    if (!(error instanceof Refusal) || error.fault !== 'user') throw error
  }
  await writeReceipt(
    tx,
    {
      outcome: ran.length > 0 ? 'done' : 'error',
      who,
      ticketId: action.ticket,
      inbox,
      locale: plan.locale,
      zone: plan.zone,
      channel: 'mail',
      mail: { id: arrival.id, messageId: mail.messageId, references: mail.references, text: visibleOf(mail) },
      commands: 'some',
      ran,
      problems: [],
      answers: null,
    },
    tools,
    now,
  )
}

/** By the address under which they are known: From, which is proven. */
const whoOf = (facts: Facts): Extract<Who, { kind: 'customer' }> => ({
  kind: 'customer',
  contactId: facts.contact!.id,
  address: facts.from!.address,
  name: facts.contact!.name || facts.from!.name,
})

function actingOf(
  { arrival, facts, plan, tools }: Work,
  { who, inbox, action }: { who: Extract<Who, { kind: 'customer' }>; inbox: Inbox; action: Commands },
): Acting {
  const mail = arrival.mail as IncomingMail
  return {
    tools,
    who,
    actor: { kind: 'contact', id: who.contactId, name: who.name },
    inbox,
    ticketId: action.ticket,
    channel: 'mail',
    mail: {
      id: arrival.id,
      from: facts.from!,
      subject: mail.subject,
      text: action.text,
      references: [...mail.inReplyTo, ...mail.references.toReversed()],
      forward: null,
      attachments: [],
    },
    url: tools.url ?? '',
    locale: plan.locale,
    zone: plan.zone,
  }
}
