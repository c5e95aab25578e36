/** The daemon: starts its parts in order, says of each when it is ready, stops them in reverse. */
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import type { Config, Listener } from '../config.ts'
import { startCron, sweepFirst } from '../cron.ts'
import { isOutage, type Sql, transaction } from '../database.ts'
import { watchDesk } from '../engine/desk/watch.ts'
import type { Desk } from '../engine/desk.ts'
import { clearNotice, raiseNotice } from '../engine/notices.ts'
import type { Tools } from '../engine/tools.ts'
import { Refusal, wordsOf } from '../errors.ts'
import { imap as imapLimits, web as limits, smtp as smtpLimits, tokenKeys } from '../limits.ts'
import type { Log } from '../log.ts'
import { startTrust } from '../mail/authenticate/trust.ts'
import { startDeliverer } from '../mail/deliver.ts'
import { type ImapPoller, startImap } from '../mail/intake-imap.ts'
import { openDoors } from '../mail/intake-smtp/doors.ts'
import { servedBy } from '../mail/intake-smtp/recipients.ts'
import { startSmtp } from '../mail/intake-smtp.ts'
import { isAlive, startParser, sweepParts } from '../mail/parse.ts'
import { startPipeline } from '../mail/pipeline.ts'
import { startSanitising } from '../mail/sanitise-again.ts'
import { startSpool } from '../mail/spool/accept.ts'
import { startRecent } from '../mail/spool/recent.ts'
import { loadKeys } from '../tokens.ts'
import { startWeb } from '../web/server.ts'
import { createLoginLink } from '../web/session.ts'
import { firstAdmin } from './agents.ts'
import { type Installation, openInstallation, type Place, TEMPLATES } from './installation.ts'
import { readRuleMail } from './rules.ts'
import type { Print } from './show.ts'

export type Daemon = { stop(): Promise<void> }

type Part = { name: string; stop(): Promise<unknown> }

/**
 * Starts everything and prints one line a part.
 * @throws Refusal, fault `config`, when a part cannot start; those that had are stopped again
 */
export async function startDaemon(place: Place, log: Log, print: Print): Promise<Daemon> {
  const parts: Part[] = []
  const stop = async () => {
    for (const part of parts.splice(0).reverse()) {
      await part.stop().catch((error: unknown) => log.error('stop_failed', { part: part.name, words: wordsOf(error) }))
      log.info('stopped', { part: part.name })
    }
  }
  try {
    await startParts(place, log, { print, add: (part) => parts.push(part) })
    return { stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/**
 * `serve`: runs until SIGTERM or SIGINT, then stops cleanly within 30 seconds. Further signals change nothing: on
 * Ctrl-C one comes from the terminal and another from npm.
 */
export async function serve(place: Place, log: Log, print: Print): Promise<number> {
  const asked = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal))
  })
  const daemon = await startDaemon(place, log, print)
  print('ready')
  log.info('stopping', { signal: await asked })
  const late = setTimeout(() => {
    log.error('stop_late')
    process.exit(1) // what was accepted is durable; what is under way is done again at the next start
  }, smtpLimits.stop)
  await daemon.stop()
  clearTimeout(late)
  return 0
}

type Stage = { print: Print; add(part: Part): void }

