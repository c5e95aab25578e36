/**
 * How effects are taken back, by the names that receipts keep with them. What each needs is plain JSON of a row that only
 * this room writes.
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { cancelForTicket } from '../outbox.ts'
import { blockSender, unblockSender } from '../people/blocks.ts'
import { forgetContact } from '../people/contacts.ts'
import { restoreCc, type Standing } from '../tickets/cc.ts'
import type { ClosedDuplicate } from '../tickets/close-duplicates.ts'
import { markDuplicate, reopenDuplicates, unmarkDuplicate } from '../tickets/duplicates.ts'
import { type Followed, follow, unfollow } from '../tickets/follow.ts'
import { type LinkKind, linkTickets, unlinkTickets } from '../tickets/links.ts'
import { pinPolicy, unpinPolicy } from '../tickets/policy.ts'
import { unmarkSpam } from '../tickets/spam.ts'
import { type Changed, takeBack } from '../tickets/take-back.ts'
import { markSpam } from '../tickets.ts'
import { editEntry, removeEntry } from '../time-entries.ts'
import { workerOn } from './acting.ts'
import type { Acting, Inverse } from './command.ts'

/** `late`: its mail had left; the rest of it is taken back all the same. */
type TakenBack = { late: boolean }

/**
 * Takes one effect back.
 * @throws Refusal `changed_since` and those of the verbs; nothing is taken back then
 */
export async function invert(tx: Tx, inverse: Inverse, on: Acting, now: Date): Promise<TakenBack> {
  const run = Object.hasOwn(INVERSES, inverse.verb) ? INVERSES[inverse.verb] : undefined
  if (!run) throw new Refusal('not_undoable', 'This cannot be taken back.')
  return (await run(tx, inverse.args as never, on, now)) ?? { late: false }
}

type Invert = (tx: Tx, args: never, on: Acting, now: Date) => Promise<TakenBack | undefined>

const INVERSES: Record<string, Invert> = {
  take_back: takeFieldsBack as Invert,
  level_back: levelBack as Invert,
  people_back: peopleBack as Invert,
  remove_entries: removeEntries as Invert,
  unlink: unlinkBack as Invert,
  entry_back: entryBack as Invert,
  recall: recall as Invert,
  unspam: unspam as Invert,
  forget_contact: forget as Invert,
  unfollow: unfollowBack as Invert,
  unblock: unblockBack as Invert,
  // of what is taken away on the web: a mail has no command for it but this one
  link: linkBack as Invert,
  spam: spamBack as Invert,
  follow: followBack as Invert,
  block: blockBack as Invert,
  duplicate: duplicateBack as Invert,
}

type Fields = {
  ticketId: number
  changed: Changed | null
  closed?: ClosedDuplicate[]
  duplicate?: { ticketId: number; from: number | null }
}

async function takeFieldsBack(tx: Tx, args: Fields, on: Acting, now: Date): Promise<TakenBack> {
  const { ticketId, closed = [], duplicate } = args
  const { actor, tools } = on
  const { late } = await reopenDuplicates(tx, { closed, actor }, now)
  if (duplicate && duplicate.from === null) await unmarkDuplicate(tx, { ticketId, actor }, now)
  const changed = duplicate && args.changed ? without(args.changed, 'duplicate_of') : args.changed
  if (changed) await takeBack(tx, { ticketId, changed, actor, tools }, now)
  return { late: late > 0 }
}

/** Its own verb takes it back, with the links. */
function without(changed: Changed, field: keyof Changed['was']): Changed | null {
  const { [field]: _was, ...was } = changed.was
  const { [field]: _is, ...is } = changed.is
  return Object.keys(was).length > 0 ? { was, is } : null
}

async function levelBack(
  tx: Tx,
  args: { ticketId: number; pinned: boolean; policy: string | null },
  on: Acting,
  now: Date,
): Promise<undefined> {
  const change = { ticketId: args.ticketId, actor: on.actor, tools: on.tools, reason: 'taken back' }
  if (args.pinned) await pinPolicy(tx, { ...change, policy: args.policy }, now)
  else await unpinPolicy(tx, change, now)
}

