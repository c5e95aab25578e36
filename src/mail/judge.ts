/**
 * What a decision about one mail rests on, asked in one way by who carries it out (pipeline.ts) and by who only
 * explains it: so that the executed plan is the explained one. Writes nothing and takes no id.
 */
import { createHash } from 'node:crypto'
import { all, ask, type Tx } from '../database.ts'
import { budgetLock } from '../engine/outbox/budget.ts'
import { type Arrival, type Facts, identify, type Known, loadFacts } from '../engine/receive.ts'
import { externalIds, providerKey } from '../engine/thread/correlate.ts'
import { findEarlier } from '../engine/thread/earlier.ts'
import { chooseTicket, findStanding } from '../engine/thread.ts'
import type { Tools } from '../engine/tools.ts'
import type { Auth, Forwarded, ParsedMail, ParseError } from '../incoming.ts'
import { parse as limits } from '../limits.ts'
import { clientOf, type Trust } from './authenticate/trust.ts'
import { unchecked } from './authenticate.ts'
import { classify } from './classify.ts'
import { type Copy, copyOf, dedupeKeys, NO_COPY } from './duplicates.ts'
import { scanHeaders } from './parse/scan.ts'
import { footersOf } from './reply-text/signature.ts'
import { extractReply } from './reply-text.ts'
import { findLikeness } from './spool/claims.ts'
import type { ClaimedMail } from './spool.ts'

/** As much of a stored mail as deciding needs. `id` 0: it is not stored. */
export type Judged = Pick<ClaimedMail, 'id' | 'envelope' | 'releasedAt' | 'ticketId'> &
  Partial<Pick<ClaimedMail, 'confirmed' | 'releasedAs'>>

/**
 * A mail as it was read: its parts, what its From is worth, the words of its last failure (2.15), its mark as spam, and
 * what it forwards, which is looked for where an agent wrote.
 */
export type Read = {
  mail: ParsedMail
  auth: Auth
  poison: string | null
  spam: string | null
  forward: Forwarded | null
}

export type Case = {
  arrival: Arrival
  facts: Facts
  /** The earlier mail that this one is a copy of, if any. */
  copy: Copy
  /** The keys under which the mail may be known, its own first; none for a mail that could not be parsed. */
  keys: Buffer[]
}

/** A mail that is not, or cannot be, parsed: what a lenient look at its first bytes says, and why no more. */
export async function scanned(source: AsyncIterable<Buffer>, { code, words }: ParseError): Promise<Read> {
  const hash = createHash('sha256')
  const head: Buffer[] = []
  let bytes = 0
  for await (const chunk of source) {
    hash.update(chunk)
    if (bytes < limits.header) head.push(chunk)
    bytes += chunk.length
  }
  const scan = scanHeaders(Buffer.concat(head))
  const auth = unchecked('unreadable', 'a mail that cannot be read is not authenticated')
  return {
    mail: { ...scan, error: { code, words }, bytes, sha256: hash.digest('hex') },
    auth,
    poison: words,
    spam: null,
    forward: null,
  }
}

/** What is known of a mail before earlier mails are looked at. */
export function knownOf(judged: Judged, { mail, auth, poison, spam, forward }: Read, trust: Trust): Known {
  const { envelope } = judged
  const session = envelope.session as typeof envelope.session & { archive?: boolean; sent?: boolean; oversize?: number }
  return {
    id: judged.id,
    mail,
    classification:
      mail.error === null ? classify(mail, { from: envelope.from, nullSender: envelope.from === '' }) : null,
    auth,
    via: envelope.via,
    envelopeFrom: envelope.from,
    client: clientOf(trust, envelope),
    recipients: envelope.recipients.map((recipient) => recipient.address),
    receivedAt: envelope.receivedAt,
    releasedAt: judged.releasedAt,
    releasedAs: judged.releasedAs ?? null,
    confirmed: judged.confirmed ?? null,
    forward,
    sent: session.sent ?? false,
    archive: session.archive ?? false,
    hold: session.held
      ? { code: session.held, words: 'it has passed through this desk or too many servers before' }
      : null,
    spam,
    oversize: session.oversize ?? null,
    poison,
    providerThread: providerThreadOf(judged, mail),
    fallbackTicket: judged.ticketId,
  }
}

/** A mail before its facts are asked for: what it must be alone with. */
export type Prepared = {
  judged: Judged
  known: Known
  keys: Buffer[]
  /** The names of the locks it works under; two mails that share one follow each other. */
  names: string[]
}

