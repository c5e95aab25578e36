/** A mail as it comes to the engine's door. Types only. */
import type { Auth, Classification, Confirmed, Forwarded, ParsedMail, ReleasedAs } from '../../incoming.ts'

/** A mail at the engine's door. */
export type Arrival = {
  /** Its row in the spool; 0: it is not stored, and is only explained. */
  id: number
  mail: ParsedMail
  /** What bytes and envelope show; null when the mail could not be parsed. */
  classification: Classification | null
  /** What From is worth (5.1). */
  auth: Auth
  via: 'mx' | 'lmtp' | 'imap' | 'import'
  /** '' is the null sender, null unknown. */
  envelopeFrom: string | null
  /** Envelope recipients as the client wrote them. */
  recipients: string[]
  receivedAt: Date
  /** When a person released it from being held: clocks start there (4a.28). */
  releasedAt: Date | null
  /** `ticket`: as one of its own, whatever it claims. */
  releasedAs: ReleasedAs | null
  /** The agent who said by mail that it is theirs (5.6). */
  confirmed: Confirmed | null
  /** What it forwards; looked for where an agent wrote (7.11). */
  forward: Forwarded | null
  /** It lay in the Sent folder of the inbox's mailbox (2.17). */
  sent: boolean
  /** Imported history: closed, nothing sent, no clocks (2.5). */
  archive: boolean
  /** The server that brought it over SMTP; null: another way, this machine, or a relay of our own. */
  client: string | null
  /** A hold that the wire already decided, such as a loop on LMTP (1.19). */
  hold: { code: string; words: string } | null
  /** An earlier mail that this one is a copy of (3.1-3.5), or that shares its id and differs (3.4). */
  copy: { of: number; ticketId: number | null; words: string } | null
  collision: boolean
  /** What a server of ours calls it spam for (4a.27). */
  spam: string | null
  /** The raw was too large to fetch: header only (2.12). */
  oversize: number | null
  /** It failed too often: the words of the last failure (2.15). */
  poison: string | null
  /** The thread that the mail provider it was fetched from counts it to, with the account (6.1 (7)). */
  providerThread: string | null
  /** The ticket that an earlier quarantine opened for it; work goes on there. */
  fallbackTicket: number | null
}

/** What is known of an arrival before earlier mails were looked at. */
export type Known = Omit<Arrival, 'copy' | 'collision'>
