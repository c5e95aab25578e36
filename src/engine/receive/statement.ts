/**
 * Answers to statements of time (C11). Pure, but for what carries them out. A yes approves where it is the customer's own
 * beyond doubt: an address that the statement was sent to, proven as for commands (9.8), at the reply address of its
 * newest mail. Whatever else comes is a comment like any other, so that a person reads it.
 */
import type { Tx } from '../../database.ts'
import type { IncomingMail } from '../../incoming.ts'
import { looksSigned, readSignedAddress } from '../../tokens.ts'
import { approveStatement, disputeStatement } from '../billing/statements/answer.ts'
import type { AnsweredStatement } from '../billing/statements/read.ts'
import { sameAddress } from '../people.ts'
import type { Threading } from '../thread.ts'
import type { Tools } from '../tools.ts'
import { visibleOf } from './agent-case.ts'
import type { Arrival } from './arrival.ts'
import { reason } from './endings.ts'
import type { Facts } from './facts.ts'
import { spamPlace } from './guards.ts'
import { isProven } from './identity.ts'
import type { Action, Plan } from './plan.ts'
import type { Work } from './work.ts'
import { isPlainYes, saysYes } from './yes.ts'

type Answer = Extract<Action, { action: 'statement' }>

/** Whether it is written to the reply address of a statement: what approves is done apart from other mails. */
export const isStatementAnswer = (mail: IncomingMail, { desk, keys }: Pick<Tools, 'desk' | 'keys'>): boolean =>
  [...mail.to, ...mail.cc].some(
    ({ address }) =>
      looksSigned(address) &&
      desk.inboxes.some((inbox) => readSignedAddress(keys, inbox.address, sameAddress(address))?.purpose === 's'),
  )

/** The plan of a mail in the ticket of a statement, with what it does to that. */
export function aboutStatement(plan: Plan, arrival: Arrival, facts: Facts, threading: Threading): Plan {
  const { statement } = facts
  const comment = plan.actions.find((one) => one.action === 'comment')
  if (!statement || arrival.archive || plan.state !== 'commented' || comment?.visibility !== 'public') return plan
  if (statement.ticketId === null || comment.ticket !== statement.ticketId) return plan
  const text = visibleOf(arrival.mail as IncomingMail)
  const doubt = doubtOf(plan, arrival, facts, threading)
  const isAgain = doubt === null && statement.state === 'approved' && isPlainYes(text)
  // who says yes twice wants nothing more
  if (isAgain) return withReason(withoutStatus(plan), `the statement of ${statement.month} was approved before`)
  const open = statement.state === 'sent' || statement.state === 'disputed'
  if (doubt === null && open && isPlainYes(text)) {
    const words = `${facts.from!.address} approves the statement of ${statement.month}`
    return withReason(withAnswer(withoutStatus(plan), { statement, does: 'approve', text }), words)
  }
  const why =
    doubt ?? (open ? 'it says more, or other, than yes' : `the statement of ${statement.month} is ${statement.state}`)
  const noted = withReason(plan, `it approves nothing: ${why}`)
  const objects =
    plan.kind === 'human' && !threading.stranger && statement.state === 'sent' && !(doubt && saysYes(text))
  return objects ? withAnswer(noted, { statement, does: 'dispute', text }) : noted
}

/** Carries it out, when the comment is there. */
export async function answerStatement(tx: Tx, work: Work, action: Answer, now: Date): Promise<void> {
  const { facts, arrival, tools } = work
  const from = facts.from!
  const name = facts.contact?.name || from.name
  const answer = {
    statementId: action.statement,
    revision: action.revision,
    actor: { kind: 'contact' as const, id: facts.contact?.id ?? null, name },
    from: { address: from.address, name },
    text: action.text,
    messageId: arrival.mail.messageId,
    tools,
  }
  if (action.does === 'approve') await approveStatement(tx, answer, now)
  else await disputeStatement(tx, answer, now)
}

/** What makes a mail less than the customer's own answer to the newest mail of a statement; null: nothing. */
function doubtOf(plan: Plan, arrival: Arrival, facts: Facts, threading: Threading): string | null {
  const mail = arrival.mail as IncomingMail
  const statement = facts.statement as AnsweredStatement
  const tokens = facts.claims.written.filter((one) => one.purpose === 's')
  const token = tokens[0]
  // what is signed is the header: an envelope can be put around any mail of theirs
  if (!token || tokens.length > 1) return 'its reply address does not stand in its header'
  const ticket = facts.candidates.get(statement.ticketId!)
  if (
    token.person !== statement.id ||
    token.ticket !== statement.ticketId ||
    token.generation !== ticket?.tokenGeneration
  )
    return 'its reply address is another ticket’s, or was revoked'
  if (token.comment !== statement.revision) return 'it answers an earlier mail of the statement'
  const perhapsAutomatic = arrival.classification?.weakAutoreply || plan.signals.some(({ rule }) => rule === '4a.16')
  if (plan.kind !== 'human' || arrival.envelopeFrom === '' || perhapsAutomatic) return 'it may be an automatic answer'
  if (spamPlace(arrival, threading) !== null) return 'it is marked as spam'
  if (mail.allFrom.length !== 1 || mail.fromIrregular) return 'it has several senders'
  if (!isProven(arrival.auth, facts.identity) || arrival.releasedAt) return 'nothing proves who wrote it'
  if (!statement.people.includes(sameAddress(facts.from?.address ?? '')))
    return 'its writer is not who the statement was sent to'
  return arrival.collision ? 'a mail like it came before' : null
}

const withReason = (plan: Plan, words: string): Plan => ({
  ...plan,
  reasons: [...plan.reasons, reason('statement', words)],
})

/** Approving resolves the ticket: it is not opened before. */
const withoutStatus = (plan: Plan): Plan => ({
  ...plan,
  actions: plan.actions
    .filter((one) => one.action !== 'status')
    .map((one) => (one.action === 'comment' ? { ...one, reopens: false } : one)),
})

const withAnswer = (
  plan: Plan,
  { statement, does, text }: { statement: AnsweredStatement; does: Answer['does']; text: string },
): Plan => {
  const { id, revision, ticketId } = statement
  const action: Answer = { action: 'statement', statement: id, revision, ticket: ticketId!, does, text }
  return { ...plan, actions: [...plan.actions, action] }
}
