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
}

export type FakeImap = {
  port: number
  mails: FakeMail[]
  uidvalidity: number
  /** Every command as it came, without its tag; credentials included. */
  log: string[]
  /** Sees each command first; true: it was answered. */
  answer: (ask: Ask) => boolean | Promise<boolean>
  connections(): number
  /** Tells the idling clients that mail came. */
  announce(): void
  stop(): Promise<void>
}

export type Ask = { tag: string; command: string; write(text: string): void; ok(): void; close(): void }

type Options = { capabilities?: string; readOnly?: 'yes'; ranges?: 'ignored' }

const DEFAULT = 'IMAP4rev1 AUTH=PLAIN SASL-IR IDLE UIDPLUS MOVE'

export async function startFakeImap(options: Options = {}): Promise<FakeImap> {
  const sockets = new Set<net.Socket>()
  let connections = 0
  const fake: FakeImap = {
    port: 0,
    mails: [],
    uidvalidity: 1,
    log: [],
    answer: () => false,
    connections: () => connections,
    announce: () => {
      for (const socket of sockets) socket.write(`* ${fake.mails.length} EXISTS\r\n`)
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  const server = net.createServer((socket) => {
    connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    socket.setNoDelay()
    socket.write('* OK fake\r\n')
    let buffered = ''
    let idle: string | null = null
    let working = Promise.resolve()
    socket.on('data', (data) => {
      buffered += data.toString('latin1')
      for (let end = buffered.indexOf('\r\n'); end >= 0; end = buffered.indexOf('\r\n')) {
        const line = buffered.slice(0, end)
        buffered = buffered.slice(end + 2)
        working = working.then(async () => {
          if (idle !== null && line === 'DONE') {
            socket.write(`${idle} OK idle\r\n`)
            idle = null
            return
          }
          idle = await one(fake, options, socket, line)
        })
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  fake.port = (server.address() as net.AddressInfo).port
  return fake
}

/** Answers one line; the tag when it was IDLE. */
async function one(fake: FakeImap, options: Options, socket: net.Socket, line: string): Promise<string | null> {
  const [tag = '', ...words] = line.split(' ')
  const command = words.join(' ')
  if (command !== '') fake.log.push(command)
  const write = (text: string) => void (socket.destroyed || socket.write(text, 'latin1'))
  const ask: Ask = { tag, command, write, ok: () => write(`${tag} OK done\r\n`), close: () => socket.destroy() }
  if (await fake.answer(ask)) return null
  if (/^IDLE$/i.test(command)) {
    write('+ idling\r\n')
    return tag
  }
  respond(fake, options, ask)
  return null
}

function respond(fake: FakeImap, options: Options, { command, tag, write, ok, close }: Ask): void {
  const visible = fake.mails.filter((mail) => !mail.hidden)
  if (/^CAPABILITY/i.test(command)) write(`* CAPABILITY ${options.capabilities ?? DEFAULT}\r\n`)
  else if (/^LOGOUT/i.test(command)) {
    write(`* BYE\r\n${tag} OK bye\r\n`)
    close()
    return
  } else if (/^LIST/i.test(command)) write(`* LIST () "/" ${/""$/.test(command) ? '""' : 'INBOX'}\r\n`)
  else if (/^NAMESPACE/i.test(command)) write('* NAMESPACE (("" "/")) NIL NIL\r\n')
  else if (/^(SELECT|EXAMINE)/i.test(command)) {
    const next = Math.max(0, ...fake.mails.map((mail) => mail.uid)) + 1
    write(`* ${visible.length} EXISTS\r\n* OK [UIDVALIDITY ${fake.uidvalidity}] v\r\n* OK [UIDNEXT ${next}] n\r\n`)
    write('* OK [PERMANENTFLAGS (\\Seen \\Deleted \\*)] f\r\n')
    const mode = options.readOnly || /^EXAMINE/i.test(command) ? 'READ-ONLY' : 'READ-WRITE'
    write(`${tag} OK [${mode}] selected\r\n`)
    return
  } else if (/^UID SEARCH/i.test(command)) {
    const set = /UID (\S+)$/.exec(command)?.[1] ?? '1:*'
    write(
      `* SEARCH ${inSet(visible, set)
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
