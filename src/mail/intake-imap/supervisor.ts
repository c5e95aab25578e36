/**
 * The life of a poller: the lease (one poller per mailbox in all daemons), one connection after another, because
 * imapflow does not reconnect, the back-off (2.10), the watchdog (2.9) and the words for people when nothing works.
 */
import { isOutage, releaseLease, takeLease } from '../../database.ts'
import { Refusal, wordsOf } from '../../errors.ts'
import { MINUTE } from '../../time.ts'
import { runActions } from './after.ts'
import { openSession, type Session } from './connection.ts'
import { type Copying, startCopies } from './copies.ts'
import { credentialsOf, foldersOf, type Watched } from './login.ts'
import type { Intake } from './mailbox.ts'
import type { Tokens } from './oauth.ts'
import { type Failure, pause } from './pace.ts'
import { pollFolder } from './poll.ts'
import { clearRefusals, noteRefusal, recallRefusals } from './refusals.ts'

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

/** Everything that lives as long as the poller. */
export type Life = {
  intake: Intake
  tokens: Tokens | null
  state: ImapState
  holder: string
  session: Session | null
  /** We have the lease, as far as we know. */
  holding: boolean
  /** In a row, by kind: the login's count ends with a poll, the others' with minutes of health (2.10). */
  failures: Record<Failure, number>
  lastGood: Date
  /** When admins were last told of silence; null: they know of none. */
  toldAt: number | null
  /** A notice may be open, perhaps of an earlier daemon: the next good poll settles it. */
  notice: 'none' | 'open'
  /** Ends the rest that is being taken. */
  wake: () => void
  waiters: { called: number; resolve: () => void }[]
  /** Polls begun. */
  polls: number
  /** Folder -> when its actions may be tried again after a refusal (2.6). */
  actionPause: Map<string, number>
  copying: Copying
  /** Which login this is, for the memory of refused ones, and whether there may be such. */
  login: string
  refusals: 'perhaps' | 'none'
}

/** One connection after another until the end. */
export async function supervise(life: Life): Promise<void> {
  const { intake, state } = life
  const { sql, limits } = intake
  const lease = `imap/${intake.mailbox.name}`
  const timers = [
    keepLease(life, lease),
    setInterval(() => void tellSilence(life), Math.min(limits.noticeAfter / 5, MINUTE)),
  ]
  let mine = false
  while (!intake.signal.aborted) {
    try {
      life.holding = await takeLease(sql, lease, life.holder, limits.lease)
      if (life.holding && !mine) await sitOut(life) // a pause that began before us
      mine = life.holding
      if (intake.signal.aborted) break
      if (life.holding) await connectAndServe(life)
      else {
        Object.assign(state, { phase: 'elsewhere', words: '' })
        life.lastGood = intake.now()
        await rest(life, limits.lease / 2, 'wakeable')
      }
    } catch (error) {
      await recover(life, error)
    }
  }
  for (const timer of timers) clearInterval(timer)
  state.phase = 'stopped'
  for (const waiter of life.waiters.splice(0)) waiter.resolve()
  await releaseLease(sql, lease, life.holder).catch((error: unknown) => {
    if (!isOutage(error)) throw error // it runs out by itself
  })
}

/** The rest of the pause after a login that this daemon's predecessor, or another one, was refused (2.10). */
async function sitOut(life: Life): Promise<void> {
  const { intake, state } = life
  const { failures, wait } = await recallRefusals(intake, life.login)
  life.failures.login = failures
  life.refusals = 'perhaps'
  if (wait === 0) return
  const nextTry = new Date(intake.now().getTime() + wait)
  Object.assign(state, { phase: 'backing_off', words: 'the login was refused before the start', nextTry })
  settleWaiters(life, Number.POSITIVE_INFINITY)
  await rest(life, wait, 'deaf')
}

async function connectAndServe(life: Life): Promise<void> {
  const { intake, state, tokens } = life
  const { mailbox, limits, message, log } = intake
  Object.assign(state, { phase: 'connecting', nextTry: null })
  const credentials = await credentialsOf(mailbox, tokens, intake.now())
  state.logins++
  const session = await openSession({ mailbox, credentials, limits, message, log })
  life.session = session
  const healthy = setTimeout(() => {
    life.failures.lost = 0
  }, limits.healthy)
  try {
    await serve(life, session)
  } catch (error) {
    if (isDatabase(error)) throw error
    // The command that was cut off knows less than the goodbye.
    const goodbye = await Promise.race([session.closed, after(CLOSING)])
    throw goodbye?.code === 'imap_closed' ? goodbye : error
  } finally {
    clearTimeout(healthy)
    life.session = null
    await session.logout()
  }
}

