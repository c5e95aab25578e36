/**
 * What keeps mails from doing what they would do alone: a mark as spam, a storm, a ticket that is opened again and again,
 * a matter that has its ticket (4a.19, 4a.23, 4a.24, 4a.27, 6.15). Pure, and asked by decide.ts.
 */
import { badAddresses, storm as limits } from '../../limits.ts'
import { isReflex, stormWords } from '../storms.ts'
import type { Candidate, Threading } from '../thread.ts'
import type { Arrival, Facts } from './facts.ts'
import type { Action, Plan, Reason } from './plan.ts'

/** Whether a marked mail waits, or goes to its ticket with the mark on it: with a secret, or by who takes part (4a.27). */
export function spamPlace(arrival: Arrival, threading: Threading): 'held' | 'flagged' | null {
  if (arrival.spam === null || arrival.archive || arrival.releasedAt) return null
  const { ticket, by, stranger } = threading
  return ticket && (by === 'token' || by === 'our_id' || by === 'body_token' || by === 'side' || !stranger)
    ? 'flagged'
    : 'held'
}

/** The ticket of the matter that a rule names, if one is open (4a.19). */
export function matterOf(facts: Facts, key: string | null): { ticket: number; reason: Reason } | null {
  const ticket = key === null ? undefined : facts.matters.get(key)
  if (ticket === undefined) return null
  return { ticket, reason: { code: 'matter', words: `a rule says that it belongs to ticket #${ticket}` } }
}

/** What becomes of a mail that would open a ticket and is one too many; `ticket` null: it opens the one for all (4a.23). */
export function stormIn(arrival: Arrival, facts: Facts): { ticket: number | null; words: string } | null {
  const { sender } = facts
  // a form writes for many people, and a person vouched for what was released
  if (!sender || arrival.archive || arrival.releasedAt || facts.identity.via !== null) return null
  const words = stormWords(sender, { verdict: arrival.auth.verdict, via: arrival.via })
  return words === null ? null : { ticket: sender.storm?.ticket ?? null, words }
}

/** The mail as one more comment for agents to see, folded; nothing else happens (10, "storm member"). */
export const gathered = (plan: Plan, ticket: number, reason: Reason): Plan => ({
  ...plan,
  noAck: true,
  state: 'commented',
  thread: { ...plan.thread, ticket },
  actions: [{ action: 'comment', ticket, visibility: 'internal', automatic: true, reopens: false }],
  reasons: [...plan.reasons, reason],
})

/** MAIL 6.15: whether mails opened this ticket so often within the hour that one more does not. */
export const isReopenedTooOften = (facts: Facts, ticket: Candidate): boolean =>
  (facts.reopened.get(ticket.id) ?? 0) >= limits.reopens

/** MAIL 4a.24: a person's mail that came within seconds of our automatic one; the third says what they are. */
export function withReflex(plan: Plan, facts: Facts): Plan {
  const { sender } = facts
  // an agent is awake, and waits for nothing when they are told of something
  if (plan.kind !== 'human' || plan.author.role === 'agent' || !sender || sender.reflexes === null) return plan
  if (plan.state !== 'ticketed' && plan.state !== 'commented') return plan
  const reasons = [
    ...plan.reasons,
    { code: 'reflex' as const, words: 'it came within seconds of an automatic mail of ours' },
  ]
  if (!isReflex(sender) || sender.autoresponder) return { ...plan, reasons }
  const words = `${sender.address} answered ${limits.reflexes} automatic mails within seconds each`
  return { ...plan, reasons, actions: [...plan.actions, quieten('autoresponder', sender.address, words)] }
}

/** MAIL 5.8: a reply address that is not ours is counted; from the limit on admins are told by whom. */
export function withBadAddress(plan: Plan, arrival: Arrival, facts: Facts): Plan {
  const { failures } = facts
  const isCounted = facts.claims.badToken && !arrival.archive && !arrival.releasedAt && !arrival.copy
  if (!isCounted || !failures || arrival.via === 'import') return plan
  const source = { client: arrival.client, sender: facts.from?.address ?? null }
  const actions: Action[] = [{ action: 'count_bad_address', ...source, at: arrival.receivedAt }]
  for (const which of ['client', 'sender'] as const) {
    const subject = source[which]
    if (subject === null || failures[which] + 1 < badAddresses.perHour) continue
    const words =
      `${failures[which] + 1} mails within an hour from ${subject} went to reply addresses that are not ours: somebody ` +
      'guesses, or a server on the way damages them. Meanwhile a signed address from there leads only those to a ticket ' +
      'who take part in it; nothing is lost.'
    actions.push({ action: 'notice', kind: 'bad_reply_addresses', subject, words })
  }
  return { ...plan, actions: [...plan.actions, ...actions] }
}

export const quieten = (kind: 'storm' | 'autoresponder', address: string, words: string): Action => ({
  action: 'quieten',
  kind,
  address,
  words,
})
