/**
 * An SMTP sink on 127.0.0.1: records what it takes and can be told to refuse, fall silent or hang up at every phase.
 * It speaks the protocol by itself, so that it sees the very bytes: a bare CR or LF and 8-bit bytes are kept as faults.
 *
 *     const box = await startPostbox()
 *     box.say = ({ phase, to }) => (phase === 'rcpt' && to === 'a@b.example' ? '550 5.1.1 no such user' : null)
 *     await box.stop()
 */
import net from 'node:net'
import tls from 'node:tls'

export type SinkPhase = 'greeting' | 'ehlo' | 'starttls' | 'auth' | 'mail' | 'rcpt' | 'data' | 'end' | 'rset' | 'quit'

/** A reply line without CRLF, 'hang': never answer, 'drop': hang up. Null: as a friendly server would. */
export type SinkAnswer = string | 'hang' | 'drop' | null

export type SinkMoment = { phase: SinkPhase; line: string; from: string; to: string; session: number }

export type SinkMail = {
  from: string
  to: string[]
  /** After dot-unstuffing, CRLF line ends. */
  raw: Buffer
  /** What the sink answered to the final dot; 'drop' and 'hang' where it took the mail and did not. */
  answer: string
  at: number
  secure: boolean
}

export type Postbox = {
  port: number
  /** What was handed over whole, taken or not; `taken` those whose answer was 250 or none. */
  mails: SinkMail[]
  taken(): SinkMail[]
  /** Commands, as they came; AUTH lines in full. */
  lines: string[]
  sessions: number
  /** Protocol faults of the client. */
  faults: string[]
  say: (moment: SinkMoment) => SinkAnswer | Promise<SinkAnswer>
  stop(): Promise<void>
}

export type PostboxOptions = {
  port?: number
  /** EHLO keywords; 'STARTTLS' needs `tls`. */
  extensions?: string[]
  tls?: 'starttls' | 'implicit'
  auth?: { user: string; password: string }
}

