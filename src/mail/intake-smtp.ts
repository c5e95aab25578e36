/**
 * Mail by SMTP and LMTP: the listeners. `mx` takes mail from anybody for the inboxes of the desk, `lmtp` from a relay
 * in front of us. Judges the envelope only; 250 to a mail means that the spool has committed it (0.1, 1.1). Never
 * relays, never sends a bounce (1.4). The only importer of smtp-server: docs/known-differences.md says where its
 * replies stand instead of the rules'.
 */
import { chmod, stat, unlink } from 'node:fs/promises'
import { connect as connectTo } from 'node:net'
import { SMTPServer, type SMTPServerAddress, type SMTPServerSession } from 'smtp-server'
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js'
import { wordsOf } from '../errors.ts'
import * as allLimits from '../limits.ts'
import type { Log } from '../log.ts'
import { SECOND } from '../time.ts'
import { watchDisk } from './intake-smtp/disk.ts'
import { type Doors, openDoors, plainAddress, type SmtpLimits } from './intake-smtp/doors.ts'
import { type Reply, receive } from './intake-smtp/receive.ts'
import { comparable, domainOf, type Served } from './intake-smtp/recipients.ts'
import { tracePrefix } from './intake-smtp/trace.ts'
import { judgePace, startVisit, type Visit } from './intake-smtp/visit.ts'
import type { Spool } from './spool/accept.ts'
import type { Envelope } from './spool.ts'

export type SmtpListener = {
  kind: 'mx' | 'lmtp'
  /** `host:port`, `[::1]:port`, or the path of a unix socket. */
  listen: string
  /** PEM. Without it STARTTLS is not offered. */
  tls?: { cert: string | Buffer; key: string | Buffer } | undefined
  /** Rights of the socket file; by default 0o660. */
  mode?: number | undefined
}

export type SmtpSetting = {
  listener: SmtpListener
  /** Our name in the greeting and in Received. */
  hostname: string
  /** Asked at each RCPT, so that a new version of the desk counts at once. */
  served: () => Served
  spool: Spool
  log: Log
  /** A folder for mails on their way in; emptied at start-up by whoever owns it. */
  tmp: string
  limits?: Partial<SmtpLimits> | undefined
  /** Shared by the listeners of a daemon; else this one counts by itself and knows these networks. */
  doors?: Doors | undefined
  trusted?: readonly string[] | undefined
  /** Bytes free where the database and `tmp` lie (1.2). */
  diskFree?: (() => Promise<number>) | undefined
  bareNewline?: 'normalise' | 'refuse' | undefined
}

export type SmtpIntake = {
  /** Where it listens: a host and its port, or a path and 0. */
  address: string
  port: number
  /** No new connections; DATA under way is finished within limits.smtp.stop, then 421 (1.21). */
  stop(): Promise<void>
}

/** A listener while it runs. */
type House = {
  setting: SmtpSetting
  limits: SmtpLimits
  doors: Doors
  diskFree: () => Promise<number>
  visits: Map<SMTPServerSession, Visit>
  stopping: boolean
}

/**
 * Resolves when it listens.
 * @throws the system's error when the address cannot be had, Refusal `bad_network` for `trusted`
 */
export async function startSmtp(setting: SmtpSetting): Promise<SmtpIntake> {
  const limits = { ...allLimits.smtp, ...setting.limits }
  const house: House = {
    setting,
    limits,
    doors: setting.doors ?? openDoors(limits, setting.trusted ?? []),
    diskFree: setting.diskFree ?? watchDisk(setting.tmp),
    visits: new Map(),
    stopping: false,
  }
  const server = makeServer(house)
  const place = await listenAt(server, setting.listener)
  const pace = setInterval(() => watchPace(house), Math.min(SECOND, limits.idle / 4, limits.data / 4))
  pace.unref()
  return {
    ...place,
    async stop() {
      house.stopping = true
      clearInterval(pace)
      await closeServer(server, house)
    },
  }
}

