/**
 * One SMTP session with the relay (MAIL 8.23, 8.24, 8.31): opens it with TLS before anything else, never sends a
 * password in the clear, hands over one mail at a time and tells exactly how far it came.
 */

import { Readable } from 'node:stream'
import type { NodemailerError } from 'nodemailer/lib/errors'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import { wordsOf } from '../../errors.ts'
import { outgoing } from '../../limits.ts'
import type { Failure, Phase } from './outcome.ts'

/** As the configuration gives it. */
export type Relay = {
  host: string
  port: number
  /** `implicit`: smtps; `required`: STARTTLS or nothing; `opportunistic`: only for localhost or by choice. */
  tls: 'implicit' | 'required' | 'opportunistic'
  user: string | null
  password: string | null
  /** PEM of the authority to trust instead of the usual ones. */
  ca: string | null
  perMinute: number
  perDomainMinute: number
  concurrency: number
  /** For tests on the loopback: AUTH without TLS. */
  clearAuth?: boolean
  /** Our name in EHLO. */
  name?: string
  /** The account's address, where the relay refuses any other envelope sender (8.7). */
  sender?: string
  /** Milliseconds; by default those of limits.ts. */
  timeouts?: { connect?: number; silence?: number; reply?: number }
}

export type Session = {
  /** Resolves when the server took the mail, with its words. Rejects with a `sendError`. */
  send(mail: OutMail): Promise<{ answer: string; serverMessageId: string | null }>
  usable(): boolean
  /** Whether it is encrypted. */
  secure(): boolean
  close(): void
  /** Ends it at once; a mail under way fails with the phase it had reached. */
  cut(): void
}

export type OutMail = {
  from: string
  to: string
  /** Called when the server asks for the message; whatever it throws stops the mail before its first byte. */
  open(): Promise<Readable>
}

/** A try that did not end in 250, with how far it came. */
export function sendError(failure: Failure, cause: unknown): Error {
  return Object.assign(new Error(failure.words, { cause }), { failure })
}

/** What `sendError` was made of; null for any other error. */
export const failureOf = (error: unknown): Failure | null =>
  error instanceof Error && 'failure' in error ? (error.failure as Failure) : null

/** Rejects with a `sendError` of phase `connect`. */
export async function openSession(relay: Relay): Promise<Session> {
  const connection = new SMTPConnection(settingsOf(relay))
  let lost: Error | null = null
  connection.on('error', (error: Error) => {
    lost = error
  })
  try {
    await new Promise<void>((resolve, reject) => {
      connection.once('error', reject)
      connection.connect((error) => (error ? reject(error) : resolve()))
    })
    if (relay.user !== null) await login(connection, relay, relay.user)
  } catch (error) {
    connection.close()
    throw sendError({ phase: 'connect', ...answerIn(error, relay) }, error)
  }
  return {
    send: (mail) => send(connection, relay, mail),
    usable: () => lost === null && !connection.destroyed,
    secure: () => connection.secure,
    close: () => connection.quit(),
    cut: () => cut(connection, 'The daemon stops.'),
  }
}

function settingsOf(relay: Relay) {
  const { connect = outgoing.connect, reply = outgoing.reply } = relay.timeouts ?? {}
  return {
    host: relay.host,
    port: relay.port,
    secure: relay.tls === 'implicit',
    requireTLS: relay.tls === 'required',
    opportunisticTLS: relay.tls === 'opportunistic',
    allowInternalNetworkInterfaces: true,
    tls: {
      minVersion: 'TLSv1.2' as const,
      rejectUnauthorized: relay.tls !== 'opportunistic',
      ...(relay.ca !== null && { ca: relay.ca }),
    },
    ...(relay.name && { name: relay.name }),
    connectionTimeout: connect,
    greetingTimeout: connect,
    socketTimeout: reply,
    logger: false as const,
  }
}

function login(connection: SMTPConnection, relay: Relay, user: string): Promise<void> {
  if (!connection.secure && !relay.clearAuth)
    throw new Error('The relay offers no TLS, and a password is never sent in the clear.')
  if (!connection.allowsAuth) throw new Error('The relay offers no AUTH on this connection.')
  return new Promise((resolve, reject) => {
    connection.once('error', reject)
    connection.login({ user, pass: relay.password ?? '' }, (error) => (error ? reject(error) : resolve()))
  })
}

type Progress = { phase: Phase; stopped: unknown }

function send(connection: SMTPConnection, relay: Relay, mail: OutMail): ReturnType<Session['send']> {
  const progress: Progress = { phase: 'mail', stopped: null }
  // socketTimeout is as long as the wait for the final answer; the envelope has no reason to take that long
  const impatience = setTimeout(
    () => cut(connection, 'The relay fell silent.'),
    relay.timeouts?.silence ?? outgoing.silence,
  )
  const message = Readable.from(
    follow(mail, progress, () => clearTimeout(impatience)),
    { objectMode: false },
  )
  return new Promise((resolve, reject) => {
    connection.send({ from: mail.from, to: [mail.to] }, message, (error, info) => {
      clearTimeout(impatience)
      if (!error) return resolve({ answer: info!.response, serverMessageId: info!.serverMessageId ?? null })
      message.destroy()
      // where half a message was written, the connection must end without its final dot
      cut(connection, 'given up')
      if (progress.stopped) return reject(progress.stopped)
      reject(sendError({ phase: phaseOf(error, progress.phase), ...answerIn(error, relay) }, error))
    })
  })
}

/** The message, noting when its first byte was asked for and when its last one was handed over. */
async function* follow(mail: OutMail, progress: Progress, asked: () => void): AsyncGenerator<Buffer, void, undefined> {
  asked()
  let source: Readable
  try {
    source = await mail.open()
  } catch (error) {
    progress.stopped = error
    throw error
  }
  progress.phase = 'body'
  yield* source
  progress.phase = 'answer'
}

/** The socket's error reaches nodemailer, which fails whatever is under way. */
function cut(connection: SMTPConnection, words: string): void {
  if (connection._socket) connection._socket.destroy(new Error(words))
  else connection.close()
}

/** With PIPELINING the answers come together, so the command that was refused is what counts. */
function phaseOf(error: NodemailerError, reached: Phase): Phase {
  if (reached === 'body' || reached === 'answer') return reached
  if (error.command === 'RCPT TO') return 'rcpt'
  return error.command === 'DATA' ? 'data' : 'mail'
}

/** The code and the words of a failure, on one line, without secrets (8.29, 9.12). */
function answerIn(error: unknown, relay: Relay): { code: number | null; words: string } {
  const { responseCode, response } = error as Partial<NodemailerError>
  const words = (response ?? wordsOf(error)).replace(/[\u0000-\u001f\u007f]+/g, ' ').trim()
  return { code: responseCode ?? null, words: mask(words, relay).slice(0, outgoing.answerKept) }
}

/** Some servers repeat what they were sent. */
function mask(words: string, { user, password }: Relay): string {
  if (!password) return words
  const forms = [`\0${user}\0${password}`, password].map((form) => Buffer.from(form).toString('base64'))
  return [...forms, password].reduce((text, form) => text.replaceAll(form, '***'), words)
}
