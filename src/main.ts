/**
 * The commands: what people type, parsed and handed to main/. Exit 0 done, 1 refused with words on stderr, 2 wrong
 * usage. With --json stdout holds nothing but JSON.
 */
import { parseArgs } from 'node:util'
import { transaction } from './database.ts'
import { cancelMail, retryMail } from './engine/outbox.ts'
import { vectorsCommand } from './engine/vectors.ts'
import { Refusal } from './errors.ts'
import { type Level, startLog } from './log.ts'
import { discard, release, requestOriginal, retry } from './mail/spool.ts'
import { agentAdd, login } from './main/agents.ts'
import { check } from './main/check.ts'
import { demo } from './main/demo.ts'
import { explain } from './main/explain.ts'
import { HELP, helpOf } from './main/help.ts'
import { importMails } from './main/import.ts'
import { type openInstallation, type Place, readConfig, withInstallation } from './main/installation.ts'
import { showReport } from './main/report.ts'
import { rules } from './main/rules.ts'
import { serve } from './main/serve.ts'
import { type Print, showMails, showOutbox, showReplay, showTicket, showTickets, writeRaw } from './main/show.ts'
import { showStatements } from './main/statements.ts'

const OPTIONS = {
  config: { type: 'string' },
  data: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  limit: { type: 'string' },
  state: { type: 'string' },
  raw: { type: 'boolean' },
  replay: { type: 'boolean' },
  retry: { type: 'boolean' },
  release: { type: 'boolean' },
  discard: { type: 'boolean' },
  fetch: { type: 'boolean' },
  cancel: { type: 'boolean' },
  name: { type: 'string' },
  admin: { type: 'boolean' },
  to: { type: 'string' },
  from: { type: 'string' },
  zone: { type: 'string' },
  by: { type: 'string' },
  superseded: { type: 'boolean' },
  csv: { type: 'boolean' },
  archive: { type: 'boolean' },
  wait: { type: 'boolean' },
} as const

type Values = { [K in keyof typeof OPTIONS]?: (typeof OPTIONS)[K]['type'] extends 'string' ? string : boolean }
type Call = { values: Values; words: string[]; place: Place; print: Print; json: boolean; limit: number | null }

class Usage extends Error {}

const print: Print = (line) => void process.stdout.write(`${line}\n`)
const log = startLog((process.env.POSTROOM_LOG as Level | undefined) ?? 'info')
/** Short commands say what they have to say on stdout; only trouble goes to the log. */
const quiet = startLog('warn')

const COMMANDS: Record<string, (call: Call) => Promise<number>> = {
  serve: ({ place }) => serve(place, log, print),
  check: ({ place, json }) => check(place, { log: quiet, print, json }),
  demo: ({ place }) => demo(place, { log: quiet, print }),
  explain: ({ place, words, json, values }) => {
    const paths = required(words, 'a PATH, - or the number of a mail')
    return explain(place, { paths, json, to: values.to ?? null, archive: values.archive ?? false, log: quiet, print })
  },
  import: importCommand,
  tickets: ({ words, ...call }) =>
    opened(call, ({ sql }) => showTickets(sql, print, { ...call, query: words.join(' ') }, new Date())),
  ticket: ticketCommand,
  mails: (call) => opened(call, ({ sql }) => showMails(sql, print, { ...call, state: call.values.state ?? null })),
  mail: mailCommand,
  outbox: outboxCommand,
  report: reportCommand,
  statements: ({ words, ...call }) =>
    opened(call, ({ sql }) => showStatements(sql, print, { ...call, month: words[0] ?? null })),
  rules: rulesCommand,
  vectors: ({ words, place }) => {
    const files = required(words, 'a FILE')
    return withInstallation(place, quiet, ({ sql }) => vectorsCommand(sql, files, print))
  },
  agent: agentCommand,
  login: (call) => {
    const address = required(call.words, 'an ADDRESS')[0]!
    return opened(call, ({ sql }) =>
      login(sql, print, { address, base: baseOf(call.place), json: call.json }, new Date()),
    )
  },
}

process.exitCode = await run(process.argv.slice(2))

async function run(args: string[]): Promise<number> {
  const [name = 'help', ...rest] = args
  try {
    if (name === 'help' || name === '--help' || name === '-h') return say(rest[0] ? helpOf(rest[0]) : HELP)
    const command = COMMANDS[name]
    if (!command) throw new Usage(`"${name}" is no command.`)
    const call = parse(rest)
    if (call.values.help) return say(helpOf(name))
    return await command(call)
  } catch (error) {
    if (error instanceof Usage)
      return complain(`${error.message}\nbin/postroom help${COMMANDS[name] ? ` ${name}` : ''} says more.`, 2)
    if (error instanceof Refusal) return complain(error.message, 1)
    throw error
  }
}

