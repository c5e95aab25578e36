/**
 * What a machine's report about our mail does (4a.4-4a.11). Pure. Only a report that proves that it is about a mail of
 * ours, by our signed address or by our Message-ID and its recipient, may change anything; the others are written down.
 */
import type { IncomingMail, ReportedRecipient } from '../incoming.ts'
import type { Reported, ReportedTicket, SentMail } from './bounces/find.ts'
import { type BounceOutcome, outcomeOf } from './bounces/outcome.ts'
import type { OutboxKind } from './outbox/tables.ts'
import { sameAddress } from './people.ts'

/** One recipient of a delivery report, as `explain` shows it. */
export type DeliveryReport = {
  recipient: string | null
  action: string | null
  status: string | null
  diagnostic: string | null
  outcome: BounceOutcome
  /** The outbox row that it is proven to be about. */
  message: number | null
}

export type ReportAction =
  /** A mail of ours failed, waits or arrived (4a.7, 4a.8). */
  | {
      action: 'delivery'
      message: number
      kind: OutboxKind
      ticket: number | null
      recipient: string
      outcome: BounceOutcome
      status: string | null
      words: string
      /** The ticket waits for an answer to a mail that never came. */
      opens: boolean
    }
  /** Its recipient called it spam (4a.10). */
  | { action: 'complaint'; message: number; ticket: number | null; recipient: string; type: string; words: string }
  /** Its recipient's program says what became of it (4a.11). */
  | { action: 'receipt'; ticket: number; data: { disposition: string; by: string | null }; words: string }
  /** Somebody answers an invitation of this conversation (4.20). */
  | {
      action: 'calendar_answer'
      ticket: number
      data: { from: string | null; name: string; title: string; answer: string | null }
      words: string
    }
  /** It names a ticket and proves nothing (4a.5). */
  | { action: 'unverified_report'; ticket: number; words: string }
  /** It is about nothing that we know (4a.9). */
  | { action: 'unmatched_report' }

export type ReportCode = 'bounced' | 'complaint' | 'receipt' | 'unverified_report' | 'unmatched_report'

export type ReportPlan = {
  dsn: DeliveryReport[]
  actions: ReportAction[]
  reasons: { code: ReportCode; words: string }[]
}

/** Decides what a report of one of these kinds does; what it claims stands in `mail.report`. */
export function decideReport(kind: 'dsn' | 'arf' | 'mdn', mail: IncomingMail, reported: Reported): ReportPlan {
  if (kind === 'arf') return complaint(mail, reported)
  if (kind === 'mdn') return receipt(mail, reported)
  return bounce(mail, reported)
}

function bounce(mail: IncomingMail, reported: Reported): ReportPlan {
  const lines = (mail.report?.recipients ?? []).map((line) => ({ line, outcome: outcomeOf(line) }))
  const matches = matchRecipients(lines, reported.sent)
  const dsn = lines.map(({ line, outcome }, n) => ({
    recipient: line.recipient ?? line.original,
    action: line.action,
    status: line.status,
    diagnostic: line.diagnostic,
    outcome,
    message: matches[n]?.id ?? null,
  }))
  const actions = lines.flatMap(({ line, outcome }, n): ReportAction[] => {
    const sent = matches[n]
    if (!sent || matches.indexOf(sent) !== n) return []
    const ticket = ticketOf(reported, sent)
    return [
      {
        action: 'delivery',
        message: sent.id,
        kind: sent.kind,
        ticket: ticket?.id ?? null,
        recipient: sent.recipient,
        outcome,
        status: line.status,
        words: wordsFor(sent.recipient, line, outcome),
        opens:
          (sent.kind === 'reply' || sent.kind === 'statement') &&
          outcome === 'hard' &&
          ticket?.status === 'waiting_customer',
      },
    ]
  })
  if (actions.length > 0)
    return {
      dsn,
      actions,
      reasons: actions.map((one) => ({ code: 'bounced', words: 'words' in one ? one.words : '' })),
    }
  return {
    dsn,
    ...unproven(
      reported,
      lines.map(({ line }) => line.recipient ?? line.original),
    ),
  }
}

type Line = { line: ReportedRecipient; outcome: BounceOutcome }

/**
 * The row of each line (4a.4 (1), (2)). A signed address names one row: where none of the lines names its recipient the
 * mail was passed on, and a report of one line, or of failures only, is about it all the same.
 */
