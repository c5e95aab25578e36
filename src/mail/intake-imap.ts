/**
 * IMAP intake: keeps one mailbox polled for as long as the daemon lives. It owns the lease (one poller per mailbox in
 * all daemons), the connection and its replacement (imapflow does not reconnect), the back-off (2.10), the watchdog
 * (2.9) and the words for people when nothing works. What a poll does is intake-imap/poll.ts; nothing is marked on the
 * server before a mail is durable (0.3).
 */
import { randomUUID } from 'node:crypto'
import { isOutage, releaseLease, takeLease } from '../database.ts'
import { wordsOf } from '../errors.ts'
import { MINUTE } from '../time.ts'
import { runActions } from './intake-imap/after.ts'
import { openSession, type Session } from './intake-imap/connection.ts'
import { type Credentials, checkMailbox, type Intake, type Mailbox } from './intake-imap/mailbox.ts'
import { startTokens, type Tokens } from './intake-imap/oauth.ts'
import { type Failure, pause } from './intake-imap/pace.ts'
import { pollFolder } from './intake-imap/poll.ts'

export type ImapState = {
  /** `elsewhere`: another daemon polls it. `refused`: a person must authorise it again (2.11). */
  phase: 'starting' | 'elsewhere' | 'connecting' | 'polling' | 'waiting' | 'backing_off' | 'refused' | 'stopped'
  /** The last trouble, in the server's words; '' when all is well. */
  words: string
  lastPoll: Date | null
  nextTry: Date | null
  imported: number
  /** Logins tried, for the rule never to hammer a server with a wrong password. */
  logins: number
}

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

/** Everything that lives as long as the poller. */
type Life = {
  intake: Intake
  tokens: Tokens | null
  state: ImapState
  holder: string
  stopping: AbortController
  session: Session | null
  /** Failures in a row, and of which kind. */
  failures: number
  failure: Failure
  lastGood: Date
  /** When admins were last told of silence; null: they know of none. */
  toldAt: number | null
  /** A notice may be open, perhaps of an earlier daemon: the next good poll settles it. */
  notice: 'none' | 'open'
  wake: () => void
  waiters: { called: number; resolve: () => void }[]
  polls: number
  actionPause: Map<string, number>
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
    stopping,
    session: null,
    failures: 0,
    failure: 'lost',
    lastGood: rest.now(),
    toldAt: null,
    notice: 'open',
    wake: () => {},
    waiters: [],
    polls: 0,
    actionPause: new Map(),
  }
  const watch = setInterval(() => void tellSilence(life), Math.min(limits.noticeAfter / 5, MINUTE))
  const ended = supervise(life).finally(() => clearInterval(watch))
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
  for (const path of await foldersOf(mailbox, session)) {
    try {
      const folder = await session.select(path, 'read')
      lines.push({ ok: true, words: `mailbox ${mailbox.name}: folder ${path} holds ${folder.exists} mails` })
    } catch (error) {
      lines.push({ ok: false, words: `mailbox ${mailbox.name}: folder ${path}: ${wordsOf(error)}` })
    }
  }
  const { idle, move, uidplus } = session.capabilities
  const said = (has: boolean, name: string, else_: string) => (has ? name : `no ${name} (${else_})`)
  const parts = [
    said(idle, 'IDLE', 'new mail is seen at the next poll'),
    said(move, 'MOVE', 'moved by COPY and \\Deleted'),
    said(uidplus, 'UIDPLUS', 'deleted mails are marked and stay'),
  ]
  return [...lines, { ok: true, words: `mailbox ${mailbox.name}: ${parts.join(', ')}` }]
}

/** One connection after another until the end. */
async function supervise(life: Life): Promise<void> {
  const { intake, state } = life
  const lease = `imap/${intake.mailbox.name}`
  while (!life.stopping.signal.aborted) {
    try {
      if (!(await takeLease(intake.sql, lease, life.holder, intake.limits.lease))) {
        Object.assign(state, { phase: 'elsewhere', words: '' })
        life.lastGood = intake.now()
        await rest(life, intake.limits.lease / 2, 'wakeable')
        continue
      }
      await connectAndServe(life, lease)
    } catch (error) {
      await recover(life, error)
    }
  }
  state.phase = 'stopped'
  for (const waiter of life.waiters.splice(0)) waiter.resolve()
  await releaseLease(intake.sql, lease, life.holder).catch((error: unknown) => {
    if (!isOutage(error)) throw error // it runs out by itself
  })
}

async function connectAndServe(life: Life, lease: string): Promise<void> {
  const { intake, state, tokens } = life
  const { mailbox, limits, message, log } = intake
  const keeping = keepLease(life, lease)
  try {
    Object.assign(state, { phase: 'connecting', nextTry: null })
    const credentials = await credentialsOf(mailbox, tokens, intake.now())
    state.logins++
    const session = await openSession({ mailbox, credentials, limits, message, log })
    life.session = session
    const healthy = setTimeout(() => {
      life.failures = 0
    }, limits.healthy)
    try {
      await serve(life, session)
    } catch (error) {
      if (isDatabase(error)) throw error
      // The command that was cut off knows less than the goodbye.
      throw (await Promise.race([session.closed, after(CLOSING)])) ?? error
    } finally {
      clearTimeout(healthy)
      life.session = null
      await session.logout()
    }
  } finally {
    clearInterval(keeping)
  }
}

