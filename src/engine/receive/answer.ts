/** What a person's further mail does to its ticket (6.8, 6.9, 6.12, 6.16). Pure. */
import type { IncomingMail } from '../../incoming.ts'
import { tickets as limits } from '../../limits.ts'
import { joinRanges } from '../../ranges.ts'
import type { Candidate, Threading } from '../thread.ts'
import { reason } from './endings.ts'
import type { Arrival, Facts } from './facts.ts'
import { isReopenedTooOften, quieten, spamPlace } from './guards.ts'
import { isProven } from './identity.ts'
import { open } from './open.ts'
import { named, newcomer } from './people.ts'
import type { Plan, Reason } from './plan.ts'
import { isThanksOnly } from './thanks.ts'

/** A person's further mail in a ticket (6.8, 6.12, 6.14). */
export function answer(
  arrival: Arrival,
  facts: Facts,
  plan: Plan,
  ticket: Candidate,
  threading: Threading,
  now: Date,
): Plan {
  if (arrival.archive) return history(plan, ticket, threading)
  const mail = arrival.mail as IncomingMail
  const done = ticket.status === 'resolved' || ticket.status === 'closed'
  const renamed = !sameMatter(mail.baseSubject, ticket.baseSubject)
  // 10: a mail that our own server calls spam is words in its ticket, and moves nothing
  const marked = spamPlace(arrival, threading) === 'flagged'
  const late = done && now.getTime() - (ticket.resolvedAt ?? ticket.closedAt ?? now).getTime() > limits.reopen
  if (!marked && (late || (done && renamed))) {
    const why = late
      ? reason('follow_up', `ticket #${ticket.id} was done more than 14 days ago`)
      : reason('new_subject', `ticket #${ticket.id} is done and the subject is another`)
    return open(
      arrival,
      facts,
      { ...plan, reasons: [...plan.reasons, why] },
      { links: alsoOf(threading), followUpOf: ticket.id },
      now,
    )
  }
  // 6.9, 6.23: what a colleague may do needs proof
  const proven = isProven(arrival.auth, facts.identity)
  const colleague =
    !marked &&
    threading.stranger &&
    proven &&
    facts.organization !== null &&
    facts.organization.id === ticket.organizationId
  const stranger = threading.stranger && !colleague
  // anybody can sign with a domain of their own: without a secret of the ticket, `weak` must not let others read it
  const mayInvite = !marked && (isSecret(threading.by) || proven)
  const guarded = !marked && done && isReopenedTooOften(facts, ticket)
  const thanks = !marked && done && facts.desk.settings.thanks === 'keep' && isThanks(mail, facts)
  const status = marked || guarded || thanks ? null : statusAfter(ticket, { stranger })
  const when = { stranger, renamed, guarded, thanks, reopened: status !== null && done }
  return {
    ...plan,
    state: 'commented',
    actions: [
      {
        action: 'comment',
        ticket: ticket.id,
        visibility: 'public',
        automatic: false,
        reopens: when.reopened,
      },
      ...(status ? [{ action: 'status' as const, ticket: ticket.id, ...status }] : []),
      ...(threading.stranger
        ? newcomer(facts, { ticket: ticket.id, role: colleague ? 'participant' : 'pending' })
        : []),
      ...named(arrival, facts, { ticket: ticket.id, role: stranger || !mayInvite ? 'suggested' : 'participant' }),
      ...(guarded && facts.from
        ? [quieten('storm', facts.from.address, `ticket #${ticket.id} was opened again and again by mails`)]
        : []),
      ...alsoOf(threading).map((other) => ({ action: 'link' as const, other, kind: 'refers_to' })),
    ],
    reasons: [...plan.reasons, ...answerReasons(mail, ticket, threading, when)],
  }
}

function answerReasons(
  mail: IncomingMail,
  ticket: Candidate,
  threading: Threading,
  when: Record<'stranger' | 'renamed' | 'guarded' | 'thanks' | 'reopened', boolean>,
): Reason[] {
  const reasons = [reason('comment', `it belongs to ticket #${ticket.id} (${threading.by})`)]
  if (when.stranger) reasons.push(reason('pending_person', 'the sender takes no part yet; an agent may admit them'))
  if (when.renamed) reasons.push(reason('new_subject', `subject changed to "${mail.subject}"`))
  if (when.guarded)
    reasons.push(reason('reopen_guard', 'mails opened this ticket so often within the hour that it stays done'))
  if (when.thanks) reasons.push(reason('thanks', 'words of thanks alone: it stays done'))
  for (const { ticket: other, by } of threading.also)
    reasons.push(reason('also_refers', `it also leads to #${other} (${by})`))
  if (when.reopened) reasons.push(reason('reopened', 'answered within 14 days'))
  return [...reasons, reason('no_ack', 'only the first mail of a ticket is acknowledged')]
}

/** Whoever knows one has read mail of that ticket (5.9, 6.3). */
export const isSecret = (by: Threading['by']): boolean =>
  by === 'token' || by === 'our_id' || by === 'body_token' || by === 'side'

const alsoOf = (threading: Threading): number[] => threading.also.map((one) => one.ticket)

/** MAIL 6.16. A file is more than thanks. */
function isThanks(mail: IncomingMail, facts: Facts): boolean {
  if (mail.parts.some((part) => !part.inline && !part.original)) return false
  const { agents, inboxes } = facts.desk
  const names = [...agents.values(), ...inboxes].map((one) => one.name)
  return isThanksOnly(joinRanges(mail.text, mail.ranges, 'visible'), [facts.from?.name ?? '', ...names])
}

/** MAIL 2.5: what was said in a conversation is added to it, and nothing else happens. */
const history = (plan: Plan, ticket: Candidate, threading: Threading): Plan => ({
  ...plan,
  state: 'commented',
  actions: [{ action: 'comment', ticket: ticket.id, visibility: 'public', automatic: false, reopens: false }],
  reasons: [
    ...plan.reasons,
    reason('comment', `it belongs to ticket #${ticket.id} (${threading.by})`),
    reason('archive', 'imported as history: nothing sent, nothing opened again'),
  ],
})

/** MAIL 6.12 and the table of 10: a stranger's mail only ends a wait. */
function statusAfter(ticket: Candidate, threading: { stranger: boolean }) {
  const from = ticket.status
  if (from === 'waiting_customer')
    return { from, to: 'open' as const, dropAssignee: false, why: 'the customer answered' }
  if (threading.stranger || (from !== 'resolved' && from !== 'closed')) return null
  return { from, to: 'open' as const, dropAssignee: hasGone(ticket), why: 'the customer answered' }
}

/** The ticket is with somebody who no longer works here. */
const hasGone = (ticket: Candidate): boolean => ticket.assigneeId !== null && !ticket.assigneeActive

/** MAIL 6.8: the subjects are about the same matter when one contains the other. */
function sameMatter(a: string, b: string): boolean {
  const [one, other] = [a.trim().toLowerCase(), b.trim().toLowerCase()]
  return one.includes(other) || other.includes(one)
}