/**
 * Renewed well before it runs out, also in a pause: two daemons with the same wrong password would try it twice as
 * often. Without it the connection goes, because another daemon may be polling.
 */
function keepLease(life: Life, lease: string): NodeJS.Timeout {
  const { sql, limits, log } = life.intake
  let until = 0
  return setInterval(() => {
    if (!life.holding) return
    const asked = Date.now()
    takeLease(sql, lease, life.holder, limits.lease).then(
      (mine) => {
        if (mine) until = asked + limits.lease
        else life.holding = false
        if (!mine) life.session?.close()
      },
      (error: unknown) => {
        log.warn('imap.lease', { words: wordsOf(error) })
        if (Date.now() >= until) life.session?.close()
      },
    )
  }, limits.lease / 4)
}

/** Polls and waits until the connection ends (throws) or the poller stops (returns). */
async function serve(life: Life, session: Session): Promise<void> {
  const { intake, state } = life
  const { limits } = intake
  const folders = await watchedFolders(life, session)
  const watchdog = watchBytes(life, session)
  const { sent } = intake.mailbox
  const credentials = () => credentialsOf(intake.mailbox, life.tokens, intake.now())
  const copies = sent === null ? null : startCopies(intake, { folder: sent, copying: life.copying, credentials })
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
      await keepGrant(life)
    }
  } finally {
    clearInterval(watchdog)
    await copies?.stop()
  }
}

async function watchedFolders(life: Life, session: Session): Promise<Watched[]> {
  const { mailbox, notices } = life.intake
  const { watched, left } = await foldersOf(mailbox, session)
  const [first] = left
  if (first) {
    const words = `Mailbox ${mailbox.name}: ${first} holds no customers' mail and is not polled: take it out of \`folders\`.`
    await notices.raise('mailbox_folder', mailbox.name, words)
  }
  if (watched.every((one) => one.holds !== 'mail'))
    throw new Refusal('imap_folder', 'no folder is left to poll', 'outage')
  return watched
}

/** 2.11. A provider that is away is no reason to leave a connection that works. */
async function keepGrant(life: Life): Promise<void> {
  const { now, log } = life.intake
  await life.tokens?.keepAlive(now()).catch((error: unknown) => {
    if ((error as { code?: unknown }).code === 'oauth_revoked') throw error
    log.warn('imap.grant', { words: wordsOf(error) })
  })
}

async function pollAll(
  life: Life,
  session: Session,
  { folders, moment }: { folders: Watched[]; moment: 'plain' | 'reconcile' },
): Promise<void> {
  const { intake, state } = life
  // The first folder comes last, so that IDLE watches it.
  for (const watched of [...folders].reverse()) {
    const { path, holds } = watched
    intake.signal.throwIfAborted()
    const polled = await pollUnlessMissing(life, session, { ...watched, moment, first: folders[0]!.path })
    if (!polled) continue
    const { imported, ...place } = polled
    state.imported += imported
    const now = intake.now().getTime()
    if (intake.mailbox.after.do === 'none' || holds !== 'mail') continue // nothing in Junk or Sent is touched
    if (now < (life.actionPause.get(path) ?? 0)) continue
    const refused = await runActions(intake, session, place)
    if (refused) life.actionPause.set(path, now + intake.limits.actionPause)
  }
}

/** A folder besides the first that is not there must not cost the others their mail. */
async function pollUnlessMissing(
  life: Life,
  session: Session,
  { first, ...poll }: Watched & { moment: 'plain' | 'reconcile'; first: string },
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
  life.failures.login = 0
  if (life.refusals === 'perhaps') await clearRefusals(intake)
  life.refusals = 'none'
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
  const failures = ++life.failures[failure]
  if (failure === 'login') {
    life.refusals = 'perhaps'
    await noteRefusal(intake, { login: life.login, failures })
  }
  const wait = expired && failures === 1 ? 0 : pause(limits, { failure, failures, random: Math.random() })
  Object.assign(state, { phase: 'backing_off', nextTry: new Date(intake.now().getTime() + wait) })
  const fields = { words: state.words, code, wait, failures }
  if (expired) log.info('imap.token_expired', fields)
  else if (isOutage(error)) log.warn('imap.trouble', fields)
  else log.error('imap.trouble', fields) // not the server's doing: a bug
  if (failure === 'login' && failures === 2) {
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
      if (ears === 'wakeable' || life.intake.signal.aborted) end()
    }
    if (life.intake.signal.aborted) end()
  })
}