async function startParts(place: Place, log: Log, { print, add }: Stage): Promise<void> {
  const now = () => new Date()
  const house = await openInstallation(place, log, now())
  add({ name: 'database', stop: () => house.close() })
  print(`database  ${house.where}`)
  const { sql, config } = house
  const worker = `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`
  const temp = await makeTemp(config.data, now())
  add({ name: 'temp', stop: () => rm(temp.own, { recursive: true, force: true }) })

  const notices = noticesOf(sql, now)
  const parser = await startParser({ temp: temp.shared, log })
  add({ name: 'parser', stop: () => parser.stop() })
  const desk = await watchDesk({
    sql,
    log,
    clock: now,
    ...config.desk,
    templates: TEMPLATES,
    readMail: readRuleMail(parser, config.desk.file),
    onRefused: (words) =>
      void (words === null ? notices.settle('desk_refused', '') : notices.raise('desk_refused', '', words)),
  })
  add({ name: 'desk', stop: () => desk.stop() })
  const keys = followKeys(house, log, now)
  add({ name: 'keys', stop: async () => keys.stop() })
  const tools = (): Tools => ({
    desk: desk.desk(),
    keys: keys.keys(),
    templates: house.templates,
    url: webConfig(config).url,
  })
  print(`desk      ${deskWords(desk.desk(), config)}`)

  const deliverer = await startDeliverer({
    sql,
    relay: config.relay,
    folder: path.join(config.data, 'outgoing'),
    worker,
    log,
    now,
    notices,
  })
  add({ name: 'outgoing', stop: () => deliverer.stop() })
  print(`outgoing  ${deliverer.where}`)
  const { url } = webConfig(config)
  const scheduled = { sql, worker, tools, url, secret: house.secret, networks: config.limits.webhooks, log, now }
  await sweepFirst(scheduled)
  const recent = startRecent()
  const pipeline = await startPipeline({
    sql,
    parser,
    tools,
    trust: startTrust(config, now),
    worker,
    recent,
    log,
    now,
    wake: deliverer.wake,
  })
  add({ name: 'pipeline', stop: () => pipeline.stop() })

  const spool = startSpool({ sql, log, recent })
  add({ name: 'spool', stop: () => spool.stop() })
  await startListeners(house, { tools, spool, tmp: temp.own, log }, { print, add })
  const pollers = startMailboxes(house, { desk: desk.desk(), tmp: temp.own, log, now, notices }, { print, add })

  const sanitising = startSanitising({ sql, parser, worker, log })
  add({ name: 'sanitising', stop: () => sanitising.stop() })
  const cron = startCron(scheduled)
  add({ name: 'cron', stop: () => cron.stop() })
  const web = await startWeb(
    {
      sql,
      parse: (source) => parser.parse(source),
      tools,
      now,
      log,
      config: webConfig(config),
      parts: () => health(sql, { pollers, deliverer }),
    },
    config.web.listen,
  )
  add({ name: 'web', stop: () => web.stop() })
  print(`web       ${config.web.url ?? web.address}`)
  await printSignIn(house, { base: config.web.url ?? web.address, now: now(), print })
}

async function startListeners(
  { config }: Installation,
  given: { tools: () => Tools; spool: ReturnType<typeof startSpool>; tmp: string; log: Log },
  { print, add }: Stage,
): Promise<void> {
  const limits = { ...smtpLimits, message: config.limits.message, reserve: config.limits.reserve }
  const doors = openDoors(limits, config.limits.trusted)
  for (const listener of config.listeners) {
    const intake = await startSmtp({
      listener: { kind: listener.kind, listen: placeOf(listener), tls: listener.tls ?? undefined, mode: listener.mode },
      hostname: hostname(),
      served: () => servedBy(given.tools().desk),
      spool: given.spool,
      log: given.log,
      tmp: given.tmp,
      limits,
      doors,
      bareNewline: config.limits.bareNewline,
    }).catch((error: unknown) => {
      const words = `${listener.kind} cannot listen on ${placeOf(listener)}: ${wordsOf(error)}`
      throw new Refusal('listen', `${words}. Is another Postroom running? POSTROOM_SMTP=host:port moves it.`, 'config')
    })
    add({ name: listener.kind, stop: () => intake.stop() })
    const where = 'path' in listener.listen ? intake.address : `${intake.address}:${intake.port}`
    print(`${listener.kind === 'mx' ? 'smtp' : 'lmtp'}      ${where}, for ${addressesOf(given.tools().desk)}`)
  }
}

/** The keys that sign, read anew now and then, because another daemon may have made one (5.8). */
function followKeys({ sql, secret, keys: first }: Installation, log: Log, now: () => Date) {
  let keys = first
  const timer = setInterval(() => {
    loadKeys(sql, secret, now()).then(
      (found) => {
        keys = found
      },
      (error: unknown) => log.warn('keys_left', { words: wordsOf(error) }), // the next hour asks again
    )
  }, tokenKeys.reload)
  return { keys: () => keys, stop: () => clearInterval(timer) }
}

type Notices = ReturnType<typeof noticesOf>

