/**
 * Carries out what an agent wrote by mail, whole or not at all: what refuses it is undone, the mail waits, and they are
 * told (COMMANDS E1, E4). The caller has no other mail in this transaction.
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import type { IncomingMail, IncomingPart } from '../../incoming.ts'
import { agentMail as limits } from '../../limits.ts'
import { type Attachment, storeParts } from '../attachments.ts'
import { dropSendable, keepQuestion, rememberExecuted, useQuestion } from '../challenges.ts'
import type { Acting } from '../commands/command.ts'
import { writeReceipt } from '../commands/receipts.ts'
import { type LineProblem, problemOf, type Ran, readCommands, runBlock } from '../commands.ts'
import type { Agent, Inbox } from '../desk.ts'
import { lengthText } from '../due-words.ts'
import type { SheetLine } from '../notify/sheet.ts'
import { correctTimesheet } from '../notify/timesheet.ts'
import { catchUp } from '../reminders.ts'
import { messageIdRows } from '../thread.ts'
import { recordOutside } from '../tickets/outside.ts'
import type { Tools } from '../tools.ts'
import { inboxOf, readingOf, visibleOf } from './agent-case.ts'
import { agentTokens, executedOf } from './agent-facts.ts'
import { reason } from './endings.ts'
import type { Action } from './plan.ts'
import { incomingId } from './references.ts'
import type { Done, Work } from './work.ts'

type Deed = Extract<Action, { action: 'agent' }>
type Outside = Extract<Action, { action: 'outside' }>
type Release = Extract<Action, { action: 'release' }>

/** Does it, or leaves the mail held. */
export async function carryOutAgent(tx: Tx, work: Work, deed: Deed, now: Date): Promise<Done> {
  const agent = work.facts.desk.agents.get(deed.agent)!
  try {
    const run = (inner: Tx) => runAll(inner, work, { deed, agent }, now)
    const done = deed.mode === 'dry' ? await undone(tx, run) : await tx.savepoint(run)
    const [token = null] = agentTokens(work.facts.claims)
    if (deed.mode === 'do') await rememberExecuted(tx, executedOf(work.arrival.mail as IncomingMail, token), now)
    if (deed.mode === 'do' && deed.audience === 'public' && done.commentId !== null && deed.ticket !== null)
      await dropSendable(tx, { agentId: agent.id, ticketId: deed.ticket }, now)
    await tell(
      tx,
      work,
      { agent, ticket: done.ticketId, outcome: deed.mode === 'dry' ? 'dry' : 'done', ran: done.ran },
      now,
    )
    const { ticketId, commentId } = deed.mode === 'dry' ? { ticketId: deed.ticket, commentId: null } : done
    const releases = deed.mode === 'do' ? done.ran.flatMap((one) => one.letsIn ?? []) : []
    return { ...NOTHING, ticketId, commentId, acknowledged: true, releases }
  } catch (error) {
    if (!(error instanceof Refusal) || error.fault !== 'user') throw error
    const wrong = { agent: deed.agent, ticket: deed.ticket, problems: [problemOf(error)] }
    return {
      ...NOTHING,
      ticketId: deed.ticket,
      reasons: [reason('command_error', error.message)],
      state: 'held',
      rest: () => tellProblems(tx, work, wrong, now),
    }
  }
}

/** The mail waits for `#send`, and its agent hears what is wrong with which line (COMMANDS E4). */
export async function tellProblems(
  tx: Tx,
  work: Work,
  { agent: address, ticket, problems }: { agent: string; ticket: number | null; problems: LineProblem[] },
  now: Date,
): Promise<void> {
  const agent = work.facts.desk.agents.get(address)!
  const asked = { kind: 'send', why: 'command_error', agentId: agent.id, ticketId: ticket } as const
  await keepQuestion(tx, { ...asked, mailId: work.arrival.id, told: true }, now)
  await tell(tx, work, { agent, ticket, outcome: 'error', ran: [], problems }, now)
}

