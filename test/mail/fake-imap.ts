/**
 * A small IMAP server that misbehaves on demand. It knows the commands that the poller sends, keeps one folder per
 * name, and lets a test answer any command in its own way.
 */
import net from 'node:net'

export type FakeMail = {
  uid: number
  raw: string
  at?: Date
  size?: number
  emailId?: string
  threadId?: string
  hidden?: boolean
  /** As webmail has set them. */
  flags?: string[]
}

export type FakeImap = {
  port: number
  /** Of INBOX. */
  mails: FakeMail[]
  /** Of a spam folder, where there is one. */
  junk: FakeMail[]
  uidvalidity: number
  /** Every command as it came, without its tag; credentials included. */
  log: string[]
  /** Sees each command first; true: it was answered. */
  answer: (ask: Ask) => boolean | Promise<boolean>
  connections(): number
  /** Tells the idling clients that mail came. */
  announce(): void
  /** From now on nothing is heard or said on the connections there are, and they stay open. */
  freeze(): void
  stop(): Promise<void>
}

export type Ask = { tag: string; command: string; write(text: string): void; ok(): void; close(): void }

type Options = { capabilities?: string; readOnly?: 'yes'; ranges?: 'ignored'; junk?: string }

const DEFAULT = 'IMAP4rev1 AUTH=PLAIN SASL-IR IDLE UIDPLUS MOVE'

