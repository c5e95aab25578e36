/**
 * The spool: every mail from the moment its bytes are durable to its final state. Nobody else writes inbound_mails.
 * 250 and IMAP flags come only after `accept` has committed (0.1, 0.3).
 */
import type { MailState } from './tables.ts'

/** What the wire knows of a mail besides its bytes. */
export type Envelope = {
  via: 'mx' | 'lmtp' | 'imap' | 'import'
  /** Which listener or mailbox. */
  listener: string
  /** '' is the null sender, null unknown (IMAP). */
  from: string | null
  /** As the client wrote them; `inbox` is the key of the inbox served, `tag` what followed the separator. */
  recipients: { address: string; inbox: string | null; tag: string | null }[]
  session: { ip?: string; helo?: string; tls?: boolean; smtputf8?: boolean; body?: string }
  /** Trace lines to be shown in front of the raw, CRLF-terminated (1.18). */
  prefix: string
  receivedAt: Date
}

/** A claimed mail, leased to one worker. */
export type ClaimedMail = {
  id: number
  envelope: Envelope
  blobId: number
  bytes: number
  attempts: number
  /** The fallback ticket of an earlier quarantine, if any (CLI, States of a mail). */
  ticketId: number | null
  /** Set when a person released a held mail: it is then treated as if it had just arrived (4a.28). */
  releasedAt: Date | null
}

/** How a mail ended; written in the same transaction as what it did. */
export type Outcome = {
  state: Exclude<MailState, 'received' | 'processing' | 'discarded'>
  kind: string | null
  messageId: string | null
  from: string | null
  subject: string | null
  ticketId: number | null
  commentId: number | null
  duplicateOf: number | null
  /** Set on the first mail of its kind, null on copies (3.8). */
  dedupeKey: Buffer | null
  likeness: Likeness | null
  reasons: { code: string; words: string }[]
  trace: unknown
}

/** What tells a copy from a collision (3.3, 3.4). */
export type Likeness = { from: string; date: string; subject: string; body: string; bare: string; list: boolean }
