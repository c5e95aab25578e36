/** What the states of an outgoing mail mean to an agent. */
import type { OutboxKind, OutboxState } from '../../engine/outbox/tables.ts'

export const OUTBOX_WORDS: Record<OutboxState, string> = {
  queued: 'Waiting',
  leased: 'On its way',
  sending: 'On its way',
  sent: 'Sent',
  deferred: 'Will be tried again',
  uncertain: 'May have been delivered',
  failed: 'Not delivered',
  suppressed: 'Not sent: address bounces',
  cancelled: 'Cancelled',
}

export const OUTBOX_KIND_WORDS: Record<OutboxKind, string> = {
  reply: 'Answer',
  ack: 'Acknowledgement',
  notification: 'Notification',
  login: 'Sign-in link',
  survey: 'Survey',
  notice: 'Notice',
  receipt: 'Receipt',
  statement: 'Statement',
}