/** Reads off a mail what must be locked: every id it carries or names, its sender, its content. Pure. */
export function prepare(judged: Judged, known: Known, tools: Tools): Prepared {
  const { mail } = known
  const keys = mail.error === null ? dedupeKeys(mail, known.receivedAt) : []
  const { author, writeTo } = identify(known, tools.desk)
  const outside = mail.error === null ? externalIds(mail, author, known.auth, tools.desk) : []
  const ids = mail.error === null ? [...mail.inReplyTo, ...mail.references] : mail.ids
  const names = [...new Set([mail.messageId, ...ids])].flatMap((id) => (id ? [`id/${id}`] : []))
  for (const one of [author, mail.from]) if (one) names.push(`from/${one.address.toLowerCase()}`)
  if (writeTo) names.push(budgetLock(writeTo.address))
  names.push(...outside, ...(known.providerThread ? [known.providerThread] : []))
  names.push(...keys.map((key) => `content/${key.toString('hex')}`))
  return { judged, known, keys, names }
}

/**
 * Facts, copies and locks of one mail. The locks are the transaction's: those that it was prepared with, and the
 * tickets that it names.
 */
export async function gather(tx: Tx, { judged, known, keys, names }: Prepared, tools: Tools, now: Date): Promise<Case> {
  const { mail } = known
  // one wave: each is a statement of its own, so what comes after the locks sees what their last holders committed
  const [, earlier, facts] = await Promise.all([
    lock(tx, names),
    findLikeness(tx, { id: judged.id, messageId: mail.messageId, dedupeKeys: keys }),
    loadFacts(tx, known, tools, now),
  ])
  // a mail that is looked at once more is no copy of its own copies
  const others = earlier.filter((one) => judged.id === 0 || one.duplicateOf !== judged.id)
  const copy = mail.error === null ? copyOf(mail, others, known.receivedAt) : NO_COPY
  const unread = known.fallbackTicket ?? copy.unread.find((one) => one.ticketId !== null)?.ticketId ?? null
  const fallback = unread === null ? null : await findStanding(tx, unread)
  if (fallback) facts.candidates.set(fallback.id, fallback)
  const arrival: Arrival = {
    ...known,
    mail: copy.earlier ? mail : await partedAgain(tx, known, facts),
    copy: copy.earlier && { of: copy.earlier.id, ticketId: copy.earlier.ticketId, words: copy.words },
    collision: copy.collision,
    fallbackTicket: fallback?.id ?? null,
  }
  return { arrival, facts, copy, keys }
}

/**
 * The mail, parted once more where it goes on with a ticket: what that holds is quotation with certainty, and what it
 * does not hold was typed into one (7.4); what the author's domain repeats is a footer (7.9). Only an answer that has
 * more in it than a few words of its own is worth the question.
 */
async function partedAgain(tx: Tx, { mail, classification }: Known, facts: Facts): Promise<ParsedMail> {
  const isWritten = classification?.kind === 'human' || classification?.kind === 'list'
  if (mail.error !== null || !isWritten || mail.text.length < FEW_WORDS) return mail
  const { ticket } = chooseTicket(facts.claims, facts, facts.from?.address ?? null)
  if (!ticket) return mail
  const address = facts.from?.address.toLowerCase() ?? ''
  const domain = address.slice(address.lastIndexOf('@') + 1)
  const earlier = await findEarlier(tx, { ticketId: ticket.id, contactId: facts.contact?.id ?? null, domain })
  const footers = footersOf(earlier.fromDomain)
  const { ranges } = extractReply({
    ...mail,
    known: earlier.texts,
    footers,
    hasFiles: mail.parts.length > 0 ? 'yes' : 'no',
  })
  return { ...mail, ranges }
}

const FEW_WORDS = 120 // characters

/** What the wire already decided must be looked at by a person (1.13 on lmtp). */
export const quarantineWords = ({ envelope, releasedAt }: Judged): string | null =>
  envelope.session.quarantined === 'header' && !releasedAt ? 'Its header block is larger than is accepted.' : null

/**
 * The thread that the provider counts the mail to: asked of the server a mail was fetched from, or written by an export
 * into a file that an admin imports. Whoever sends a mail cannot say it.
 */
function providerThreadOf({ envelope }: Judged, mail: ParsedMail): string | null {
  const { thread_id: id } = envelope.session as typeof envelope.session & { thread_id?: string }
  if (envelope.via === 'imap' && id) return providerKey('provider', envelope.listener, id)
  if (envelope.via !== 'import' || mail.error !== null) return null
  const written = mail.headers.find(([name]) => name.toLowerCase() === 'x-gm-thrid')?.[1].trim()
  return written && /^\d{1,20}$/.test(written) ? providerKey('provider', 'import', written) : null
}

/**
 * One mail of a conversation and of a sender at a time. In one statement and in one order, for all mails that are
 * settled together, so that two transactions never wait for each other in a ring.
 */
const lock = (tx: Tx, names: string[]) => ask(tx, LOCKS, { names })

const LOCKS = all(
  'names text[]',
  `select keys.n, pg_advisory_xact_lock(key) from (
    select min(given.n) as n, hashtextextended(name, 0) as key
    from given cross join lateral unnest(given.names) as name group by 2 order by 2) keys`,
)
