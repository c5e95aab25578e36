/**
 * One IMAP connection in our own words: the only importer of imapflow. It owns deadlines (2.14), the caps on what a
 * server may send, and the traps of the library. It refuses to change anything by fetching (BODY.PEEK only), to select
 * by flag or date, and to EXPUNGE without naming the UIDs.
 *
 * Two traps shape it: a command inside a running FETCH iteration deadlocks, so every FETCH is gathered whole first;
 * and an untagged line that cannot be parsed is skipped in silence, so what exists is learnt from SEARCH, never from
 * what a FETCH happens to return (2.13).
 */
import {
  type FetchMessageObject,
  type FetchQueryObject,
  ImapFlow,
  type Logger,
  type MessageStructureObject,
} from 'imapflow'
import { Refusal, wordsOf } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { Credentials, ImapLimits, Mailbox } from './mailbox.ts'

export type Folder = { path: string; uidvalidity: number; uidNext: number; exists: number; readOnly: boolean }

/** What FETCH says of a mail without its bytes; null: the server did not say, or not in words we can read. */
export type Described = {
  uid: number
  size: number | null
  at: Date | null
  emailId: string | null
  threadId?: string | null
}

/** Null is done; else the server's words for why not. */
export type Done = string | null

export type Session = {
  /** Settles when the connection is gone: `imap_closed` with the reason, `imap_gone` without one. */
  closed: Promise<Refusal>
  capabilities: { idle: boolean; move: boolean; uidplus: boolean; names: string[] }
  /** The server asked for a new login because the access token ran out (2.11). */
  expired(): boolean
  received(): number
  folders(): Promise<{ path: string; use: string | null }[]>
  select(path: string, access: 'read' | 'write'): Promise<Folder>
  /** UIDs that exist in `from:to`, ascending; `*` is the newest. */
  uids(from: number, to: number | '*'): Promise<number[]>
  describe(uids: number[]): Promise<Map<number, Described>>
  /** The header fields named, as bytes. Whoever is missing could not be read. */
  fields(uids: number[], names: string[]): Promise<Map<number, Buffer>>
  /** At most `length` bytes of the raw mail from `start`; null when the server gives none. */
  bytes(uid: number, start: number, length: number): Promise<Buffer | null>
  /** The raw mail in one literal, for servers that cannot do parts. */
  whole(uid: number): Promise<Buffer | null>
  header(uid: number, length: number): Promise<Buffer | null>
  structure(uid: number): Promise<MessageStructureObject | null>
  addFlag(uids: number[], flag: string): Promise<Done>
  copy(uids: number[], folder: string): Promise<Done>
  /** Only on servers with MOVE. */
  move(uids: number[], folder: string): Promise<Done>
  /** UID EXPUNGE of `uids` alone; only on servers with UIDPLUS. */
  expunge(uids: number[]): Promise<Done>
  findMessageId(id: string): Promise<number[]>
  append(folder: string, raw: Buffer, at: Date): Promise<Done>
  /** Whether the server told of new mail since the last `select`. */
  news(): boolean
  /** Stays in IDLE until the next command; `wake` is called when mail came. */
  idle(wake: () => void): void
  close(): void
  logout(): Promise<void>
}

export type Opening = {
  mailbox: Mailbox
  credentials: Credentials
  limits: ImapLimits
  /** Bytes of the largest mail taken whole. */
  message: number
  log: Log
}

/**
 * Connects and logs in.
 * @throws Refusal `imap_login` (the server said no), `imap_connect` (anything else); fault outage
 */
export async function openSession(opening: Opening): Promise<Session> {
  const said = { words: '' }
  const client = new ImapFlow(settings(opening, said))
  const closed = new Promise<Refusal>((resolve) => {
    let reason: Error | null = null
    client.on('error', (error: Error) => {
      reason ??= error
    })
    client.on('close', () => {
      const words = client.byeReason ? `the server said goodbye: ${client.byeReason}` : reason && describeError(reason)
      resolve(new Refusal(words ? 'imap_closed' : 'imap_gone', words || 'the connection was closed', 'outage'))
    })
  })
  const deadline = opening.limits.connect + 2 * opening.limits.command
  try {
    await within(client, deadline, client.connect())
  } catch (error) {
    client.close()
    const words = describeError(error)
    const login = (error as { authenticationFailed?: boolean }).authenticationFailed === true
    throw new Refusal(login ? 'imap_login' : 'imap_connect', words, 'outage', { cause: error })
  }
  return sessionOf(client, closed, { limits: opening.limits, said })
}