/** Renewed well before it runs out; without it the connection goes, because another daemon may be polling. */
function keepLease(life: Life, lease: string): NodeJS.Timeout {
  const { sql, limits, log } = life.intake
  let held = Date.now() + limits.lease
  return setInterval(() => {
    const asked = Date.now()
    takeLease(sql, lease, life.holder, limits.lease).then(
      (mine) => {
        if (mine) held = asked + limits.lease
        else life.session?.close()
      },
      (error: unknown) => {
        log.warn('imap.lease', { words: wordsOf(error) })
        if (Date.now() >= held) life.session?.close()
      },
    )
  }, limits.lease / 4)
}

/** Polls and waits until the connection ends (throws) or the poller stops (returns). */
async function serve(life: Life, session: Session): Promise<void> {
  const { intake, state } = life
  const { limits } = intake
  const folders = await foldersOf(intake.mailbox, session)
  const watchdog = watchBytes(life, session)
  let lost: Error | null = null
  session.closed.then((error) => {
    lost = error
    life.wake()
  })
  try {
    for (let round = 0; !intake.signal.aborted; round++) {
      if (lost) throw lost
      state.phase = 'polling'
      const serial = ++life.polls
      await pollAll(life, session, { folders, moment: round === 0 ? 'reconcile' : 'plain' })
      await pollEnded(life, serial)
      if (lost) throw lost
      if (life.waiters.length > 0 || session.news()) continue
      state.phase = 'waiting'
      const resting = rest(life, limits.poll, 'wakeable')
      if (session.capabilities.idle) session.idle(() => life.wake())
      await resting
      await life.tokens?.keepAlive(intake.now())
    }
  } finally {
    clearInterval(watchdog)
  }
}

async function pollAll(
  life: Life,
  session: Session,
  { folders, moment }: { folders: string[]; moment: 'plain' | 'reconcile' },
): Promise<void> {
  const { intake, state } = life
  // The first folder comes last, so that IDLE watches it.
  for (const path of [...folders].reverse()) {
    intake.signal.throwIfAborted()
    const polled = await pollUnlessMissing(life, session, { path, moment, first: folders[0]! })
    if (!polled) continue
    const { imported, ...place } = polled
    state.imported += imported
    const now = intake.now().getTime()
    if (intake.mailbox.after.do === 'none' || now < (life.actionPause.get(path) ?? 0)) continue
    const refused = await runActions(intake, session, place)
    if (refused) life.actionPause.set(path, now + intake.limits.actionPause)
  }
}

/** A folder besides the first that is not there must not cost the others their mail. */
async function pollUnlessMissing(
  life: Life,
  session: Session,
  { first, ...poll }: { path: string; moment: 'plain' | 'reconcile'; first: string },
): Promise<Awaited<ReturnType<typeof pollFolder>> | null> {
  const { mailbox, notices } = life.intake
  try {
    return await pollFolder(life.intake, session, poll)
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'imap_folder' || poll.path === first) throw error
    if (poll.moment === 'reconcile')
      await notices.raise('mailbox_folder', mailbox.name, `Mailbox ${mailbox.name}: ${wordsOf(error)}`)
    return null
  }
}

async function pollEnded(life: Life, serial: number): Promise<void> {
  const { intake, state } = life
  life.lastGood = intake.now()
  Object.assign(state, { words: '', lastPoll: life.lastGood })
  settleWaiters(life, serial)
  if (life.notice === 'none') return
  await intake.notices.settle('mailbox_silent', intake.mailbox.name)
  await intake.notices.settle('mailbox_login', intake.mailbox.name)
  Object.assign(life, { notice: 'none', toldAt: null })
}

/** Those who asked before this poll began have their answer. */
function settleWaiters(life: Life, serial: number): void {
  const asked = life.waiters.filter((waiter) => waiter.called < serial)
  life.waiters = life.waiters.filter((waiter) => waiter.called >= serial)
  for (const waiter of asked) waiter.resolve()
}

/** 2.9: a connection over which nothing came for too long is dead, whatever the socket says. */
function watchBytes(life: Life, session: Session): NodeJS.Timeout {
  const { silence } = life.intake.limits
  let bytes = session.received()
  let since = Date.now()
  return setInterval(() => {
    if (session.received() !== bytes) {
      bytes = session.received()
      since = Date.now()
    } else if (Date.now() - since >= silence) {
      life.intake.log.warn('imap.silence', { words: 'no byte from the server: the connection is taken for dead' })
      session.close()
    }
  }, silence / 10)
}