/** The held mail is worked on once more, as its agent's; once. */
export async function releaseHeld(tx: Tx, release: Release, now: Date): Promise<Done> {
  const isFirst = await useQuestion(tx, release.question, now)
  return {
    ...NOTHING,
    ticketId: release.ticket,
    releases: isFirst ? [{ mail: release.mail, confirmed: release.confirmed }] : [],
  }
}

/** An answer that has left already: a comment, and what leads an answer to it here. */
export async function writeDown(tx: Tx, work: Work, outside: Outside, now: Date): Promise<Done> {
  const { facts, plan } = work
  const agent = outside.agent === null ? null : facts.desk.agents.get(outside.agent)!
  const files = await filesOf(tx, work, outside)
  const rows = (commentId: number) => {
    const ids = incomingId(work, { ticketId: outside.ticket, commentId })
    return ids.length ? [messageIdRows(tx, ids, now)] : []
  }
  const text = outside.text || files.map((file) => file.filename).join('\n')
  const input = { ticketId: outside.ticket, agent, name: plan.author.name, text, files, rows, tools: facts }
  const { commentId } = await recordOutside(tx, input, now)
  return { ...NOTHING, ticketId: outside.ticket, commentId }
}

const NOTHING: Done = {
  ticketId: null,
  commentId: null,
  reasons: [],
  acknowledged: false,
  rows: [],
  rest: async () => {},
}

type Ended = { ran: Ran[]; commentId: number | null; ticketId: number | null }

async function runAll(tx: Tx, work: Work, { deed, agent }: { deed: Deed; agent: Agent }, now: Date): Promise<Ended> {
  const { arrival, facts, tools } = work
  await requireActive(tx, agent)
  // SLA E2: what reminders were to do before this mail is done before it, whoever comes first
  if (deed.ticket !== null && tools.url) await catchUp(tx, { ticketId: deed.ticket, tools, url: tools.url }, now)
  const inbox = await placeOf(tx, work, deed.ticket)
  if (deed.sheet) return await runSheet(tx, { sheet: deed.sheet, agent, inbox, tools }, now)
  const files = await filesOf(tx, work, deed)
  const block = { given: deed.given, text: deed.text, stray: [] }
  const read = readCommands(block, readingOf(facts, { agent, ticket: deed.ticket, inbox }, now))
  const mail = arrival.mail as IncomingMail
  const on: Acting = {
    tools,
    who: { kind: 'agent', agent },
    actor: { kind: 'agent', id: agent.id, name: agent.name },
    inbox,
    ticketId: deed.ticket,
    channel: 'mail',
    mail: {
      id: arrival.id,
      from: mail.from!,
      subject: mail.subject,
      text: deed.text,
      references: [...mail.inReplyTo, ...mail.references.toReversed()],
      forward: arrival.forward,
      attachments: files,
    },
    url: tools.url ?? '',
    locale: agent.locale ?? inbox.locale,
    zone: agent.zone ?? inbox.zone,
  }
  return await runBlock(tx, read, { on, audience: deed.audience, files }, now)
}

/** This daemon's desk may be a moment old: whoever has just been shut out does nothing more. */
async function requireActive(tx: Tx, agent: Agent): Promise<void> {
  const rows = await tx`select from agents where id = ${agent.id} and disabled_at is null for share`
  if (rows.length === 0) throw new Refusal('agent_disabled', `${agent.address} is not active any more.`)
}

/** What is corrected in a timesheet, line by line (C12). */
async function runSheet(
  tx: Tx,
  given: { sheet: SheetLine[]; agent: Agent; inbox: Inbox; tools: Tools },
  now: Date,
): Promise<Ended> {
  const { sheet, agent, inbox, tools } = given
  const [locale, zone] = [agent.locale ?? inbox.locale, agent.zone ?? inbox.zone]
  const done = await correctTimesheet(tx, { agent: { ...agent, zone }, lines: sheet, tools }, now)
  const ran = done.map(
    ({ line, ticketId, date, seconds, billable, entryIds, warnings }): Ran => ({
      line: line.line,
      source: line.source,
      command: 'time',
      ticket: ticketId,
      key: billable && seconds > 0 ? 'time_billable' : 'time_free',
      data: { length: lengthText(seconds, locale), date },
      inverse: entryIds.length > 0 ? { verb: 'remove_entries', args: { entryIds } } : null,
      ...(warnings.length > 0 && { lines: warnings }),
    }),
  )
  return { ran, commentId: null, ticketId: null }
}

