/**
 * A mail as the rest of the house sees it: the port between `mail/`, which makes these, and `engine/`, which decides
 * by them. Types only. Everything here comes from the bytes alone: nothing was looked up, nothing is trusted.
 */

/** `address` is empty never: domain in lower case and as A-labels, local part as written. `name` is fit for display. */
import type { TextRange } from './ranges.ts'

export type MailAddress = { name: string; address: string }

/** A decoded leaf of the MIME tree that is not body text. `file` lies in the parse job's folder until disposed. */
export type IncomingPart = {
  /** Cleaned (9.6), at most 150 bytes, never empty. */
  filename: string
  /** As declared, lower case; `application/octet-stream` where the declaration is broken. A claim, not a fact (9.5). */
  type: string
  size: number
  /** Shown inside the HTML, by `cid:` + contentId (4.18). */
  inline: boolean
  /** Without brackets, lower case. Made up (`part-N`) where an image without one is shown inline. */
  contentId: string | null
  disposition: 'attachment' | 'inline' | null
  sha256: string
  /** Its bytes where they are few, else the file that has them. */
  content: Buffer | { file: string }
  charset: string | null
  /** Kept as it came, beside what was taken out of it (winmail.dat, an opaque signature): hidden under "original". */
  original: boolean
}

/** What the card of an invitation shows (4.20). Times as the calendar writes them, never converted. */
export type CalendarCard = {
  /** `request`, `reply`, `cancel`, ... in lower case; null where nobody says. */
  method: string | null
  title: string
  /** `2026-03-03T10:00:00`, or `2026-03-03` for a whole day; null where there is none. */
  start: string | null
  end: string | null
  /** 'UTC', or the TZID as written (also a Windows name); null is the reader's own time. */
  zone: string | null
  organiser: MailAddress | null
  location: string
  /** Of a reply: `accepted`, `declined`, `tentative`, ... in lower case, as its first attendee says (RFC 5545 3.2.12). */
  answer: string | null
}

/** One node of the MIME tree in document order, for classification: never anything from inside an attached mail. */
export type StructureNode = { type: string; depth: number; params: Record<string, string> }

export type ParseError = { code: string; words: string }

/** What a lenient scan of the first 256 KB finds, whatever state the mail is in. Ids as in `messageId`. */
export type HeaderScan = {
  messageId: string | null
  /** Own and referred ids, each once, own first, at most 100. */
  ids: string[]
  from: MailAddress | null
  subject: string
  date: string | null
  receivedCount: number
  /** Addresses of Delivered-To, X-Original-To and Envelope-To, in order. */
  deliveredTo: string[]
}

/** A mail that could not be parsed: what the scan found, and why. */
export type BrokenMail = HeaderScan & { error: ParseError; bytes: number; sha256: string }

/** What a delivery report says of one recipient (RFC 3464 2.3). Addresses as in `MailAddress`; codes as `5.1.1`. */
export type ReportedRecipient = {
  recipient: string | null
  original: string | null
  /** `failed`, `delayed`, `delivered`, `relayed`, `expanded`, in lower case. */
  action: string | null
  status: string | null
  /** The server's words, at most limits.report.diagnostic characters. */
  diagnostic: string | null
  remoteMta: string | null
}

/** A machine's report about a mail (4a.3, 4a.10, 4a.11), as it claims: anybody can write one. */
export type MailReport = {
  recipients: ReportedRecipient[]
  /** Message-IDs of mails that came back with it, whole or only their header. */
  originals: string[]
  /** RFC 5965: `abuse`, `fraud`, ...; recipients and sender as far as the provider names them. */
  complaint: { type: string; recipients: string[]; mailFrom: string | null } | null
  /** RFC 8098: `displayed`, `deleted`, ... */
  receipt: { disposition: string; original: string | null; recipient: string | null } | null
}