export async function startFakeImap(options: Options = {}): Promise<FakeImap> {
  const sockets = new Set<net.Socket>()
  const everySocket: net.Socket[] = []
  let connections = 0
  const fake: FakeImap = {
    port: 0,
    mails: [],
    junk: [],
    uidvalidity: 1,
    log: [],
    answer: () => false,
    connections: () => connections,
    announce: () => {
      for (const socket of sockets) socket.write(`* ${fake.mails.length} EXISTS\r\n`)
    },
    freeze: () => {
      for (const socket of sockets) socket.removeAllListeners('data').resume()
      sockets.clear()
    },
    async stop() {
      for (const socket of everySocket) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  const server = net.createServer((socket) => {
    connections++
    sockets.add(socket)
    everySocket.push(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    socket.setNoDelay()
    socket.write('* OK fake\r\n')
    let buffered = ''
    const seat: Seat = { idle: null, folder: 'INBOX' }
    let working = Promise.resolve()
    socket.on('data', (data) => {
      buffered += data.toString('latin1')
      for (let end = buffered.indexOf('\r\n'); end >= 0; end = buffered.indexOf('\r\n')) {
        const line = buffered.slice(0, end)
        buffered = buffered.slice(end + 2)
        working = working.then(async () => {
          if (seat.idle !== null && line === 'DONE') {
            socket.write(`${seat.idle} OK idle\r\n`)
            seat.idle = null
            return
          }
          await one(fake, options, { socket, seat, line })
        })
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  fake.port = (server.address() as net.AddressInfo).port
  return fake
}

/** What the server knows of a connection. */
type Seat = { idle: string | null; folder: string }

async function one(fake: FakeImap, options: Options, given: { socket: net.Socket; seat: Seat; line: string }) {
  const { socket, seat, line } = given
  const [tag = '', ...words] = line.split(' ')
  const command = words.join(' ')
  if (command !== '') fake.log.push(command)
  const write = (text: string) => void (socket.destroyed || socket.write(text, 'latin1'))
  const ask: Ask = { tag, command, write, ok: () => write(`${tag} OK done\r\n`), close: () => socket.destroy() }
  if (await fake.answer(ask)) return
  if (/^IDLE$/i.test(command)) {
    write('+ idling\r\n')
    seat.idle = tag
  } else respond(fake, options, { ask, seat })
}

function respond(fake: FakeImap, options: Options, { ask, seat }: { ask: Ask; seat: Seat }): void {
  const { command, tag, write, ok, close } = ask
  if (/^(SELECT|EXAMINE)/i.test(command)) seat.folder = command.replace(/^\w+ "?|"$/g, '')
  const mails = seat.folder === options.junk ? fake.junk : fake.mails
  const visible = mails.filter((mail) => !mail.hidden)
  if (/^CAPABILITY/i.test(command)) write(`* CAPABILITY ${options.capabilities ?? DEFAULT}\r\n`)
  else if (/^LOGOUT/i.test(command)) {
    write(`* BYE\r\n${tag} OK bye\r\n`)
    close()
    return
  } else if (/^LIST/i.test(command)) {
    write(`* LIST () "/" ${/""$/.test(command) ? '""' : 'INBOX'}\r\n`)
    if (options.junk && !/""$/.test(command)) write(`* LIST (\\Junk) "/" "${options.junk}"\r\n`)
  } else if (/^NAMESPACE/i.test(command)) write('* NAMESPACE (("" "/")) NIL NIL\r\n')
  else if (/^(SELECT|EXAMINE)/i.test(command)) {
    const next = Math.max(0, ...mails.map((mail) => mail.uid)) + 1
    write(`* ${visible.length} EXISTS\r\n* OK [UIDVALIDITY ${fake.uidvalidity}] v\r\n* OK [UIDNEXT ${next}] n\r\n`)
    write('* OK [PERMANENTFLAGS (\\Seen \\Deleted \\*)] f\r\n')
    const mode = options.readOnly || /^EXAMINE/i.test(command) ? 'READ-ONLY' : 'READ-WRITE'
    write(`${tag} OK [${mode}] selected\r\n`)
    return
  } else if (/^UID SEARCH/i.test(command)) {
    const set = /UID (\d\S*)/.exec(command)?.[1] ?? '1:*'
    const unseen = /UNSEEN/i.test(command)
    write(
      `* SEARCH ${inSet(visible, set)
        .filter((mail) => !unseen || !mail.flags?.includes('\\Seen'))
        .map((mail) => mail.uid)
        .join(' ')}\r\n`,
    )
  } else if (/^UID FETCH/i.test(command)) {
    const [, set = '', query = ''] = /^UID FETCH (\S+) (.*)$/i.exec(command) ?? []
    for (const mail of inSet(visible, set)) write(fetched(visible.indexOf(mail) + 1, mail, { query, options }))
  }
  ok()
}

/** As RFC 3501 has it: `n:*` always holds the last mail. */
export function inSet(mails: FakeMail[], set: string): FakeMail[] {
  const last = Math.max(0, ...mails.map((mail) => mail.uid))
  const ranges = set.split(',').map((range) => {
    const [from, to = from] = range.split(':').map((end) => (end === '*' ? last : Number(end)))
    return [Math.min(from!, to!), Math.max(from!, to!)] as const
  })
  return mails.filter((mail) => ranges.some(([from, to]) => mail.uid >= from && mail.uid <= to))
}

/** One FETCH response in full. */
export function fetched(
  seq: number,
  mail: FakeMail,
  { query, options = {} }: { query: string; options?: Options },
): string {
  const items = [`UID ${mail.uid}`]
  if (/RFC822\.SIZE/i.test(query)) items.push(`RFC822.SIZE ${mail.size ?? mail.raw.length}`)
  if (/INTERNALDATE/i.test(query)) items.push(`INTERNALDATE "${internalDate(mail.at ?? new Date())}"`)
  if (mail.emailId && /X-GM-MSGID/i.test(query)) items.push(`X-GM-MSGID ${mail.emailId}`)
  if (mail.threadId && /X-GM-THRID/i.test(query)) items.push(`X-GM-THRID ${mail.threadId}`)
  const range = /BODY\.PEEK\[\](?:<(\d+)\.(\d+)>)?/i.exec(query)
  if (range) {
    const start = range[1] === undefined || options.ranges === 'ignored' ? 0 : Number(range[1])
    const length = range[2] === undefined || options.ranges === 'ignored' ? mail.raw.length : Number(range[2])
    const piece = mail.raw.slice(start, start + length)
    items.push(`BODY[]${range[1] === undefined ? '' : `<${range[1]}>`} {${piece.length}}\r\n${piece}`)
  }
  if (/BODY\.PEEK\[HEADER/i.test(query)) {
    const head = mail.raw.slice(0, mail.raw.indexOf('\r\n\r\n') + 4)
    const section = /BODY\.PEEK(\[HEADER[^\]]*\])/i.exec(query)?.[1]
    items.push(`BODY${section} {${head.length}}\r\n${head}`)
  }
  return `* ${seq} FETCH (${items.join(' ')})\r\n`
}

function internalDate(at: Date): string {
  const month = at.toLocaleString('en', { month: 'short', timeZone: 'UTC' })
  const day = String(at.getUTCDate()).padStart(2, ' ')
  return `${day}-${month}-${at.getUTCFullYear()} ${at.toISOString().slice(11, 19)} +0000`
}