function startMailboxes(
  { sql, config, secret }: Installation,
  given: { desk: Desk; tmp: string; log: Log; now: () => Date; notices: Notices },
  { print, add }: Stage,
): ImapPoller[] {
  return config.mailboxes.map((mailbox) => {
    const inbox = given.desk.inboxes.find((one) => one.key === mailbox.inbox)
    if (!inbox)
      throw new Refusal(
        'unknown_inbox',
        `Mailbox "${mailbox.name}" serves inbox "${mailbox.inbox}", which the desk does not have.`,
        'config',
      )
    const poller = startImap({
      mailbox: { ...mailbox, address: inbox.address },
      sql,
      secret,
      tmp: given.tmp,
      limits: { ...imapLimits, authBackoff: [...imapLimits.authBackoff] },
      message: config.limits.message,
      log: given.log,
      now: given.now,
      notices: given.notices,
    })
    add({ name: `imap/${mailbox.name}`, stop: () => poller.stop() })
    print(`imap      ${mailbox.name}: ${mailbox.user} at ${mailbox.host}, for ${inbox.address}`)
    return poller
  })
}

/** Notices as the mail rooms raise them; one that cannot be written is logged, and raised again by its cause. */
function noticesOf(sql: Sql, now: () => Date) {
  return {
    raise: (kind: string, subject: string, words: string) => raiseNotice(sql, { kind, subject, words }, now()),
    settle: (kind: string, subject: string) => clearNotice(sql, kind, subject, now()),
  }
}

/** A folder of this process for bytes on their way; those of dead processes are removed. */
async function makeTemp(data: string, now: Date): Promise<{ shared: string; own: string }> {
  const shared = path.join(data, 'tmp')
  const own = path.join(shared, `daemon-${process.pid}`)
  await rm(own, { recursive: true, force: true })
  await mkdir(own, { recursive: true, mode: 0o700 })
  await sweepParts(shared, now)
  for (const name of await readdir(shared)) {
    const pid = Number(/^daemon-(\d+)$/.exec(name)?.[1])
    if (pid && !isAlive(pid)) await rm(path.join(shared, name), { recursive: true, force: true })
  }
  return { shared, own }
}

async function health(
  sql: Sql,
  { pollers, deliverer }: { pollers: ImapPoller[]; deliverer: { state(): string } },
): Promise<Record<string, string>> {
  const database = await sql`select 1`.then(
    () => 'ok',
    (error: unknown) => (isOutage(error) ? 'down' : 'failing'),
  )
  const phases = pollers.map((poller) => poller.state().phase)
  const imap =
    phases.length === 0
      ? 'off'
      : phases.some((phase) => phase === 'backing_off' || phase === 'refused')
        ? 'failing'
        : 'ok'
  return { database, smtp: 'ok', imap, outgoing: deliverer.state(), web: 'ok' }
}

/** The link that lets the first admin in: 24 h, once; printed only where nobody has signed in yet. */
async function printSignIn(house: Installation, given: { base: string; now: Date; print: Print }): Promise<void> {
  const admin = await firstAdmin(house.sql)
  if (!admin) return given.print('sign in   no admin yet: bin/postroom agent add you@example.com --admin')
  const [seen] = await house.sql`select 1 from sessions limit 1`
  if (seen && house.config.file !== null) return
  const secret = await transaction(house.sql, (tx) =>
    createLoginLink(tx, { agentId: admin.id, lifetime: limits.printedLink }, given.now),
  )
  given.print(`sign in   ${given.base}/sign-in/${secret}  (${admin.address}, once, within 24 hours)`)
}

const webConfig = (config: Config) => {
  const { host, port } = config.web.listen
  const url = config.web.url ?? `http://${host}:${port}`
  return { url, secureCookies: url.startsWith('https:') }
}

const placeOf = ({ listen }: Listener): string => ('path' in listen ? listen.path : `${listen.host}:${listen.port}`)

const addressesOf = (desk: Desk): string => desk.inboxes.map((inbox) => inbox.address).join(', ')

const deskWords = (desk: Desk, config: Config): string =>
  `version ${desk.version}${config.desk.file ? `, from ${config.desk.file}` : config.file === null ? ', the demo desk' : ''}`
