/** What of a mail leads later mails to its ticket: its own id, the ids it refers to, numbers of others (MAIL 6.1-6.3). */
import type { Statement, Tx } from '../../database.ts'
import { threading } from '../../limits.ts'
import { type Reference, referenceRows } from '../thread/rows.ts'
import type { MailId } from '../thread.ts'
import type { Arrival, Facts } from './facts.ts'
import type { Plan } from './plan.ts'

type Judged = { plan: Plan; arrival: Arrival; facts: Facts }

/** The id under which a later mail may refer to this one, and who may. */
export function incomingId(work: Judged, place: { ticketId: number; commentId: number }): MailId[] {
  const { mail } = work.arrival
  if (!mail.messageId) return []
  const direction = work.plan.thread.by === 'side' ? 'side' : 'in'
  return [{ messageId: mail.messageId, ...place, direction, ...referrers(work) }]
}

/** What else will lead here: ids that a person's mail refers to, another system's number, a provider's thread (6.1). */
export function references(
  tx: Tx,
  work: Judged,
  place: { ticketId: number; commentId: number },
  now: Date,
): Statement[] {
  const { plan, arrival, facts } = work
  const { claims } = facts
  // who is asked on the side leads nobody else here
  if (arrival.auth.verdict === 'fail' || arrival.mail.error !== null || plan.thread.by === 'side') return []
  // whoever asks a machine's mail for an ancestor would find all that the machine ever wrote
  const ancestors = plan.kind === 'human' ? claims.ids : []
  const sorts: [Reference['direction'], string[]][] = [
    ['ancestor', nearest(ancestors.filter((id) => !claims.ours.has(id) && id !== arrival.mail.messageId))],
    ['external', claims.external],
    ['provider', claims.provider === null ? [] : [claims.provider]],
  ]
  return sorts
    .filter(([, ids]) => ids.length > 0)
    .map(([direction, ids]) => referenceRows(tx, { ids, direction, ...place, ...referrers(work) }, now))
}

/** Who is named in a mail may refer to it; who is named in a forged one may not. */
function referrers({ arrival, facts }: Judged): { people: string[]; baseSubject: string } {
  const { mail } = arrival
  const whole = mail.error === null ? mail : null
  const named =
    arrival.auth.verdict === 'fail' ? [] : [mail.from, facts.from, ...(whole?.to ?? []), ...(whole?.cc ?? [])]
  const people = named.flatMap((one) => (one ? [one.address] : []))
  return { people: people.slice(0, 100), baseSubject: whole?.baseSubject ?? '' }
}

/** The newest, and the one that all began with: a long conversation has too many to keep each time. */
const nearest = (ids: string[]): string[] =>
  ids.length <= threading.ancestors ? ids : [...ids.slice(0, threading.ancestors - 1), ids.at(-1)!]