async function peopleBack(
  tx: Tx,
  args: { ticketId: number; changed: { address: string; was: Standing | null }[] },
  on: Acting,
  now: Date,
): Promise<undefined> {
  for (const { address, was } of args.changed.toReversed())
    await restoreCc(tx, { ticketId: args.ticketId, address, was, actor: on.actor }, now)
}

async function removeEntries(tx: Tx, args: { entryIds: number[] }, on: Acting, now: Date): Promise<undefined> {
  for (const entryId of args.entryIds) await removeEntry(tx, { entryId, agent: workerOn(on) }, now)
}

/** A time entry as it was, for whoever wants it back. */
export type EntryWas = {
  raw_s: number
  local_date: string
  billable: boolean
  note: string
  percent_complete: number | null
}

async function entryBack(tx: Tx, args: { entryId: number; was: EntryWas }, on: Acting, now: Date): Promise<undefined> {
  const { raw_s: seconds, local_date: date, billable, note, percent_complete: percent } = args.was
  const change = { when: { date, seconds }, details: { billable, note, percent } }
  await editEntry(tx, { entryId: args.entryId, agent: workerOn(on), ...change, tools: on.tools }, now)
}

async function unlinkBack(
  tx: Tx,
  args: { ticketId: number; otherId: number; kind: LinkKind },
  on: Acting,
  now: Date,
): Promise<undefined> {
  await unlinkTickets(tx, { ...args, actor: on.actor }, now)
}

async function unspam(tx: Tx, args: { ticketId: number }, on: Acting, now: Date): Promise<undefined> {
  await unmarkSpam(tx, { ticketId: args.ticketId, actor: on.actor }, now)
}

async function linkBack(
  tx: Tx,
  args: { ticketId: number; otherId: number; kind: LinkKind },
  on: Acting,
  now: Date,
): Promise<undefined> {
  await linkTickets(tx, { ...args, actor: on.actor }, now)
}

async function spamBack(tx: Tx, args: { ticketId: number }, on: Acting, now: Date): Promise<undefined> {
  await markSpam(tx, { ticketId: args.ticketId, actor: on.actor }, now)
}

async function duplicateBack(
  tx: Tx,
  args: { ticketId: number; ofId: number },
  on: Acting,
  now: Date,
): Promise<undefined> {
  await markDuplicate(tx, { ...args, actor: on.actor, tools: on.tools }, now)
}

async function forget(tx: Tx, args: { contactId: number }): Promise<undefined> {
  await forgetContact(tx, args.contactId)
}

type Following = { agentId: number; project: string | null; ticketId: number | null }

async function unfollowBack(tx: Tx, args: Following, on: Acting, now: Date): Promise<undefined> {
  await unfollow(tx, followed(args, on), now)
}

async function followBack(tx: Tx, args: Following, on: Acting, now: Date): Promise<undefined> {
  await follow(tx, followed(args, on), now)
}

const followed = ({ agentId, project, ticketId }: Following, on: Acting): Followed =>
  project ? { agentId, project, desk: on.tools.desk } : { agentId, ticketId: ticketId!, actor: on.actor }

async function unblockBack(
  tx: Tx,
  args: { sender: string; ticketId: number | null },
  on: Acting,
  now: Date,
): Promise<undefined> {
  await unblockSender(tx, { ...args, actor: on.actor }, now)
}

async function blockBack(
  tx: Tx,
  args: { sender: string; ticketId: number | null },
  on: Acting,
  now: Date,
): Promise<undefined> {
  await blockSender(tx, { ...args, actor: on.actor, desk: on.tools.desk }, now)
}

/** What has not left is not sent, and the ticket is as before the answer; what has left stays said (MAIL 8.20). */
async function recall(
  tx: Tx,
  args: { ticketId: number; commentId: number; changed?: Changed | null },
  on: Acting,
  now: Date,
): Promise<TakenBack> {
  const { ticketId, commentId, changed } = args
  await cancelForTicket(tx, { ticketId, commentId }, now)
  const [left] = await tx`
    select from outbox where comment_id = ${commentId} and state not in ('cancelled', 'suppressed') limit 1`
  if (left) return { late: true }
  if (changed) await takeBack(tx, { ticketId, changed, actor: on.actor, tools: on.tools }, now)
  return { late: false }
}
