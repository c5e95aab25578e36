/**
 * The outbox: the port between the desk and its outgoing mail. A row is written in the caller's transaction and holds
 * all that the bytes are made of; delivery is dumb and repeatable.
 */
import type { OutboxKind } from './tables.ts'

/** A mail to be queued; one row per recipient is written, all with the same Message-ID, Date and headers (8.8). */
export type OutgoingMail = {
  kind: OutboxKind
  ticketId: number | null
  commentId: number | null
  inboxId: number | null
  /** Without angle brackets. Made by tokens.ts before this call (8.1). */
  messageId: string
  recipients: { address: string; name: string }[]
  /** In order, unencoded; From, To, Cc, Reply-To, In-Reply-To, References, Auto-Submitted ... No MIME or Content-* ones. */
  headers: [name: string, value: string][]
  subject: string
  text: string
  html: string | null
  attachmentIds: number[]
  /** The end of the undo window of a public answer (8.20). */
  notBefore: Date | null
}
