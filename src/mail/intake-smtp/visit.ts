/**
 * One connection: what the library does not do by itself. Replies carry the codes of 1.2, clients that talk first
 * (1.17), that send behind STARTTLS in the clear (1.10), that err too often or are too slow (1.16) are sent away.
 * It reaches into the library's connection, whose version is pinned; the tests go through real sockets.
 */
import type { SMTPServerDataStream } from 'smtp-server'
import type { SMTPConnection } from 'smtp-server/lib/smtp-connection.js'
import { MINUTE } from '../../time.ts'
import type { Envelope } from '../spool.ts'
import type { SmtpLimits } from './doors.ts'

export type Visit = {
  connection: SMTPConnection
  /** '' for a unix socket. */
  ip: string
  since: number
  /** When the last whole command came, or the last reply to DATA went. */
  heard: number
  /** The command line being answered, as it came. */
  line: Buffer
  /** Whole command lines that came with it and are still to be answered. */
  behind: number
  /** Whom this transaction is for, each inbox address once. */
  recipients: Envelope['recipients']
  /** RCPTs answered with 250, repeated ones too: LMTP answers each after DATA (1.5). */
  accepted: number
  /** `receiving`: the client owes us bytes; `storing`: we owe it a reply. */
  data: { stage: 'receiving' | 'storing'; stream: SMTPServerDataStream; markedAt: number; markedBytes: number } | null
  /** Close after the reply to come, before anything pipelined behind it runs. */
  hangUp: boolean
}

/** Guards a connection before its `init`. */
export function startVisit(
  { connection, ip }: { connection: SMTPConnection; ip: string },
  { kind, limits }: { kind: 'mx' | 'lmtp'; limits: SmtpLimits },
  now: number,
): Visit {
  const visit: Visit = {
    connection,
    ip,
    since: now,
    heard: now,
    line: Buffer.alloc(0),
    behind: 0,
    recipients: [],
    accepted: 0,
    data: null,
    hangUp: false,
  }
  guardReplies(visit, limits.errors)
  guardCommands(visit)
  // The library's pause before the greeting is there to catch early talkers; a front relay is none.
  if (kind === 'lmtp') connection.init = () => connection._setListeners(() => connection.connectionReady())
  return visit
}

/** What is wrong with the pace of a visit, as the words of a 421, or null. */
export function judgePace(visit: Visit, limits: SmtpLimits, now: number): string | null {
  const { data } = visit
  if (data?.stage === 'storing') return null // it is our turn
  if (now - visit.since > limits.session) return '4.4.2 Session too long'
  if (!data) return now - visit.heard > limits.idle ? '4.4.2 Timeout' : null
  if (now - data.markedAt < limits.data) return null
  const bytes = data.stream.byteLength - data.markedBytes
  if (bytes < (limits.dataMinimum * limits.data) / MINUTE) return '4.4.2 Too slow'
  data.markedAt = now
  data.markedBytes = data.stream.byteLength
  return null
}

/**
 * Our own enhanced codes go out as they are; the library's get ours where 1.2 names one. What is said to a sender or a
 * recipient waits for the reply to the command that came with it, so that both are one packet (RFC 2920 3.2).
 */
function guardReplies(visit: Visit, most: number): void {
  const { connection } = visit
  const send = connection.send.bind(connection)
  let errors = 0
  let held: typeof connection._socket | null = null
  connection.send = (code, data, context) => {
    const reply = rewritten(code, data, context)
    const waits = visit.behind > 0 && /^(?:mail|rcpt) /i.test(visit.line.toString('latin1', 0, 5))
    if (waits && !held) {
      held = connection._socket
      held.cork()
    }
    send(reply.code, reply.data, reply.context)
    if (!waits && held) {
      held.uncork()
      held = null
    }
    if (visit.hangUp || reply.hangUp) connection.close()
    else if (code >= 400 && code !== 421 && ++errors >= most) send(421, '4.7.0 Too many errors', false)
  }
}

type Sent = { code: number; data?: string | string[] | null | undefined; context?: string | false | undefined }

function rewritten(code: number, data: Sent['data'], context: Sent['context']): Sent & { hangUp?: boolean } {
  if (typeof data !== 'string') return { code, data, context }
  if (/^[245]\.\d+\.\d+ /.test(data)) return { code, data, context: false }
  if (data.endsWith('You talk too soon'))
    return { code: 554, data: '5.5.1 You talked before the greeting', context: false, hangUp: true }
  if (code === 421 && data === 'Server shutting down') return { code, data: `4.3.2 ${data}`, context: false }
  if (code === 500 && (context === 'EXPN' || context === 'BDAT' || context === 'AUTH' || context === 'STARTTLS'))
    return { code: 502, data: '5.5.1 Command not implemented', context: false }
  return { code, data, context }
}

/** Remembers each command, and closes when anything came behind STARTTLS before the handshake (1.10). */
function guardCommands(visit: Visit): void {
  const { connection } = visit
  const parser = connection._parser
  if (!parser) return
  let rest = 0 // bytes behind the last of them, and chunks behind this one
  const write = parser._write
  parser._write = (chunk, encoding, next) => {
    if (!parser._dataMode) {
      visit.behind = chunk.reduce((count, byte) => count + (byte === LF ? 1 : 0), 0)
      rest = chunk.length - chunk.lastIndexOf(LF) - 1
    }
    write.call(parser, chunk, encoding, next)
  }
  const onCommand = connection._onCommand.bind(connection)
  connection._onCommand = (command, callback) => {
    visit.behind--
    visit.line = command
    visit.heard = Date.now()
    const injected = visit.behind > 0 || rest > 0
    if (injected && !connection.secure && /^starttls\s*$/i.test(command.toString('latin1'))) {
      connection.close()
      callback?.()
      return
    }
    onCommand(command, callback)
  }
}

const LF = 10