/** Runs it and takes all of it back: what would be done is what was. */
async function undone<T>(tx: Tx, work: (inner: Tx) => Promise<T>): Promise<T> {
  const undo = new Error('to be undone')
  let done: { value: T } | null = null
  await tx
    .savepoint(async (inner) => {
      done = { value: await work(inner) }
      throw undo
    })
    .catch((error: unknown) => {
      if (error !== undo) throw error
    })
  return (done as { value: T } | null)!.value
}

type Told = {
  agent: Agent
  ticket: number | null
  outcome: 'done' | 'dry' | 'error'
  ran: Ran[]
  problems?: LineProblem[]
}

/** The receipt: what was done, or what is wrong. What answers it has seen the newest; a correction has seen no more. */
async function tell(
  tx: Tx,
  work: Work,
  { agent, ticket, outcome, ran, problems = [] }: Told,
  now: Date,
): Promise<void> {
  const { arrival, facts, plan, tools } = work
  const mail = arrival.mail as IncomingMail
  const [token] = agentTokens(facts.claims)
  const inbox = await placeOf(tx, work, ticket)
  const [newest] =
    ticket === null ? [] : await tx<{ seq: number }[]>`select max(seq) as seq from events where ticket_id = ${ticket}`
  const isSame = outcome === 'error' && token?.ticket === ticket
  await writeReceipt(
    tx,
    {
      outcome,
      who: { kind: 'agent', agent },
      ticketId: ticket,
      inbox,
      locale: agent.locale ?? inbox.locale,
      zone: agent.zone ?? inbox.zone,
      channel: 'mail',
      mail: {
        id: arrival.id,
        messageId: mail.messageId,
        references: mail.references,
        text: visibleOf(mail),
      },
      commands: plan.commands.length > 0 || ran.some((one) => one.line !== null) ? 'some' : 'none',
      ran,
      problems,
      answers: {
        purpose: token?.purpose === 'n' || (!token && ticket !== null) ? 'n' : 'a',
        shown: isSame ? token.comment : (newest?.seq ?? 0),
      },
    },
    tools,
    now,
  )
}

async function placeOf(tx: Tx, { facts }: Work, ticketId: number | null): Promise<Inbox> {
  const known = ticketId === null ? undefined : facts.candidates.get(ticketId)
  if (known || ticketId === null) return inboxOf(facts, known?.inboxId ?? null)
  const [row] = await tx<{ inbox_id: number | null }[]>`select inbox_id from tickets where id = ${ticketId}`
  return inboxOf(facts, row?.inbox_id ?? null)
}

/** The files that are meant: a logo and what the ticket holds already, quoted, are not. */
async function filesOf(tx: Tx, { arrival }: Work, deed: { ticket: number | null }): Promise<Attachment[]> {
  const mail = arrival.mail as IncomingMail
  const meant = mail.parts.filter((part) => !part.original && !SIGNED.test(part.type) && !isLogo(part))
  const files = await storeParts(tx, meant)
  if (!files.some((file) => file.inline)) return files
  const blobs = files.map((one) => one.blobId)
  const there = await tx<{ blob_id: number }[]>`
    select blob_id from attachments where ticket_id = ${deed.ticket} and blob_id = any(${blobs}::bigint[])`
  const known = new Set(there.map((row) => row.blob_id))
  // their HTML does not go out, so nothing shows an image but the list of files
  return files.flatMap((file) =>
    file.inline && known.has(file.blobId) ? [] : [{ ...file, inline: false, contentId: null }],
  )
}

/** Shown among the words rather than beside them, and too small to be a picture of anything. */
const isLogo = (part: IncomingPart): boolean =>
  /^image\//.test(part.type) &&
  (part.inline || part.disposition === 'inline' || part.contentId !== null) &&
  part.size < limits.signatureImage

const SIGNED = /^application\/(?:x-)?(?:pkcs7-signature|pgp-signature)$/