function matchRecipients(lines: Line[], sent: SentMail[]): (SentMail | null)[] {
  const matches = lines.map(({ line }) => {
    const named = [line.recipient, line.original].flatMap((one) => (one ? [sameAddress(one)] : []))
    return sent.find((row) => named.includes(sameAddress(row.recipient))) ?? null
  })
  if (matches.some((match) => match !== null)) return matches
  const signed = sent.find((row) => row.by === 'address')
  const failed = (outcome: BounceOutcome) => outcome !== 'delayed' && outcome !== 'delivered'
  const isAboutIt = lines.length === 1 || lines.every(({ outcome }) => failed(outcome))
  return signed && isAboutIt ? matches.map((match, n) => (n === 0 ? signed : match)) : matches
}

function complaint(mail: IncomingMail, reported: Reported): ReportPlan {
  const said = mail.report?.complaint
  const named = (said?.recipients ?? []).map(sameAddress)
  const byAddress = reported.sent.filter((row) => row.by === 'address' || named.includes(sameAddress(row.recipient)))
  // providers hide who complained; a mail that went to one person leaves no doubt
  const rows = byAddress.length > 0 ? byAddress : named.length === 0 && reported.sent.length === 1 ? reported.sent : []
  if (rows.length === 0 || !said) return { dsn: [], ...unproven(reported, said?.recipients ?? []) }
  const actions = rows.slice(0, 1).map((row): ReportAction => {
    const words = `${row.recipient} reported a mail of this desk as ${said.type === 'abuse' ? 'spam' : said.type}`
    const ticket = ticketOf(reported, row)?.id ?? null
    return { action: 'complaint', message: row.id, ticket, recipient: row.recipient, type: said.type, words }
  })
  return {
    dsn: [],
    actions,
    reasons: actions.map((one) => ({ code: 'complaint', words: 'words' in one ? one.words : '' })),
  }
}

function receipt(mail: IncomingMail, reported: Reported): ReportPlan {
  const said = mail.report?.receipt
  const row = reported.sent[0]
  const ticket = row && ticketOf(reported, row)
  if (!said || !ticket) {
    const words = 'it names no mail of this desk'
    return { dsn: [], actions: [], reasons: [{ code: 'unmatched_report', words }] }
  }
  const by = said.recipient ?? mail.from?.address ?? null
  const words = `${by ?? 'The recipient'}: ${said.disposition}, according to their mail program`
  const action: ReportAction = {
    action: 'receipt',
    ticket: ticket.id,
    data: { disposition: said.disposition, by },
    words,
  }
  return { dsn: [], actions: [action], reasons: [{ code: 'receipt', words }] }
}

/** MAIL 4a.5, 4a.9: written down where it leads to a ticket, counted where it leads nowhere. */
function unproven(reported: Reported, recipients: (string | null)[]): Omit<ReportPlan, 'dsn'> {
  const numbers = [...reported.named, ...reported.sent.flatMap((row) => row.ticketId ?? [])]
  const ticket = numbers.map((number) => reported.tickets.get(number)).find((one) => one !== undefined)
  if (!ticket) {
    const words = 'it is about no mail that this desk is known to have sent'
    return { actions: [{ action: 'unmatched_report' }], reasons: [{ code: 'unmatched_report', words }] }
  }
  const whom =
    recipients
      .filter((one) => one !== null)
      .slice(0, 3)
      .join(', ') || 'somebody'
  const words = `A report says that mail to ${whom} failed; nothing proves it, so nothing was changed`
  return {
    actions: [{ action: 'unverified_report', ticket: ticket.id, words }],
    reasons: [{ code: 'unverified_report', words }],
  }
}

const ticketOf = (reported: Reported, sent: SentMail): ReportedTicket | undefined =>
  sent.ticketId === null ? undefined : reported.tickets.get(sent.ticketId)

function wordsFor(recipient: string, line: ReportedRecipient, outcome: BounceOutcome): string {
  if (outcome === 'delivered') return `Delivered to ${recipient}`
  const why = [line.status, line.diagnostic]
    .filter((part) => part !== null)
    .join(' ')
    .slice(0, 500)
  const said = outcome === 'delayed' ? `Delivery to ${recipient} is delayed` : `Delivery to ${recipient} failed`
  return why ? `${said}: ${why}` : said
}
