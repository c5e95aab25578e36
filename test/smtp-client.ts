/**
 * A raw SMTP client for the tests: it sends exactly the bytes it is told to, whenever it is told to, so that a test
 * can talk too early, too slowly, too much, or all at once.
 */
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export type Place = { address: string; port: number }

export type Client = {
  /** The next whole reply: its lines without line ends, joined by "\n". Rejects when the server closes before it. */
  reply(): Promise<string>
  /** Sends without waiting; resolves when the kernel has it. A string gets no line end. */
  send(bytes: string | Buffer): Promise<void>
  /** Sends a line and waits for its reply. */
  ask(line: string): Promise<string>
  /** MAIL, RCPT for each, DATA: the replies in order. */
  begin(from: string, ...recipients: string[]): Promise<string[]>
  /** The body, dot-stuffed and ended; waits for one reply. */
  body(raw: string | Buffer): Promise<string>
  /** After `STARTTLS` was answered with 220. */
  secure(): Promise<void>
  /** Resolves when the server has closed, with what it sent that nobody asked for. */
  closed(): Promise<string>
  /** Goes without QUIT. */
  leave(): void
}

/** Connects; the greeting is the first `reply`. A port of 0 is a unix socket. */
export async function openSmtp({ address, port }: Place): Promise<Client> {
  let socket: Socket = port ? connect(port, address) : connect(address)
  let received = ''
  let ended = false
  let wake = () => {}
  const hear = () => {
    socket.on('data', (chunk) => {
      received += chunk.toString('utf8')
      wake()
    })
    socket.on('error', () => {}) // a server that resets has closed
    socket.on('close', () => {
      ended = true
      wake()
    })
  }
  hear()
  await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', resolve))
  const change = () =>
    new Promise<void>((resolve) => {
      wake = resolve
    })
  const client: Client = {
    async reply() {
      while (true) {
        const whole = /^(?:\d{3}-.*\r\n)*\d{3}(?: .*)?\r\n/.exec(received)
        if (whole) {
          received = received.slice(whole[0].length)
          return whole[0].trimEnd().replaceAll('\r\n', '\n')
        }
        if (ended) throw new Error(`closed before a reply: ${JSON.stringify(received)}`)
        await change()
      }
    },
    send: (bytes) => new Promise((resolve) => socket.write(bytes, () => resolve())),
    async ask(line) {
      await client.send(`${line}\r\n`)
      return client.reply()
    },
    async begin(from, ...recipients) {
      const replies = [await client.ask(`MAIL FROM:<${from}>`)]
      for (const recipient of recipients) replies.push(await client.ask(`RCPT TO:<${recipient}>`))
      replies.push(await client.ask('DATA'))
      return replies
    },
    async body(raw) {
      await client.send(stuffed(raw))
      return client.reply()
    },
    async secure() {
      socket.removeAllListeners('data')
      socket = connectTls({ socket, rejectUnauthorized: false })
      hear()
      await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
    },
    async closed() {
      while (!ended) await change()
      return received
    },
    leave: () => void socket.destroy(),
  }
  return client
}

/** Connects and says EHLO or LHLO. */
export async function greet(place: Place, hello = 'EHLO client.example'): Promise<Client> {
  const client = await openSmtp(place)
  await client.reply()
  await client.ask(hello)
  return client
}

/** A DATA block: dots stuffed, ended by CRLF.CRLF. */
export function stuffed(raw: string | Buffer): Buffer {
  const text = Buffer.isBuffer(raw) ? raw.toString('latin1') : Buffer.from(raw).toString('latin1')
  const dotted = text.replace(/(^|\r\n)\./g, '$1..')
  return Buffer.from(`${dotted}${dotted.endsWith('\r\n') ? '' : '\r\n'}.\r\n`, 'latin1')
}