/** A certificate for localhost and 127.0.0.1, for nothing else, until 2126. */
export const sinkCertificate = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUc1yEGO56jsDRf2x36NcSiEzOfhMwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjExMDM1MFoYDzIxMjYxMDI5
MTEwMzUwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAS0AIkFk7l/SvcrPWfmmdlK3RHfL7+M3mqzVPzWPvp9rUzpCBYVk00y
Dw4wy+/9lCBmUzrtAX0kimjRvHaAVXLxo28wbTAdBgNVHQ4EFgQUpGIk9dW38f51
bv4OsrmbnniHADYwHwYDVR0jBBgwFoAUpGIk9dW38f51bv4OsrmbnniHADYwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhAK86VJPxpM9iweMnH96FZMhNl6M2lDnvGQTtGOI5ybQXAiEA
8X4ACL1RY5dnVEIafsHCh6IuusfaUsqnzMEwm2hfkL0=
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5LWAtAnm+EC/JTyJ
cE0dojyr/+Jl0NfJUiDqCeq9nWChRANCAAS0AIkFk7l/SvcrPWfmmdlK3RHfL7+M
3mqzVPzWPvp9rUzpCBYVk00yDw4wy+/9lCBmUzrtAX0kimjRvHaAVXLx
-----END PRIVATE KEY-----
`,
}

export async function startPostbox(options: PostboxOptions = {}): Promise<Postbox> {
  const sockets = new Set<net.Socket>()
  const box: Postbox = {
    port: 0,
    mails: [],
    taken: () => box.mails.filter((mail) => /^(?:2|drop|hang)/.test(mail.answer)),
    lines: [],
    sessions: 0,
    faults: [],
    say: () => null,
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    const secured = options.tls === 'implicit' ? secure(socket) : socket
    converse(secured, box, options, { secure: options.tls === 'implicit', session: ++box.sessions })
  })
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  box.port = (server.address() as net.AddressInfo).port
  return box
}

type State = { secure: boolean; session: number; greeted?: boolean }

function secure(socket: net.Socket): net.Socket {
  const wrapped = new tls.TLSSocket(socket, { isServer: true, ...sinkCertificate })
  wrapped.on('error', () => {})
  return wrapped
}

function converse(socket: net.Socket, box: Postbox, options: PostboxOptions, state: State): void {
  let buffer = Buffer.alloc(0)
  let reading: 'commands' | 'message' | 'nothing' = 'commands'
  let envelope = { from: '', to: [] as string[] }
  let authenticating = false
  const reply = async (phase: SinkPhase, line: string, friendly: string, to = ''): Promise<string> => {
    const answer = (await box.say({ phase, line, from: envelope.from, to, session: state.session })) ?? friendly
    if (answer === 'drop') socket.destroy()
    else if (answer === 'hang') reading = 'nothing'
    else socket.write(`${answer}\r\n`)
    if (answer.startsWith('421')) socket.end()
    return answer
  }
  const upgrade = () => {
    socket.removeListener('data', onData)
    converse(secure(socket), box, options, { ...state, secure: true, greeted: true })
  }
  const command = async (line: string): Promise<unknown> => {
    box.lines.push(line)
    const verb = line.split(/[ :]/)[0]!.toUpperCase()
    if (authenticating) {
      authenticating = false
      return reply('auth', line, '535 5.7.8 wrong')
    }
    if (verb === 'EHLO' || verb === 'HELO') return reply('ehlo', line, ehlo(options, state))
    if (verb === 'STARTTLS') {
      if ((await reply('starttls', line, '220 go on')).startsWith('2')) upgrade()
    } else if (verb === 'AUTH') {
      const [, user, password] = Buffer.from(line.split(' ')[2] ?? '', 'base64')
        .toString()
        .split('\0')
      const right = user === options.auth?.user && password === options.auth?.password
      await reply('auth', line, right ? '235 2.7.0 welcome' : '535 5.7.8 authentication failed')
    } else if (verb === 'MAIL') {
      envelope = { from: addressIn(line), to: [] }
      await reply('mail', line, '250 2.1.0 ok')
    } else if (verb === 'RCPT') {
      const to = addressIn(line)
      if ((await reply('rcpt', line, '250 2.1.5 ok', to)).startsWith('2')) envelope.to.push(to)
    } else if (verb === 'DATA') {
      if ((await reply('data', line, envelope.to.length ? '354 go on' : '503 no recipient')).startsWith('3'))
        reading = 'message'
    } else if (verb === 'RSET') await reply('rset', line, '250 ok')
    else if (verb === 'QUIT') {
      await reply('quit', line, '221 bye')
      socket.end()
    } else socket.write('500 what?\r\n')
  }
  const message = async (bytes: Buffer): Promise<void> => {
    const text = bytes.toString('latin1')
    if (/[^\x00-\x7f]/.test(text)) box.faults.push('8-bit bytes')
    if (/\r(?!\n)|(?<!\r)\n/.test(text)) box.faults.push('a bare CR or LF')
    if (/[^\r\n]{999}/.test(text)) box.faults.push('a line above 998')
    reading = 'commands'
    const raw = Buffer.from(text.replace(/^\./gm, ''), 'latin1')
    const mail = { ...envelope, raw, answer: '', at: Date.now(), secure: state.secure }
    box.mails.push(mail)
    mail.answer = await reply('end', '.', '250 2.0.0 taken', envelope.to[0])
    envelope = { from: '', to: [] }
  }
  let busy = false
  const work = async () => {
    if (busy) return
    busy = true
    for (;;) {
      const end = reading === 'message' ? endOfMessage(buffer) : buffer.indexOf('\r\n')
      if (reading === 'nothing' || end < 0) break
      const taken = Buffer.from(buffer.subarray(0, end))
      buffer = buffer.subarray(end + (reading === 'message' ? 3 : 2))
      await (reading === 'message' ? message(taken) : command(taken.toString('latin1')))
    }
    busy = false
  }
  const onData = (chunk: Buffer) => {
    buffer = Buffer.concat([buffer, chunk])
    void work()
  }
  socket.on('data', onData)
  socket.on('error', () => {})
  if (!state.greeted) void reply('greeting', '', '220 sink.example ESMTP')
}

/** Where the final dot stands, the CRLF before it being the message's own. */
function endOfMessage(buffer: Buffer): number {
  if (buffer.subarray(0, 3).toString() === '.\r\n') return 0
  const at = buffer.indexOf('\r\n.\r\n')
  return at < 0 ? -1 : at + 2
}

function ehlo(options: PostboxOptions, state: State): string {
  const words = [...(options.extensions ?? ['PIPELINING', '8BITMIME'])]
  if (options.tls === 'starttls' && !state.secure) words.push('STARTTLS')
  if (options.auth) words.push('AUTH PLAIN')
  return ['sink.example', ...words].map((word, n, all) => `250${n < all.length - 1 ? '-' : ' '}${word}`).join('\r\n')
}

const addressIn = (line: string) => /<([^>]*)>/.exec(line)?.[1] ?? ''