/** Words, the pause, and for a void authorisation the wait for a person. */
async function recover(life: Life, error: unknown): Promise<void> {
  const { intake, state } = life
  const { limits, log, notices, mailbox } = intake
  if (intake.signal.aborted) return
  const code = String((error as { code?: unknown }).code ?? '')
  state.words = wordsOf(error)
  settleWaiters(life, Number.POSITIVE_INFINITY)
  if (code === 'oauth_revoked') return waitForPerson(life, error)
  const failure: Failure = code === 'imap_login' || code === 'oauth_refused' ? 'login' : 'lost'
  if (failure === 'login') life.tokens?.drop() // it may have been withdrawn
  const expired = life.tokens !== null && code === 'imap_closed' && /token|session expired/i.test(state.words)
  if (expired) life.tokens?.drop()
  if (failure !== life.failure) life.failures = 0
  life.failure = failure
  life.failures++
  const wait =
    expired && life.failures === 1 ? 0 : pause(limits, { failure, failures: life.failures, random: Math.random() })
  Object.assign(state, { phase: 'backing_off', nextTry: new Date(intake.now().getTime() + wait) })
  const fields = { words: state.words, code, wait: Math.round(wait), failures: life.failures }
  if (expired) log.info('imap.token_expired', fields)
  else if (isOutage(error)) log.warn('imap.trouble', fields)
  else log.error('imap.trouble', fields) // not the server's doing: a bug
  if (failure === 'login' && life.failures === 2) {
    life.notice = 'open'
    const words = `Mailbox ${mailbox.name} refuses the login of ${mailbox.user}: ${state.words}`
    await notices.raise('mailbox_login', mailbox.name, words).catch(shrug(life))
  }
  await rest(life, wait, failure === 'login' ? 'deaf' : 'wakeable')
}

/** 2.11: nothing helps but a new authorisation, which shows as another token in the configuration or the database. */
async function waitForPerson(life: Life, error: unknown): Promise<void> {
  const { intake, state, tokens } = life
  const { mailbox, notices, log, limits } = intake
  Object.assign(state, { phase: 'refused', nextTry: null })
  life.notice = 'open'
  log.error('imap.authorisation_void', { words: state.words })
  await notices.raise('mailbox_login', mailbox.name, `Mailbox ${mailbox.name}: ${wordsOf(error)}`).catch(shrug(life))
  while (!intake.signal.aborted) {
    const still = await tokens?.revoked().catch(() => true) // the database is away: look again
    if (!still) return
    await rest(life, limits.backoffCap / 10, 'wakeable')
    settleWaiters(life, Number.POSITIVE_INFINITY)
    // Another daemon stays out while we hold the lease: it would only ask the provider again.
    await takeLease(intake.sql, `imap/${mailbox.name}`, life.holder, limits.lease).catch(shrug(life))
  }
}

/** 2.10: told in the server's own words, and again after as long, until a poll works. */
async function tellSilence(life: Life): Promise<void> {
  const { intake, state } = life
  const { mailbox, limits, notices } = intake
  if (['refused', 'elsewhere', 'stopped'].includes(state.phase)) return
  const now = intake.now().getTime()
  const since = now - life.lastGood.getTime()
  if (since < limits.noticeAfter || (life.toldAt !== null && now - life.toldAt < limits.noticeAfter)) return
  Object.assign(life, { notice: 'open', toldAt: now })
  const minutes = Math.round(since / MINUTE)
  const words = `Mailbox ${mailbox.name} has had no successful poll for ${minutes} minutes: ${state.words || state.phase}`
  await notices.raise('mailbox_silent', mailbox.name, words).catch(shrug(life))
}

/** A notice that could not be written is in the log, and comes again with the next trouble. */
const shrug = (life: Life) => (error: unknown) => life.intake.log.warn('imap.notice', { words: wordsOf(error) })

/** Time for the goodbye of a connection to be read. */
const CLOSING = 100

const after = (milliseconds: number) => new Promise<null>((resolve) => setTimeout(resolve, milliseconds, null))

const isDatabase = (error: unknown): boolean =>
  isOutage(error) && !String((error as { code?: unknown }).code).startsWith('imap_')

function rest(life: Life, milliseconds: number, ears: 'wakeable' | 'deaf'): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      life.wake = () => {}
      resolve()
    }
    const timer = setTimeout(end, milliseconds)
    life.wake = () => {
      if (ears === 'wakeable' || life.stopping.signal.aborted) end()
    }
    if (life.stopping.signal.aborted) end()
  })
}

async function credentialsOf(mailbox: Mailbox, tokens: Tokens | null, now: Date): Promise<Credentials> {
  if (tokens) return { accessToken: await tokens.access(now) }
  return 'password' in mailbox.login ? { password: mailbox.login.password } : { password: '' }
}

/** Special uses as the paths that this server gives them (2.19). */
async function foldersOf(mailbox: Mailbox, session: Session): Promise<string[]> {
  const wanted = mailbox.folders.length ? mailbox.folders : ['INBOX']
  if (!wanted.some((folder) => folder.startsWith('\\'))) return wanted
  const listed = await session.folders()
  return wanted.map((folder) => listed.find((one) => one.use?.toLowerCase() === folder.toLowerCase())?.path ?? folder)
}
