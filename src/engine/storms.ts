/**
 * Senders that are too many mails, or too quick (4a.23, 4a.24, 6.15). What a sender did is read from the mails that are
 * stored; that somebody is kept quiet is an open notice, so that it is seen, and ends when an admin settles it.
 */
import { ask, each, type Queryable, type Tx } from '../database.ts'
import type { IncomingMail, Verdict } from '../incoming.ts'
import { storm as limits } from '../limits.ts'
import { after, DAY } from '../time.ts'
import { raiseNotice } from './notices.ts'
import { sameAddress } from './people.ts'

/** What the desk remembers of a sender, as of the mail that is judged. */
export type SenderRecord = {
  address: string
  /** Mails within the last hour that opened a ticket, or would have but for a storm. */
  opened: number
  /** Those of them within half an hour that say the same. */
  same: number
  /** A storm of this sender is on: no automatic mail, and where it is gathered (null: that ticket is gone). */
  storm: { ticket: number | null } | null
  /** Known to answer by itself. */
  autoresponder: boolean
  /** This mail came within seconds of an automatic mail of ours; how many did before it. Null: it did not. */
  reflexes: number | null
}

/**
 * Loads it for the From of a mail; null where nobody is named.
 * @param given.ours Message-IDs of ours that the mail refers to
 */
export async function findSender(
  tx: Tx,
  given: { mail: IncomingMail; ours: string[]; at: Date },
): Promise<SenderRecord | null> {
  const { mail, at } = given
  if (!mail.from) return null
  const { address } = mail.from
  const key = sameAddress(address)
  const [row] = await ask<Omit<SenderRecord, 'storm'> & { storm: boolean; ticket: number | null }>(tx, SENDER, {
    address,
    key,
    at,
    bare: mail.bareSha256,
    subject: mail.baseSubject,
    ours: given.ours,
  })
  if (!row) return null
  const { storm, ticket, ...rest } = row
  return { ...rest, storm: storm ? { ticket: ticket === null ? null : await lockTicket(tx, ticket) } : null }
}

/** Why a mail that would open a ticket is one too many, or null (4a.23). Pure. */
export function stormWords(sender: SenderRecord, how: { verdict: Verdict; via: string }): string | null {
  const most = how.verdict === 'strong' ? limits.perHourStrong : limits.perHour
  // mails from files come all at once, because a person wants them to
  if (how.via !== 'import' && sender.opened >= most)
    return `more than ${most} mails within an hour came from ${sender.address}`
  if (sender.same + 1 >= limits.same)
    return `${limits.same} equal mails within half an hour came from ${sender.address}`
  return null
}

/** Why a sender gets no automatic mail for now, or null (4a.23, 4a.24). Pure. */
export function quietWords(sender: SenderRecord | null): string | null {
  if (!sender) return null
  if (sender.storm) return `a storm of mails from ${sender.address} is on`
  if (sender.autoresponder || isReflex(sender)) return `${sender.address} answers by itself`
  return null
}

/** The third answer within seconds of an automatic mail of ours (4a.24). Pure. */
export const isReflex = (sender: SenderRecord): boolean =>
  sender.reflexes !== null && sender.reflexes + 1 >= limits.reflexes

/** Keeps a sender quiet, and says so once: a storm for a day, an autoresponder until the notice is settled. */
export async function quieten(
  tx: Queryable,
  what: { kind: 'storm' | 'autoresponder'; address: string; words: string },
  now: Date,
): Promise<void> {
  const words = `${what.words}. It gets no automatic mail ${what.kind === 'storm' ? 'for 24 hours, or ' : ''}until this is settled.`
  await raiseNotice(tx, { kind: what.kind, subject: sameAddress(what.address), words: capital(words) }, now)
}

/** Whether an address gets no automatic mail for now: a storm of theirs is on, or they are known to answer by themselves. */
export async function isKeptQuiet(tx: Tx, address: string, now: Date): Promise<boolean> {
  const [row] = await tx<{ quiet: boolean }[]>`
    select exists (
      select from notices where subject = ${sameAddress(address)} and settled_at is null
        and (kind = 'autoresponder' or (kind = 'storm' and last_at > ${after(now, -DAY)}))) as quiet`
  return row!.quiet
}

/** How often mails opened each of these tickets again within the last hour (6.15). */
export async function countReopens(tx: Tx, tickets: number[], now: Date): Promise<Map<number, number>> {
  if (tickets.length === 0) return new Map()
  const rows = await tx<{ id: number; count: number }[]>`
    select ticket_id as id, count(*)::int as count from events
    where ticket_id = any(${tickets}::bigint[]) and at > ${after(now, -limits.window)} and type = 'status'
      and actor = 'contact' and data ->> 'to' = 'open' and data ->> 'from' in ('resolved', 'closed')
    group by ticket_id`
  return new Map(rows.map((row) => [row.id, row.count]))
}

const ago = (milliseconds: number) => `given.at - interval '${milliseconds / 1000} s'`

const STORM = `exists (
  select from notices where kind = 'storm' and subject = given.key and settled_at is null and last_at > ${ago(DAY)} offset 0)`

/** Where a storm is gathered. */
const GATHERED = `(
  select ticket_id from inbound_mails where from_address = given.address and received_at > ${ago(DAY)}
    and reasons @> '[{"code": "storm"}]' and ticket_id is not null order by received_at desc, id desc limit 1)`

/** An answer by id or by subject to an automatic mail of seconds ago, and the first to that one. */
const QUICK = `exists (
  select from outbox o where o.recipient = any(array[given.address, given.key])
    and o.created_at > ${ago(DAY)} and o.kind in ('ack', 'notification', 'survey') and o.state = 'sent'
    and o.settled_at between ${ago(limits.reflexWithin)} and given.at
    and (o.message_id = any(given.ours) or (given.subject <> '' and position(lower(given.subject) in lower(o.subject)) > 0))
    and not exists (select from inbound_mails m where m.from_address = given.address and m.received_at > o.settled_at
      and m.reasons @> '[{"code": "reflex"}]' offset 0) offset 0)`

const SENDER = each(
  'address text, key text, at timestamptz, bare text, subject text, ours text[]',
  `select given.key as address, ${STORM} as storm,
    exists (select from notices where kind = 'autoresponder' and subject = given.key and settled_at is null offset 0) as autoresponder,
    recent.opened, recent.same, case when ${STORM} then ${GATHERED} end as ticket,
    case when ${QUICK} then (
      select count(*)::int from inbound_mails where from_address = given.address
        and received_at > ${ago(limits.reflexWindow)} and reasons @> '[{"code": "reflex"}]') end as reflexes
  from (
    select count(*)::int as opened,
      (count(*) filter (where body = given.bare and received_at > ${ago(limits.sameWindow)}))::int as same
    from (
      select received_at, state, reasons, likeness ->> 'bare' as body from inbound_mails
      where from_address = given.address and received_at > ${ago(limits.window)}
        and received_at < given.at + interval '${limits.disorder / 1000} s'
      order by received_at desc limit ${limits.looked}) mails
    where state = 'ticketed' or reasons @> '[{"code": "storm"}]') recent`,
)

async function lockTicket(tx: Tx, id: number): Promise<number | null> {
  const rows = await tx`
    select id from tickets where id = ${id} and deleted_at is null and merged_into is null and spam_at is null for update`
  return rows.length > 0 ? id : null
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