export type IncomingMail = {
  error: null
  bytes: number
  /** Of the raw bytes, hex. */
  sha256: string
  /** In order, as [name as written, unfolded decoded value]; capped by limits.parse.headerFields. */
  headers: [string, string][]
  /** First address of the first From header; null: none could be read (4.8). */
  from: MailAddress | null
  /** Every address of every From header (4.9). */
  allFrom: MailAddress[]
  /** The sender stood only inside an encoded-word (4.5), or several From headers or addresses (4.9): verdict <= none. */
  fromIrregular: boolean
  sender: MailAddress | null
  replyTo: MailAddress[]
  to: MailAddress[]
  cc: MailAddress[]
  deliveredTo: string[]
  receivedCount: number
  /** Decoded, unfolded, control and bidi characters removed; '' when there is none (4.26). */
  subject: string
  /** 6.7, in the case it was written in. */
  baseSubject: string
  /** ISO 8601 UTC, null when absent or unreadable. */
  date: string | null
  /** The Date header as it stands, '' when absent: part of the content key (3.2). */
  dateRaw: string
  /** 3.1, without brackets as everywhere in the database; null is absent and equals nothing. */
  messageId: string | null
  /** 6.2, same form as messageId. */
  inReplyTo: string[]
  /** 6.2, oldest first as written; at most 100, the first and the last 99 survive. */
  references: string[]
  /** The whole as plain text; from the HTML where there is no plain part. LF line ends. */
  text: string
  textFrom: 'plain' | 'html' | 'none'
  /** What of `text` the HTML hides from its reader; '' where `text` is not of HTML. It is never a command (9.8). */
  hidden: string
  /** Parts `text` without gap or overlap into what was written now, quotation and signature (7.1). */
  ranges: TextRange[]
  /** Sanitised, or null: there is none, or it was beyond the caps (9.2) and its text is in `text`. */
  html: string | null
  sanitiserVersion: number
  parts: IncomingPart[]
  structure: StructureNode[]
  /** report-type of a multipart/report, lower case. */
  reportType: string | null
  /** Null where it reports nothing. */
  report: MailReport | null
  /** METHOD of the first text/calendar part, lower case; of its content where the header does not say. */
  calendarMethod: string | null
  /** Of the first text/calendar part that holds an event; the file itself is among `parts` (4.20). */
  calendar: CalendarCard | null
  /** ISO 639-1, null when unsure. */
  language: string | null
  /** Which caps cut something: 'headers', 'addresses', 'depth', 'parts', 'text', 'html', 'html_depth', 'ids', 'structure', 'wrappings'. */
  truncated: string[]
  /**
   * What was odd: 'from_encoded', 'several_from', 'duplicate_subject', 'no_boundary', ... (4.5, 4.9, 4.10, 4.17).
   * 'signature_not_verified': signed by S/MIME or PGP, and nobody checked. 'encrypted': cannot be read here; `text` says
   * so where nothing else is readable. 'tnef_unreadable', 'smime_unreadable': the part stays a file (4.19, 4.21).
   */
  flags: string[]
  /** 3.2, hex. */
  contentKey: string
  /** SHA-256 of the body bytes, line ends normalised, trailing blank lines removed (3.2), hex. */
  bodySha256: string
  /** SHA-256 of the text without list footer, case and spacing (3.3): equal in a direct and a list copy, hex. */
  bareSha256: string
  /** Zero bytes, or nothing but white space (4.26). */
  blank: boolean
}

export type ParsedMail = IncomingMail | BrokenMail

/**
 * The mail that a mail forwards (7.11). `from` null: none, or not one alone (7.12). `date` ISO 8601 UTC where the
 * original's zone is known.
 */
export type Forwarded = {
  by: 'attached' | 'banner' | 'header_block'
  from: MailAddress | null
  subject: string
  date: string | null
  /** As it stands in the block, in its own language; '' when absent. */
  dateWritten: string
  /** The original's text. */
  text: string
  /** What the forwarder wrote above it. */
  above: string
}

/** What an agent has said of a held mail: that it is theirs, by the nonce that only they got (5.6); or `#send`; or both. */
export type Confirmed = { agent: string; by: ('challenge' | 'send')[] }

/** A held mail that was let in as a ticket of its own, whatever ticket it claims. */
export type ReleasedAs = 'ticket'

export type MailKind =
  | 'human'
  | 'autoreply'
  | 'autogen'
  | 'list'
  | 'dsn'
  | 'mdn'
  | 'arf'
  | 'calendar_reply'
  | 'own'
  | 'empty'

/** One reason for a kind or for silence: rule id and words for "why?". */
export type Signal = { rule: string; says: MailKind | 'no_ack' | 'hint'; words: string }

/** What the bytes and the envelope show. `kind` is final only after `settleKind` (engine/kind.ts) saw the memory. */
export type Classification = {
  kind: MailKind
  /** No automatic answer may go. */
  noAck: boolean
  signals: Signal[]
  /** First token of Auto-Submitted in lower case, null when absent or `no` (4a.12). */
  autoSubmitted: string | null
  /** The subject is a vacation notice (4a.16, 4a.17): needs a second signal. */
  vacationSubject: boolean
  /** A header that hints at an autoreply and is not enough alone: the second signal of 4a.16. */
  weakAutoreply: boolean
  nullSender: boolean
  /** Values of X-Postroom-Loop, at most 10 (4a.21 b). */
  loopIds: string[]
  /** Ids of List-Id, lower case, without brackets (4a.20). */
  listIds: string[]
}

/** What a mail's sender is worth (MAIL 5.1). */
export type Verdict = 'strong' | 'weak' | 'none' | 'fail'

/** The verdict on the From that is shown, and what it rests on; `spf`, `dkim` and `dmarc` are results of RFC 8601. */
export type Auth = {
  verdict: Verdict
  /** `unchecked` where the client's address is unknown. */
  spf: string
  dkim: string
  dmarc: string
  reasons: { code: string; words: string }[]
}
