/**
 * What an agent is told of a mail that bears their name or used their address and is held (MAIL 5.6): a question whose
 * answer releases it, the newer words that it did not know, or a notice. Automatic mail, seldom, and to the registered
 * address alone. No line of it begins as a command does (COMMANDS E5.6).
 */
import type { Tx } from '../../database.ts'
import type { IncomingMail } from '../../incoming.ts'
import { agentMail as limits } from '../../limits.ts'
import { joinRanges } from '../../ranges.ts'
import { seconds } from '../../time.ts'
import { makeMessageId } from '../../tokens.ts'
import { keepQuestion, wasToldLately, writtenNonce } from '../challenges.ts'
import type { Agent, Inbox } from '../desk.ts'
import { dueText } from '../due-words.ts'
import { oneLine } from '../outbox/address.ts'
import { domainOf } from '../outbox/headers.ts'
import { signFor } from '../outbox/signed.ts'
import { queueMail } from '../outbox.ts'
import { type Phrases, phrasesFor } from './agent-phrases.ts'
import { answerTo, inBothForms } from './plain-mail.ts'
import type { Action } from './plan.ts'
import type { Work } from './work.ts'

type Ask = Extract<Action, { action: 'ask_agent' }>

/** Keeps the question, and mails it unless one for the same reason has just gone. */
export async function askAgent(tx: Tx, work: Work, ask: Ask, now: Date): Promise<void> {
  const agent = work.facts.desk.agents.get(ask.agent)!
  const asked = { why: ask.why, agentId: agent.id, ticketId: ask.ticket }
  // a forged mail names whatever ticket it likes
  const told = !(await wasToldLately(tx, ask.kind === 'send' ? asked : { ...asked, ticketId: null }, now))
  const nonce = await keepQuestion(tx, { ...asked, kind: ask.kind, mailId: work.arrival.id, told }, now)
  if (!told) return
  const place = await placeOf(tx, work, ask.ticket)
  const replyTo = replyToOf(work, { ask, agent, place, nonce })
  const to = { name: oneLine(agent.name), address: agent.address }
  await queueMail(
    tx,
    {
      kind: 'notification',
      ticketId: ask.ticket,
      commentId: null,
      inboxId: place.inbox.id,
      generation: place.generation,
      messageId: makeMessageId(work.tools.keys, 'n', ask.ticket ?? 0, domainOf(place.inbox.address), now),
      recipients: [to],
      headers: [
        ['From', [{ name: place.inbox.name, address: place.inbox.address }]],
        ['To', [to]],
        ['Reply-To', [{ name: place.inbox.name, address: replyTo }]],
        ...answerTo(work.arrival.mail.messageId),
      ],
      ...wordsFor(work, { ask, agent, nonce, inbox: place.inbox }),
      attachmentIds: [],
      notBefore: null,
    },
    work.tools,
    now,
  )
}

type Place = { inbox: Inbox; generation: number; seq: number }

async function placeOf(tx: Tx, { facts }: Work, ticketId: number | null): Promise<Place> {
  const [row] =
    ticketId === null
      ? []
      : await tx<{ inbox_id: number | null; generation: number; seq: number }[]>`
          select inbox_id, token_generation as generation,
            (select coalesce(max(seq), 0) from events where ticket_id = ${ticketId}) as seq
          from tickets where id = ${ticketId}`
  const inbox = facts.desk.inboxes.find((one) => one.id === row?.inbox_id) ?? facts.inboxes[0]!
  return { inbox, generation: row?.generation ?? 0, seq: row?.seq ?? 0 }
}

/**
 * Of a challenge the address that confirms; of other questions their own of the ticket, which shows what is newest. What
 * is answered to a notice is for agents alone: its reader may take the mail for a customer's.
 */
function replyToOf(
  { tools, plan }: Work,
  { ask, agent, place, nonce }: { ask: Ask; agent: Agent; place: Place; nonce: string | null },
): string {
  const { inbox } = place
  const at = inbox.address.lastIndexOf('@')
  if (nonce !== null)
    return inbox.reply_addresses !== 'plus'
      ? inbox.address
      : `${inbox.address.slice(0, at)}+${writtenNonce(nonce)}${inbox.address.slice(at)}`
  const ticket = plan.thread.ticket
  const isNotice = ask.why === 'agent_token'
  if (ticket === null || (plan.author.role !== 'agent' && !isNotice)) return inbox.address
  const token = { inbox: inbox.id, ticket, person: agent.id, generation: place.generation, comment: place.seq }
  return signFor(tools.keys, inbox, { ...token, purpose: isNotice ? 'n' : 'a' }) ?? inbox.address
}

function wordsFor(
  { facts, arrival, tools }: Work,
  given: { ask: Ask; agent: Agent; nonce: string | null; inbox: Inbox },
): { subject: string; text: string; html: string } {
  const { ask, agent, nonce, inbox } = given
  const locale = agent.locale ?? inbox.locale
  const { phrases, language } = phrasesFor(locale)
  const mail = arrival.mail as IncomingMail
  const lines = [phrases[bodyOf(ask)]]
  if (nonce !== null) lines.push('', `${phrases.reference}: ${writtenNonce(nonce)}`)
  if (ask.why === 'collision')
    for (const one of facts.agents!.newer.slice(-5)) {
      const zone = agent.zone ?? inbox.zone
      lines.push(
        '',
        `${oneLine(one.name)}, ${dueText({ at: seconds(one.at), zone, locale: language })}:`,
        barred(one.text),
      )
    }
  // what a stranger wrote with somebody's address is no reading for them but the sender and the subject
  lines.push(
    '',
    `${phrases.from}: ${oneLine(mail.from?.address ?? '-')}`,
    `${phrases.subject}: ${oneLine(mail.subject)}`,
  )
  if (ask.why === 'agent_token') lines.push('', phrases.let_in.replaceAll('{mail}', String(arrival.id)))
  else if (ask.why !== 'unproven_commands')
    lines.push('', `${phrases.text}:`, barred(joinRanges(mail.text, mail.ranges, 'visible')))
  lines.push('', inbox.name)
  const text = lines.join('\n')
  const number = ask.ticket === null ? '' : `[${tools.desk.settings.subject_prefix}#${ask.ticket}] `
  return {
    subject: `${number}${phrases[subjectOf(ask)]}`,
    ...inBothForms(text, language),
  }
}

function bodyOf({ kind, why }: Ask): keyof Phrases {
  if (kind === 'challenge') return 'challenge_body'
  if (why === 'collision') return 'collision_body'
  if (why === 'note_leak') return kind === 'send' ? 'leak_body' : 'address_body'
  if (why === 'agent_token') return 'notice_body'
  if (why === 'unproven_commands') return 'unproven_body'
  return 'error_body'
}

function subjectOf({ kind, why }: Ask): keyof Phrases {
  if (kind === 'challenge') return 'challenge_subject'
  if (why === 'unproven_commands') return 'unproven_subject'
  return why === 'agent_token' ? 'notice_subject' : 'held_subject'
}

/** Marked as somebody's words on each line, so that no line of theirs is one of ours, or a command. */
const barred = (text: string): string =>
  text
    .trim()
    .slice(0, limits.shown)
    .split('\n')
    .map((line) => `| ${line}`.trimEnd())
    .join('\n')
