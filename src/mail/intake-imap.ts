/**
 * IMAP intake: keeps one mailbox polled for as long as the daemon lives. Here is its door; the life of the connection
 * is intake-imap/supervisor.ts, a poll is intake-imap/poll.ts, and imapflow stays behind intake-imap/connection.ts.
 * Nothing is marked on the server before a mail is durable (0.3).
 */
import { randomUUID } from 'node:crypto'
import { wordsOf } from '../errors.ts'
import { openSession, type Session } from './intake-imap/connection.ts'
import { credentialsOf, foldersOf } from './intake-imap/login.ts'
import { checkMailbox, type Intake, type Mailbox } from './intake-imap/mailbox.ts'
import { startTokens } from './intake-imap/oauth.ts'
import { loginOf } from './intake-imap/refusals.ts'
import { findSent } from './intake-imap/sent.ts'
import { type ImapState, type Life, supervise } from './intake-imap/supervisor.ts'

export type ImapPoller = {
  state(): ImapState
  /**
   * Polls at once, or as soon as there is a connection; never cuts short a pause after a refused login. Resolves when
   * the next poll has ended, well or not, or the poller stops.
   */
  pollNow(): Promise<void>
  /** Finishes the mail at hand, at most for limits.logout, then leaves. */
  stop(): Promise<void>
}

export type ImapOptions = Omit<Intake, 'signal' | 'trouble'> & {
  /** Opens the sealed OAuth row. */
  secret: Buffer
}

/**
 * Starts polling; the first connection is made in the background.
 * @throws Refusal `mailbox_plain` for a configuration that would send a password in the clear
 */
export function startImap(options: ImapOptions): ImapPoller {
  const { secret, ...rest } = options
  const { mailbox, sql, limits } = rest
  checkMailbox(mailbox)
  const stopping = new AbortController()
  const oauth = 'oauth' in mailbox.login ? mailbox.login.oauth : null
  const life: Life = {
    intake: { ...rest, log: rest.log.with({ mailbox: mailbox.name }), signal: stopping.signal, trouble: new Map() },
    tokens: oauth && startTokens({ sql, secret, name: mailbox.name, oauth, limits }),
    state: { phase: 'starting', words: '', lastPoll: null, nextTry: null, imported: 0, logins: 0 },
    holder: randomUUID(),
    session: null,
    holding: false,
    failures: { lost: 0, login: 0 },
    lastGood: rest.now(),
    toldAt: null,
    notice: 'open',
    wake: () => {},
    waiters: [],
    polls: 0,
    actionPause: new Map(),
    copying: { waiting: new Map(), notice: 'open' },
    login: loginOf(mailbox, secret),
    refusals: 'perhaps',
  }
  const ended = supervise(life)
  return {
    state: () => ({ ...life.state }),
    pollNow: () => {
      if (stopping.signal.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        life.waiters.push({ called: life.polls, resolve })
        life.wake()
      })
    },
    async stop() {
      stopping.abort()
      life.wake()
      const timer = setTimeout(() => life.session?.close(), limits.logout)
      await ended
      clearTimeout(timer)
    },
  }
}

export type ProbeLine = { ok: boolean; words: string }

/** For `check`: login, folders and what the server can do. Changes nothing, not even a cursor (2.5). */
export async function probeMailbox(
  given: Pick<ImapOptions, 'mailbox' | 'sql' | 'secret' | 'limits' | 'message' | 'log' | 'now'>,
): Promise<ProbeLine[]> {
  const { mailbox, sql, secret, limits, message, log, now } = given
  const at = `${mailbox.name} (${mailbox.user} at ${mailbox.host}:${mailbox.port})`
  let session: Session | null = null
  try {
    checkMailbox(mailbox)
    const oauth = 'oauth' in mailbox.login ? mailbox.login.oauth : null
    const tokens = oauth && startTokens({ sql, secret, name: mailbox.name, oauth, limits })
    const credentials = await credentialsOf(mailbox, tokens, now())
    session = await openSession({ mailbox, credentials, limits, message, log })
    return [{ ok: true, words: `mailbox ${at}: logged in` }, ...(await probeSession(mailbox, session))]
  } catch (error) {
    return [{ ok: false, words: `mailbox ${at}: ${wordsOf(error)}` }]
  } finally {
    await session?.logout()
  }
}

async function probeSession(mailbox: Mailbox, session: Session): Promise<ProbeLine[]> {
  const lines: ProbeLine[] = []
  const { watched, left } = await foldersOf(mailbox, session)
  for (const path of left)
    lines.push({
      ok: false,
      words: `mailbox ${mailbox.name}: ${path} holds no customers' mail: take it out of folders`,
    })
  for (const { path, holds } of watched) {
    try {
      const folder = await session.select(path, 'read')
      const spam =
        holds === 'junk'
          ? '; what comes there is held as spam'
          : holds === 'sent'
            ? '; what comes there was sent without the desk'
            : ''
      lines.push({ ok: true, words: `mailbox ${mailbox.name}: folder ${path} holds ${folder.exists} mails${spam}` })
    } catch (error) {
      lines.push({ ok: false, words: `mailbox ${mailbox.name}: folder ${path}: ${wordsOf(error)}` })
    }
  }
  if (mailbox.sent !== null) lines.push(await probeSent(mailbox, session, mailbox.sent))
  const { idle, move, uidplus } = session.capabilities
  const said = (has: boolean, name: string, else_: string) => (has ? name : `no ${name} (${else_})`)
  const parts = [
    said(idle, 'IDLE', 'new mail is seen at the next poll'),
    said(move, 'MOVE', 'moved by COPY and \\Deleted'),
    said(uidplus, 'UIDPLUS', 'deleted mails are marked and stay'),
  ]
  return [...lines, { ok: true, words: `mailbox ${mailbox.name}: ${parts.join(', ')}` }]
}

async function probeSent({ name }: Mailbox, session: Session, sent: string): Promise<ProbeLine> {
  try {
    const { path } = await session.select(await findSent(session, sent), 'read')
    return { ok: true, words: `mailbox ${name}: copies of answers go into ${path}` }
  } catch (error) {
    return { ok: false, words: `mailbox ${name}: folder ${sent} for copies of answers: ${wordsOf(error)}` }
  }
}
