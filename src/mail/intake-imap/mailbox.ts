/** What a mailbox to be polled is: its configuration, its limits, whom it tells. Types only, and one check. */
import type { Sql } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import type { imap } from '../../limits.ts'
import type { Log } from '../../log.ts'

/** What happens on the server after a mail's commit (2.6). `folder` only with `move`. */
export type After =
  | { do: 'none' }
  | { do: 'keyword' }
  | { do: 'seen' }
  | { do: 'delete' }
  | { do: 'move'; folder: string }

export type OAuth = {
  tokenUrl: string
  clientId: string
  clientSecret: string | null
  scope: string | null
  /** The one given by the admin; what the provider rotates it to lives in the database. */
  refreshToken: string
}

export type Mailbox = {
  /** Unique; names the lease, the cursor and the OAuth row. */
  name: string
  /** Key of the inbox that its mail is for, and that inbox's address (3.7). */
  inbox: string
  address: string
  host: string
  port: number
  tls: 'implicit' | 'starttls' | 'none'
  /** PEM of an own certificate authority. */
  ca: string | null
  user: string
  login: { password: string } | { oauth: OAuth }
  /** Paths, or a special use such as `\Archive`. The first one is watched by IDLE, all are polled. */
  folders: string[]
  after: After
  /** 2.5: days of old mail taken as archive at the first connection; 0: from now. */
  importDays: number
  authservId: string | null
  /** The folder, or a special use as `\Sent`, that gets a copy of each answer (2.18); null: none. */
  sent: string | null
  /** Whether that folder is looked at for answers that went out without the desk (2.17). */
  watchSent: boolean
  /** The folder, or `\Junk`, whose mail is taken in and held (2.16); null: none. */
  junk: string | null
}

export type Credentials = { password: string } | { accessToken: string }

/** As `limits.imap`; tests shorten it. */
export type ImapLimits = { [key in keyof typeof imap]: (typeof imap)[key] extends number ? number : number[] }

/** Words for admins (HOUSE, Notices): one per kind and mailbox. */
export type Notices = {
  raise(kind: NoticeKind, subject: string, words: string): Promise<void>
  settle(kind: NoticeKind, subject: string): Promise<void>
}

export type NoticeKind =
  | 'mailbox_silent' // no successful poll for a while (2.10)
  | 'mailbox_login' // needs a person: invalid_grant (2.11)
  | 'mailbox_unfetchable' // 2.13
  | 'mailbox_not_imported' // 2.4
  | 'mailbox_action' // 2.6
  | 'mailbox_sent' // 2.18
  | 'mailbox_original' // 2.12
  | 'mailbox_folder' // a folder besides the first is not there

/** Everything a poll needs besides the connection. */
export type Intake = {
  mailbox: Mailbox
  sql: Sql
  /** DATA/tmp: large mails are put together here. */
  tmp: string
  limits: ImapLimits
  /** Bytes of the largest mail taken whole (2.12). */
  message: number
  log: Log
  now: () => Date
  notices: Notices
  /** Aborted when the mailbox is no longer ours: the daemon stops, or the lease is lost. */
  signal: AbortSignal
  /** UID -> connections that died while it was fetched; outlives the connections. */
  trouble: Map<string, number>
}

/** @throws Refusal `mailbox_plain` when a password would travel in the clear */
export function checkMailbox(mailbox: Mailbox): void {
  const local = ['127.0.0.1', '::1', 'localhost'].includes(mailbox.host)
  if (mailbox.tls === 'none' && !local)
    throw new Refusal('mailbox_plain', `Mailbox ${mailbox.name}: without TLS only a server on this machine.`, 'config')
}