function parse(args: string[]): Call {
  try {
    // a query may begin with `-`: `tickets -tag:vip`
    const split = args.flatMap((arg) => (/^-[a-z#"]+.*[:"]|^-#/.test(arg) ? ['--', arg] : [arg]))
    const { values, positionals } = parseArgs({ args: split, options: OPTIONS, allowPositionals: true })
    const limit = values.limit === undefined ? null : Number(values.limit)
    if (limit !== null && !(Number.isInteger(limit) && limit > 0)) throw new Usage('--limit wants a number above 0.')
    const place: Place = {
      ...(values.config !== undefined && { config: values.config }),
      ...(values.data !== undefined && { data: values.data }),
    }
    return {
      values,
      words: positionals.filter((word) => word !== '--'),
      place,
      print,
      json: values.json ?? false,
      limit,
    }
  } catch (error) {
    throw error instanceof Usage ? error : new Usage((error as Error).message)
  }
}

async function opened(
  call: Pick<Call, 'place'>,
  work: (installation: Awaited<ReturnType<typeof openInstallation>>) => Promise<unknown>,
): Promise<number> {
  await withInstallation(call.place, quiet, work)
  return 0
}

async function importCommand({ place, words, json, values }: Call): Promise<number> {
  const paths = required(words, 'a PATH')
  const terminal = process.stderr.isTTY && !json
  const progress = (line: string) => void process.stderr.write(`\r\x1b[K${line}`)
  const manner = values.archive ? 'archive' : 'live'
  const { to = null, wait = false } = values
  const given = { paths, manner, to, wait, json, log: quiet, print, ...(terminal && { progress }) } as const
  try {
    return await importMails(place, given)
  } finally {
    if (terminal) process.stderr.write('\n')
  }
}

async function ticketCommand({ place, words, values, ...show }: Call): Promise<number> {
  const number = numberOf(words)
  if (values.replay)
    return await withInstallation(place, quiet, ({ sql }) => showReplay(sql, print, { ...show, number }, new Date()))
  return await opened({ place }, ({ sql }) => showTicket(sql, print, { ...show, number }, new Date()))
}

async function mailCommand(call: Call): Promise<number> {
  const { values } = call
  const id = numberOf(call.words)
  const by = process.env.USER || 'command line'
  const asked = (['raw', 'retry', 'release', 'discard', 'fetch'] as const).filter((one) => values[one])
  if (asked.length > 1) throw new Usage('--raw, --retry, --release, --discard and --fetch exclude each other.')
  return await opened(call, async ({ sql }) => {
    const now = new Date()
    if (values.raw) return await writeRaw(sql, id, process.stdout)
    if (values.retry) await transaction(sql, (tx) => retry(tx, { id, by }, now))
    if (values.release) await transaction(sql, (tx) => release(tx, { id, by }, now))
    if (values.discard) await transaction(sql, (tx) => discard(tx, { id, by, why: 'from the command line' }, now))
    if (values.fetch) await requestOriginal(sql, { mailId: id, by })
    await showMails(sql, print, { json: call.json, limit: null, state: null, id })
  })
}

async function outboxCommand(call: Call): Promise<number> {
  const { values, words } = call
  return await opened(call, async ({ sql }) => {
    const now = new Date()
    if (values.retry) await transaction(sql, (tx) => retryMail(tx, numberOf(words), now))
    if (values.cancel) await transaction(sql, (tx) => cancelMail(tx, numberOf(words), now))
    await showOutbox(sql, print, { ...call, state: values.state ?? null })
  })
}

async function reportCommand({ words, values, json, limit, ...call }: Call): Promise<number> {
  const name = required(words, 'a NAME')[0]!
  if (json && values.csv) throw new Usage('--json and --csv exclude each other.')
  const { from = null, to = null, zone = null, by = null } = values
  const superseded = values.superseded ? 'shown' : 'hidden'
  const form = json ? 'json' : values.csv ? 'csv' : 'text'
  const options = { name, from, to, zone, by, superseded, limit, form } as const
  return await opened(call, ({ sql }) => showReport(sql, print, options, new Date()))
}

async function rulesCommand(call: Call): Promise<number> {
  const [what, ...files] = call.words
  const file = required(files, 'a FILE')[0]!
  if (what === 'check' || what === 'test') return await rules(what, file, { log: quiet, print })
  throw new Usage('rules check FILE, or rules test FILE.')
}

async function agentCommand(call: Call): Promise<number> {
  const [what, ...addresses] = call.words
  if (what !== 'add') throw new Usage('agent add ADDRESS [--name NAME] [--admin].')
  const address = required(addresses, 'an ADDRESS')[0]!
  const { name = '', admin = false } = call.values
  const agent = { address, name, admin, base: baseOf(call.place), json: call.json }
  return await opened(call, ({ sql }) => agentAdd(sql, print, agent, new Date()))
}

function required(words: string[], what: string): string[] {
  if (words.length === 0) throw new Usage(`This command wants ${what}.`)
  return words
}

function numberOf(words: string[]): number {
  const [word] = required(words, 'a number')
  const number = Number(word!.replace(/^#/, ''))
  if (!Number.isSafeInteger(number) || number < 1) throw new Usage(`"${word}" is no number.`)
  return number
}

/** Where links lead: the public address, else the listener's. */
function baseOf(place: Place): string {
  const { web } = readConfig(place)
  return web.url ?? `http://${web.listen.host}:${web.listen.port}`
}

function say(text: string): number {
  print(text)
  return 0
}

function complain(words: string, code: number): number {
  process.stderr.write(`${words}\n`)
  return code
}
