/**
 * A desk for tests: real PostgreSQL, real parser, real pipeline, the demo desk's data. `deliver` puts a mail in the
 * spool as an intake would and waits until it has reached its final state.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { loadConfig } from '../src/config.ts'
import { transaction } from '../src/database.ts'
import { applyDesk } from '../src/engine/desk/apply.ts'
import { readHolidayFiles } from '../src/engine/desk/holiday-files.ts'
import { loadDesk } from '../src/engine/desk/load.ts'
import type { Tools } from '../src/engine/tools.ts'
import { silent } from '../src/log.ts'
import { startTrust, type Trust } from '../src/mail/authenticate/trust.ts'
import { startParser } from '../src/mail/parse.ts'
import { startPipeline } from '../src/mail/pipeline.ts'
import { startSpool } from '../src/mail/spool/accept.ts'
import type { Envelope } from '../src/mail/spool.ts'
import { loadTemplates } from '../src/render.ts'
import type { Keys } from '../src/tokens.ts'
import { type TestDatabase, testDatabase } from './database.ts'

const root = path.join(import.meta.dirname, '..')
export const templates = loadTemplates(path.join(root, 'templates'))
export const keys: Keys = { instance: 'test-instance', current: 0, byId: new Map([[0, randomBytes(32)]]) }
export const demoDesk = readFileSync(path.join(root, 'config', 'demo-desk.yml'), 'utf8')

const demo = loadConfig({ env: {}, cwd: os.tmpdir() })
const trust = startTrust(demo, () => MONDAY)

/** A Monday morning in Berlin and a winter day, so that due dates are easy to say. */
export const MONDAY = new Date('2026-11-23T08:30:00Z')

export type Ending = {
  id: number
  state: string
  kind: string | null
  ticket_id: number | null
  comment_id: number | null
  duplicate_of: number | null
  reasons: { code: string; words: string }[]
  trace: Record<string, unknown>
}

export type TestDesk = Awaited<ReturnType<typeof startDesk>>

/**
 * @param options.desk text of the desk file, the demo desk by default
 * @param options.now the pipeline's clock; `clock.at` can be moved
 * @param options.trust whom to ask and to believe about senders; the demo desk's zone and nobody by default
 * @param options.child the program of the parse child, where it is to break down
 */
export async function startDesk(
  options: { desk?: string; now?: Date; database?: TestDatabase; trust?: Partial<Trust>; child?: string } = {},
) {
  const database = options.database ?? (await testDatabase())
  const { sql } = database
  const clock = { at: options.now ?? MONDAY }
  const temp = mkdtempSync(path.join(os.tmpdir(), 'postroom-test-'))
  const parser = await startParser({
    temp,
    log: silent,
    children: 1,
    ...(options.child !== undefined && { file: options.child }),
  })
  const spool = startSpool({ sql, log: silent })
  let tools: Tools = { desk: await setUp(options.desk ?? demoDesk), keys, templates }
  const pipeline = await startPipeline({
    sql,
    parser,
    tools: () => tools,
    trust: { ...trust, ...options.trust },
    worker: 'test',
    log: silent,
    now: () => clock.at,
  })

  async function setUp(text: string) {
    const holidays = await readHolidayFiles(text, path.join(root, 'config'))
    await transaction(sql, (tx) => applyDesk(tx, { text, author: 'test', holidays }, clock.at))
    return await loadDesk(sql)
  }

  /** The final row of a mail. */
  async function ending(id: number): Promise<Ending> {
    await pipeline.idle()
    const [row] = await sql<Ending[]>`
      select id, state, kind, ticket_id, comment_id, duplicate_of, reasons, trace from inbound_mails where id = ${id}`
    return row!
  }

  async function accept(raw: string | Buffer, envelope: Partial<Envelope> = {}): Promise<number> {
    const bytes = typeof raw === 'string' ? Buffer.from(raw.replaceAll(/\r?\n/g, '\r\n')) : raw
    const from = /^From:.*?<?([^\s<>]+@[^\s<>]+)>?$/im.exec(bytes.toString('latin1'))?.[1]?.trim() ?? ''
    const whole = envelopeOf(from, { receivedAt: clock.at, ...envelope })
    return (await spool.accept({ envelope: whole, bytes })).id
  }

  return {
    database,
    sql,
    clock,
    accept,
    ending,
    idle: () => pipeline.idle(),
    tools: () => tools,
    parse: (source: AsyncIterable<Buffer>) => parser.parse(source),
    parser,
    /** Replaces the desk file. */
    async change(text: string) {
      tools = { ...tools, desk: await setUp(text) }
    },
    /** Empties the database and sets the desk up anew. */
    async reset(text = options.desk ?? demoDesk) {
      await pipeline.idle()
      await database.empty()
      clock.at = options.now ?? MONDAY
      tools = { ...tools, desk: await setUp(text) }
    },
    async deliver(raw: string | Buffer, envelope: Partial<Envelope> = {}): Promise<Ending> {
      return await ending(await accept(raw, envelope))
    },
    async stop() {
      await pipeline.stop()
      await spool.stop()
      await parser.stop()
      rmSync(temp, { recursive: true, force: true })
      if (!options.database) await database.close()
    },
  }
}

/** As a listener makes it of a client that writes to the demo desk. */
export const envelopeOf = (from: string, change: Partial<Envelope> = {}): Envelope => ({
  via: 'mx',
  listener: 'test',
  from,
  recipients: [{ address: 'support@desk.example', inbox: 'support', tag: null }],
  session: { ip: '127.0.0.1', helo: 'client.example' },
  prefix: '',
  receivedAt: MONDAY,
  ...change,
})

/**
 * An address as such: signed addresses and Message-IDs of the desk end in letters by chance, so one of a thousand holds
 * that of an agent with two.
 */
export const wholeAddress = (address: string): RegExp =>
  new RegExp(`(?<![a-z0-9])${address.replaceAll('.', '\\.').replaceAll('+', '\\+')}`)

let written = 0

/** A plain mail with a Message-ID of its own; `headers` are added or, with null, left out. */
export function mail(options: {
  from?: string
  to?: string
  subject?: string
  text?: string
  headers?: Record<string, string | null>
}): string {
  const headers: Record<string, string | null> = {
    From: options.from ?? 'Eva Beispiel <eva@acme.example>',
    To: options.to ?? 'support@desk.example',
    Subject: options.subject ?? 'The printer is on fire',
    Date: 'Mon, 23 Nov 2026 09:29:00 +0100',
    'Message-ID': `<m${++written}.${process.pid}@mail.example>`,
    'MIME-Version': '1.0',
    'Content-Type': 'text/plain; charset=utf-8',
    ...options.headers,
  }
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]))
  return `${lines.join('\n')}\n\n${options.text ?? `Please help.\nThis is mail ${written}.`}\n`
}