function makeServer(house: House): SMTPServer {
  const { setting, limits } = house
  const { tls } = setting.listener
  const server: SMTPServer = new SMTPServer({
    ...(tls && { cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2' }),
    lmtp: setting.listener.kind === 'lmtp',
    name: setting.hostname,
    banner: 'Postroom',
    heloResponse: '%s',
    size: limits.message,
    hideENHANCEDSTATUSCODES: false,
    // Without a certificate of ours the library would offer its own, whose key is public.
    hideSTARTTLS: !tls,
    disabledCommands: ['AUTH', 'WIZ', 'SHELL', 'KILL', 'XCLIENT', 'XFORWARD', ...(tls ? [] : ['STARTTLS'])],
    disableReverseLookup: true,
    lenientAddressParsing: true, // real senders write `user.@example.com`
    logger: false,
    maxCommandLength: limits.commandLine,
    maxRecipients: limits.recipients,
    socketTimeout: limits.idle,
    closeTimeout: limits.stop,
    onConnect: (session, callback) => callback(judgeGreeting(house, session)),
    onMailFrom: (address, session, callback) => void judgeSender(house, address, session).then(callback),
    onRcptTo: (address, session, callback) => callback(judgeRecipient(house, address, session)),
    onData: (stream, session, callback) => {
      void takeData(house, stream, session).then((replies) => {
        const answers = replies.map((reply) => (reply.code === 250 ? reply.words : answer(reply.code, reply.words)))
        if (setting.listener.kind === 'lmtp') callback(null, answers)
        else if (answers[0] instanceof Error) callback(answers[0])
        else callback(null, answers[0])
      })
    },
    onClose: (session) => {
      const visit = house.visits.get(session)
      house.visits.delete(session)
      if (visit) house.doors.leave(visit.ip)
    },
  })
  server.on('error', (error) => setting.log.debug('smtp_connection_failed', { words: wordsOf(error) }))
  server.connect = (socket, options) => letIn(house, server, { socket, options })
  return server
}

function letIn(
  house: House,
  server: SMTPServer,
  { socket, options }: { socket: Parameters<SMTPServer['connect']>[0]; options: Parameters<SMTPServer['connect']>[1] },
): void {
  const { setting, doors, limits } = house
  const now = Date.now()
  const ip = plainAddress(socket.remoteAddress)
  const stranger = setting.listener.kind === 'lmtp' && !doors.isTrusted(ip)
  const refusal = stranger ? '554 5.7.1 LMTP is for trusted networks' : doors.enter(ip, now)
  if (refusal) {
    setting.log.debug('smtp_refused', { listener: setting.listener.kind, words: refusal })
    socket.on('error', () => {}) // it may be gone already
    socket.resume().end(`${refusal}\r\n`)
    socket.setTimeout(5 * SECOND, () => socket.destroy())
    return
  }
  const connection = new SMTPConnection(server, socket, options)
  house.visits.set(connection.session, startVisit({ connection, ip }, { kind: setting.listener.kind, limits }, now))
  server.connections.add(connection)
  connection.on('error', (error) => server._onError(error))
  connection.init()
}

/** 1.17: half a line before the greeting is as telling as a whole one, which the library sees itself. */
function judgeGreeting({ setting, visits }: House, session: SMTPServerSession): Error | null {
  const visit = visits.get(session)
  if (setting.listener.kind !== 'mx' || !visit || visit.connection._socket.bytesRead === 0) return null
  return answer(554, '5.5.1 You talked before the greeting')
}

async function judgeSender(
  house: House,
  address: SMTPServerAddress,
  session: SMTPServerSession,
): Promise<Error | null> {
  const visit = house.visits.get(session)
  if (visit) {
    visit.recipients = []
    visit.accepted = 0
  }
  const size = address.args ? Number(address.args.SIZE ?? 0) : 0
  const free = await house.diskFree()
  if (free - size >= house.limits.reserve) return null
  house.setting.log.warn('disk_reserve', { free, reserve: house.limits.reserve })
  return answer(452, '4.3.1 Not enough disk space, try again later')
}

function judgeRecipient(house: House, parsed: SMTPServerAddress, session: SMTPServerSession): Error | null {
  const visit = house.visits.get(session)
  if (!visit) return answer(451, '4.3.0 Try again later')
  const { smtpUtf8, mailFrom } = session.envelope
  if (!smtpUtf8 && visit.line.some((byte) => byte > 127)) return answer(553, '5.6.7 Ask for SMTPUTF8 first') // 1.15
  const address = pathOf(visit.line, parsed.address)
  const known = visit.recipients.some((recipient) => comparable(recipient.address) === comparable(address))
  if (house.setting.listener.kind === 'mx' && mailFrom && mailFrom.address === '' && visit.recipients.length && !known)
    return answer(452, '4.5.3 One recipient at a time for a bounce') // 1.14
  const served = house.setting.served()
  const match = served.match(address)
  if (!match && address.includes('@') && !served.domains.has(domainOf(address)))
    return answer(550, '5.7.1 We do not relay')
  if (!match) return answer(550, '5.1.1 No such address here')
  visit.accepted++
  if (!known) visit.recipients.push({ address, ...match })
  return null
}

/** One reply for SMTP, one for each accepted RCPT for LMTP. */
async function takeData(
  house: House,
  stream: NonNullable<Visit['data']>['stream'],
  session: SMTPServerSession,
): Promise<Reply[]> {
  const { setting, limits } = house
  const visit = house.visits.get(session)
  if (!visit) return [{ code: 451, words: '4.3.0 Try again later' }]
  const data: NonNullable<Visit['data']> = { stage: 'receiving', stream, markedAt: Date.now(), markedBytes: 0 }
  visit.data = data
  const reply = await receive(stream.iterator({ destroyOnReturn: false }), {
    kind: setting.listener.kind,
    envelope: envelopeOf(house, visit, session),
    limits,
    bareNewline: setting.bareNewline ?? 'normalise',
    spool: setting.spool,
    tmp: setting.tmp,
    log: setting.log,
    onReceived: () => {
      data.stage = 'storing'
    },
  }).catch((error): Reply => {
    // The client went away: nobody reads this. Whatever else it was, the mail was not stored.
    setting.log.debug('data_broken_off', { words: wordsOf(error) })
    return { code: 451, words: '4.3.0 Cannot store mail now, try again later' }
  })
  visit.data = null
  visit.heard = Date.now()
  if (reply.hangUp) visit.hangUp = true
  if (house.stopping) setImmediate(() => shut(visit)) // after the reply
  return Array.from({ length: setting.listener.kind === 'lmtp' ? visit.accepted : 1 }, () => reply)
}

function envelopeOf({ setting }: House, visit: Visit, session: SMTPServerSession): Envelope {
  const { smtpUtf8, bodyType, mailFrom } = session.envelope
  const receivedAt = new Date()
  const from = mailFrom ? mailFrom.address : ''
  const helo = session.hostNameAppearsAs || ''
  const prefix = tracePrefix(
    {
      from,
      recipients: visit.recipients.map((recipient) => recipient.address),
      ip: visit.ip,
      helo,
      hostname: setting.hostname,
      protocol: session.transmissionType,
      smtputf8: smtpUtf8 ?? false,
      id: `${session.id}.${session.transaction}`,
    },
    receivedAt,
  )
  return {
    via: setting.listener.kind,
    listener: setting.listener.listen,
    from,
    recipients: visit.recipients,
    session: {
      ...(visit.ip && { ip: visit.ip }),
      helo,
      tls: session.secure,
      smtputf8: smtpUtf8 ?? false,
      body: bodyType ?? '7bit',
    },
    prefix,
    receivedAt,
  }
}

/** The address as the client wrote it: the library has turned its A-labels into letters. */
function pathOf(line: Buffer, parsed: string): string {
  const written = /<(?:@[^:>]*:)?([^<>]*)>/.exec(line.toString('utf8'))?.[1]
  return written && comparable(written) === comparable(parsed) ? written : parsed
}

function watchPace({ visits, limits, doors }: House): void {
  const now = Date.now()
  doors.sweep(now)
  for (const visit of visits.values()) {
    const words = judgePace(visit, limits, now)
    if (words) sendAway(visit, words)
  }
}

/** The library closes at 421; what is left of a message it was sending is given up with the socket. */
function sendAway({ connection }: Visit, words: string): void {
  if (!connection._closing && !connection._closed) connection.send(421, words)
}

/** Not waiting for the client to close its side. */
function shut(visit: Visit): void {
  sendAway(visit, '4.3.2 Server shutting down')
  visit.connection._socket.destroySoon()
}

async function listenAt(
  server: SMTPServer,
  { listen, mode = 0o660 }: SmtpListener,
): Promise<{ address: string; port: number }> {
  const inet = /^(?:\[([^\]]+)\]|([^/:]*)):(\d+)$/.exec(listen)
  if (!inet) await clearSocket(listen)
  await new Promise<void>((resolve, reject) => {
    server.server.once('error', reject)
    const ready = () => {
      server.server.off('error', reject)
      resolve()
    }
    if (inet) server.listen(Number(inet[3]), inet[1] ?? inet[2] ?? '127.0.0.1', ready)
    else server.listen(listen, ready)
  })
  // A relay in front runs as another user: it comes in by its group (docs/postfix.md).
  if (!inet) await chmod(listen, mode)
  const place = server.server.address()
  return place && typeof place === 'object'
    ? { address: place.address, port: place.port }
    : { address: listen, port: 0 }
}

/** Removes the socket of a daemon that died; one that answers is left, and listening then fails. */
async function clearSocket(path: string): Promise<void> {
  const found = await stat(path).catch(() => null)
  if (!found?.isSocket()) return
  const dead = await new Promise<boolean>((resolve) => {
    const trial = connectTo(path, () => resolve(false)).on('error', () => resolve(true))
    trial.on('connect', () => trial.destroy())
  })
  if (dead) await unlink(path)
}

async function closeServer(server: SMTPServer, { visits }: House): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  for (const visit of visits.values()) if (!visit.data) shut(visit)
  await closed
  // Those cut off at the time limit still hold a socket that their client may never close.
  for (const { connection } of visits.values()) connection._socket.destroy()
}

const answer = (code: number, words: string): Error => Object.assign(new Error(words), { responseCode: code })