/** The server's own words, where there are any. */
export function describeError(error: unknown): string {
  const { responseText, response, code } = error as { responseText?: unknown; response?: unknown; code?: unknown }
  const server = [responseText, response].find((words) => typeof words === 'string' && words !== '')
  if (server) return String(server).slice(0, 500)
  return `${wordsOf(error)}${typeof code === 'string' && !wordsOf(error).includes(code) ? ` (${code})` : ''}`
}

/** `1,2,3,7` as `1:3,7`: a window of 1000 UIDs must fit a command line. */
export function sequence(uids: number[]): string {
  const sorted = [...uids].sort((a, b) => a - b)
  const ranges: [number, number][] = []
  for (const uid of sorted) {
    const last = ranges.at(-1)
    if (last && uid === last[1] + 1) last[1] = uid
    else ranges.push([uid, uid])
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}:${to}`)).join(',')
}

function settings({ mailbox, credentials, limits, message, log }: Opening, said: { words: string }) {
  return {
    host: mailbox.host,
    port: mailbox.port,
    secure: mailbox.tls === 'implicit',
    doSTARTTLS: mailbox.tls === 'starttls' ? true : mailbox.tls === 'none' ? false : undefined,
    ...(mailbox.ca && { tls: { ca: mailbox.ca } }),
    auth:
      'accessToken' in credentials
        ? { user: mailbox.user, accessToken: credentials.accessToken }
        : { user: mailbox.user, pass: credentials.password },
    clientInfo: { name: 'postroom' },
    disableAutoIdle: true, // IDLE begins after a poll, not whenever we pause
    disableCompression: true, // bytes on the wire are the measure of progress
    maxIdleTime: limits.idle,
    connectionTimeout: limits.connect,
    greetingTimeout: limits.connect,
    socketTimeout: limits.command, // counts silence, not time: a slow body is no reason (2.14)
    maxLineLength: limits.line,
    maxLiteralSize: message + limits.chunk,
    maxResponseSize: message + limits.chunk + limits.line,
    logger: adapter(log, said),
  }
}

/** Keeps the words of a refused command, which imapflow only logs; what it logs of mails is not passed on. */
function adapter(log: Log, said: { words: string }): Logger {
  const note = (entry: unknown) => {
    const error = (entry as { err?: unknown } | undefined)?.err
    if (!error) return
    said.words = describeError(error)
    log.debug('imap.trouble', { words: said.words })
  }
  const nothing = () => {}
  return { trace: nothing, debug: nothing, info: nothing, warn: note, error: note, fatal: note } as unknown as Logger
}

function sessionOf(
  client: ImapFlow,
  closed: Promise<Refusal>,
  ways: { limits: ImapLimits; said: { words: string } },
): Session {
  const { limits, said } = ways
  const timed = <T>(work: Promise<T>) => inWords(within(client, limits.command, work))
  const gather = (range: string, query: FetchQueryObject) =>
    client.fetchAll(range, { uid: true, ...query }, { uid: true })
  /** Told by UID and content: servers may slip other mails' flags in between. */
  const one = async (uid: number, query: FetchQueryObject, has: (found: FetchMessageObject) => unknown) =>
    (await inWords(gather(String(uid), query))).find((found) => found.uid === uid && has(found)) ?? null
  const done = async (work: Promise<unknown>): Promise<Done> => {
    said.words = ''
    return (await timed(work)) ? null : said.words || 'the server refused without a word'
  }
  let wake = () => {}
  let news = false
  client.on('exists', ({ count, prevCount }: { count: number; prevCount: number }) => {
    news ||= count > prevCount
    wake()
  })
  return {
    closed,
    capabilities: capabilitiesOf(client),
    expired: () => /AccessTokenExpired|token (is |has )?expired|session expired/i.test(client.byeReason ?? ''),
    received: () => client.stats().received,
    folders: async () =>
      (await timed(client.list())).map((found) => ({ path: found.path, use: found.specialUse ?? null })),
    select: (path, access) => {
      news = false
      return timed(select(client, path, access))
    },
    news: () => news,
    uids: (from, to) => timed(search(client, { uid: `${from}:${to}` }, said)),
    describe: async (uids) =>
      describe(await timed(gather(sequence(uids), { size: true, internalDate: true, threadId: true })), uids),
    fields: async (uids, names) => {
      const found = await timed(gather(sequence(uids), { headers: names }))
      return new Map(found.flatMap((mail) => (mail.headers && mail.uid ? [[mail.uid, mail.headers] as const] : [])))
    },
    // Bodies have no deadline but the socket's silence.
    bytes: async (uid, start, length) =>
      (await one(uid, { source: { start, maxLength: length } }, (found) => found.source))?.source ?? null,
    whole: async (uid) => (await one(uid, { source: true }, (found) => found.source))?.source ?? null,
    header: async (uid, length) => {
      const query = { bodyParts: [{ key: 'header', start: 0, maxLength: length }] }
      const found = await one(uid, query, (mail) => mail.headers ?? mail.bodyParts?.get('header'))
      return found?.headers ?? found?.bodyParts?.get('header') ?? null
    },
    structure: async (uid) =>
      (await timed(one(uid, { bodyStructure: true }, (found) => found.bodyStructure)))?.bodyStructure ?? null,
    addFlag: (uids, flag) => done(client.messageFlagsAdd(sequence(uids), [flag], { uid: true, silent: true })),
    copy: (uids, folder) => done(client.messageCopy(sequence(uids), folder, { uid: true })),
    move: async (uids, folder) => {
      if (!client.capabilities.has('MOVE')) return 'the server has no MOVE' // the library's stand-in may EXPUNGE others
      return done(client.messageMove(sequence(uids), folder, { uid: true }))
    },
    expunge: async (uids) => {
      if (!client.capabilities.has('UIDPLUS')) return 'the server has no UIDPLUS' // EXPUNGE would take others along
      return done(client.messageDelete(sequence(uids), { uid: true }))
    },
    findMessageId: (id) => timed(search(client, { header: { 'message-id': id } }, said)),
    append: (folder, raw, at) => done(client.append(folder, raw, ['\\Seen'], at)),
    idle: (then) => {
      wake = then
      client.idle().catch(() => {}) // its end is seen in `closed`
    },
    close: () => client.close(),
    logout: async () => {
      await within(client, limits.logout, client.logout()).catch(() => client.close())
    },
  }
}

function capabilitiesOf(client: ImapFlow): Session['capabilities'] {
  const has = (name: string) => client.capabilities.has(name)
  return { idle: has('IDLE'), move: has('MOVE'), uidplus: has('UIDPLUS'), names: [...client.capabilities.keys()] }
}

async function select(client: ImapFlow, path: string, access: 'read' | 'write'): Promise<Folder> {
  try {
    const opened = await client.mailboxOpen(path, { readOnly: access === 'read' })
    if (!opened.uidValidity)
      throw new Refusal('imap_folder', `${path}: the server gives no UIDVALIDITY, so its UIDs mean nothing`, 'outage')
    return {
      path,
      uidvalidity: Number(opened.uidValidity),
      uidNext: opened.uidNext || 0,
      exists: opened.exists,
      readOnly: opened.readOnly === true,
    }
  } catch (error) {
    if ((error as { responseStatus?: string }).responseStatus === 'NO')
      throw new Refusal('imap_folder', `${path}: ${describeError(error)}`, 'outage', { cause: error })
    throw error
  }
}

async function search(client: ImapFlow, query: object, said: { words: string }): Promise<number[]> {
  said.words = ''
  const found = await client.search(query, { uid: true })
  if (!Array.isArray(found)) throw new Refusal('imap_search', said.words || 'the server refused SEARCH', 'outage')
  return found
}

function describe(found: FetchMessageObject[], asked: number[]): Map<number, Described> {
  const wanted = new Set(asked)
  const described = new Map<number, Described>()
  for (const mail of found) {
    if (!wanted.has(mail.uid)) continue
    const at = mail.internalDate ? new Date(mail.internalDate) : null
    described.set(mail.uid, {
      uid: mail.uid,
      size: mail.size ?? described.get(mail.uid)?.size ?? null,
      at: at && !Number.isNaN(at.getTime()) ? at : (described.get(mail.uid)?.at ?? null),
      emailId: mail.emailId ?? null,
      threadId: mail.threadId ?? null,
    })
  }
  return described
}

/** The library's errors as ours: whatever a mail server does is no bug of the desk. */
async function inWords<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw new Refusal('imap_command', describeError(error), 'outage', { cause: error })
  }
}

/** A command that takes longer is taken for a dead connection: a late answer to it would be read as the next one's. */
async function within<T>(client: ImapFlow, milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Refusal('imap_late', `no answer within ${Math.round(milliseconds / 1000)} s`, 'outage'))
      client.close()
    }, milliseconds)
  })
  work.catch(() => {}) // after the deadline nobody else listens
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
