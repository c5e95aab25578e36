/**
 * Commands in mails, the face of the room: reads a block against the desk (pure), and runs it through the engine's verbs,
 * whole or not at all (COMMANDS E1). Whose mail may do that is decided before (receive/); what became of it is told by
 * receipts.ts.
 */
import type { Tx } from '../database.ts'
import { Refusal } from '../errors.ts'
import { commands as limits } from '../limits.ts'
import { HOUR } from '../time.ts'
import type { Attachment } from './attachments.ts'
import { nameOf, nearestNames } from './commands/aliases.ts'
import {
  type Act,
  type Acting,
  type Audience,
  type Command,
  type Effect,
  type Problem,
  problem,
  type Reading,
  type Sets,
} from './commands/command.ts'
import { type Block, type GivenLine, readLine } from './commands/grammar.ts'
import type { MacroText } from './commands/macros.ts'
import type { Level, Name } from './commands/names.ts'
import { say } from './commands/phrases.ts'
import { TICKETLESS } from './commands/places.ts'
import { post } from './commands/post.ts'
import { commandOf } from './commands/registry.ts'

import { countMailed } from './outbox/budget.ts'

export { readBatch, readBlock } from './commands/grammar.ts'

/** A command that can be run. */
export type Planned = {
  line: number
  source: string
  command: Name
  level: Level
  /** Of a batch line; null: the ticket of the mail. */
  tickets: number[] | null
  act: Act
}

/** As `explain` shows it. */
export type CommandRow = { line: number; command: string; args: string; ok: boolean; error: string | null }

export type LineProblem = Problem & { line: number; source: string }

/** What a block says: either `problems` is empty, or nothing of it may be run. */
export type Readout = {
  acts: Planned[]
  commands: CommandRow[]
  problems: LineProblem[]
  /** Null: whoever the address says. */
  audience: Audience | null
  dry: boolean
  /** `#reply` or `#send`: releases what is held. */
  releases: boolean
  /** A command needs a confirmation of its own (COMMANDS E5.4). */
  strong: boolean
  /** A ticket is opened, which what follows and the text are for. */
  opens: boolean
  /** What is to be posted, without the text of macros; '' where a command takes it. */
  text: string
  macros: MacroText[]
}

/** What was done, line by line; `line` null: the text was posted. */
export type Ran = Effect & { line: number | null; source: string; command: Name | null; ticket: number | null }

/**
 * Reads a block. A customer's lines are commands only where all of them are of those they have; else they are text, and
 * nobody is told (MAIL 9.8). Pure.
 */
export function readCommands(block: Block, on: Reading): Readout {
  if (on.who.kind === 'customer' && !block.given.every((line) => isTheirs(line, on))) return nothing(wholeText(block))
  const lines = block.given.flatMap((line) => expanded(line, on))
  const found = lines.map((line) => readOne(line, on))
  const isRefused = on.who.kind === 'agent' && on.desk.settings.stray_commands === 'warn'
  const strays = isRefused ? block.stray.filter((line) => nameOf(line.name, on.desk) !== null) : []
  const sets = found.flatMap((one) => one.sets ?? [])
  const acts = found.flatMap((one) => one.planned ?? [])
  const wrong = [
    ...found.flatMap((one) => (one.problem ? [{ ...one.problem, line: one.line.line, source: one.line.source }] : [])),
    ...strays.map((line) => ({ ...problem('stray').problem, line: line.line, source: line.source })),
  ]
  const macros = sets.flatMap((one) => one.text ?? [])
  const takesText = sets.some((one) => one.takesText)
  const problems = wrong.length > 0 ? wrong : togetherWrong({ block, sets, acts, macros, on })
  return {
    acts,
    commands: found.map((one) => rowOf(one)),
    problems,
    audience: audienceOf(sets),
    dry: sets.some((one) => one.dry),
    releases: sets.some((one) => one.releases),
    strong:
      sets.some((one) => one.strong) ||
      acts.some((one) => one.level === 'strong' || (one.command === 'merge' && (one.tickets?.length ?? 0) > 1)),
    opens: found.some(({ planned, sets }) => planned?.command === 'new' && !sets?.letsIn),
    text: takesText ? '' : block.text,
    macros,
  }
}

/**
 * Posts the text and runs the commands, in the caller's savepoint: a ticket is opened first, then the text goes, then the
 * rest in order.
 * @param given.audience whom the address means; a command says otherwise
 * @throws Refusal of the verb, with `cause: {line}` where a line is at fault
 */
export async function runBlock(
  tx: Tx,
  read: Readout,
  given: { on: Acting; audience: Audience; files: Attachment[] },
  now: Date,
): Promise<{ ran: Ran[]; commentId: number | null; ticketId: number | null }> {
  if (read.acts.length > 0) await countMail(tx, given.on, now)
  const begins = read.acts.filter((one) => one.command === 'new')
  const first = await runCommands(tx, begins, given.on, now)
  const ticketId = first.findLast((one) => one.ticketId !== undefined)?.ticketId ?? given.on.ticketId
  const on = { ...given.on, ticketId }
  const posted = await post(
    tx,
    { ...given, on, text: read.text, macros: read.macros, audience: read.audience ?? given.audience },
    now,
  )
  const ran = [...first, ...(posted ? [posted.ran] : [])]
  const others = await runCommands(
    tx,
    read.acts.filter((one) => one.command !== 'new'),
    on,
    now,
  )
  return { ran: [...ran, ...others], commentId: posted?.commentId ?? null, ticketId }
}

/** Runs commands in order; the caller rolls all of them back where one refuses. */
export async function runCommands(tx: Tx, acts: readonly Planned[], acting: Acting, now: Date): Promise<Ran[]> {
  const ran: Ran[] = []
  let { ticketId } = acting
  for (const { line, source, command, tickets, act } of acts)
    for (const ticket of tickets ?? [ticketId]) {
      const effect = await act(tx, { ...acting, ticketId: ticket }, now).catch((error: unknown) => {
        if (!(error instanceof Refusal)) throw error
        throw new Refusal(error.code, error.message, error.fault, { cause: { line, source } })
      })
      ran.push({ ...effect, line, source, command, ticket: effect.ticketId ?? ticket })
      if (tickets === null && effect.ticketId !== undefined) ticketId = effect.ticketId
    }
  return ran
}

/** @throws Refusal `too_many_mails` where somebody sends more commands in an hour than people do (COMMANDS E5.8) */
async function countMail(tx: Tx, { who }: Acting, now: Date): Promise<void> {
  const [scope, most] =
    who.kind === 'agent'
      ? [`commands/${who.agent.id}`, limits.perHour]
      : [`commands/${who.address.toLowerCase()}`, limits.customerPerHour]
  if ((await countMailed(tx, { scope, window: HOUR }, now)) > most)
    throw new Refusal('too_many_mails', `At most ${most} mails with commands are taken in an hour: try again later.`)
}

/** A verb's refusal as the problem of its line, for the receipt. */
export function problemOf(refusal: Refusal): LineProblem {
  const { line = 0, source = '' } = (refusal.cause ?? {}) as { line?: number; source?: string }
  return { ...problem('refused', { code: refusal.code, words: refusal.message }).problem, line, source }
}

type Found = { line: GivenLine; command: Command | null; planned?: Planned; sets?: Sets; problem?: Problem }

/** A macro's commands stand in its place, with its line; its own line stays, for its text. */
function expanded(line: GivenLine, on: Reading): GivenLine[] {
  if (on.who.kind !== 'agent' || nameOf(line.name, on.desk) !== 'macro' || line.fault) return [line]
  const answer = commandOf('macro').read(line.args, on)
  const own = (answer.sets?.macro ?? []).flatMap((text) => readLine(text, line.line) ?? [])
  return [line, ...own.map((one) => (line.ticket ? { ...one, ticket: line.ticket } : one))]
}

function readOne(line: GivenLine, on: Reading): Found {
  if (line.fault) {
    const data = line.fault.key === 'line_too_long' ? { most: limits.line } : {}
    return { line, command: null, ...problem(line.fault.key, data, { column: line.fault.column }) }
  }
  const name = nameOf(line.name, on.desk)
  const column = line.source.indexOf('#') + 1 || 1
  if (name === null) {
    const more = { column, nearest: nearestNames(line.name, on.desk) }
    return { line, command: null, ...problem('unknown_command', { name: line.name }, more) }
  }
  const command = commandOf(name)
  if (!may(command, on)) return { line, command, ...problem('not_yours', { name }, { column }) }
  if (on.ticket === null && !line.ticket && !TICKETLESS.has(name)) return { line, command, ...problem('needs_ticket') }
  const ticket = line.ticket?.[0] ?? on.ticket
  const answer = command.read(line.args, { ...on, ticket })
  if (answer.problem) return { line, command, problem: answer.problem }
  const planned = {
    line: line.line,
    source: line.source,
    command: name,
    level: command.level,
    tickets: line.ticket ?? null,
    act: answer.ok,
  }
  return { line, command, planned, ...(answer.sets && { sets: answer.sets }) }
}

const may = ({ level }: Command, on: Reading): boolean =>
  level === 'both' || (on.who.kind === 'agent' ? level !== 'customer' : level === 'customer')

function isTheirs(line: GivenLine, on: Reading): boolean {
  const name = nameOf(line.name, on.desk)
  return name !== null && line.fault === null && may(commandOf(name), on) && !readOne(line, on).problem
}

type Together = { block: Block; sets: Sets[]; acts: Planned[]; macros: MacroText[]; on: Reading }

/** What no line alone shows. */
function togetherWrong({ block, sets, acts, macros, on }: Together): LineProblem[] {
  const at = (one: { problem: Problem }, line: GivenLine | undefined): LineProblem[] => [
    { ...one.problem, line: line?.line ?? 1, source: line?.source ?? '' },
  ]
  const [first] = block.given
  const count = acts.length
  if (count > limits.mail)
    return at(problem('too_many_commands', { most: limits.mail, count }), block.given[limits.mail])
  const tickets = acts.reduce((sum, one) => sum + (one.tickets?.length ?? 0), 0)
  if (tickets > limits.batch) return at(problem('too_many_tickets', { most: limits.batch, count: tickets }), first)
  if (new Set(sets.flatMap((one) => one.audience ?? [])).size > 1) return at(problem('two_audiences'), first)
  const needsText = sets.some((one) => (one.audience && !one.releases) || one.takesText)
  const hasText = block.text !== '' || macros.length > 0 || sets.some((one) => one.takesText && on.ticket === null)
  if (needsText && !hasText) return at(problem('needs_text'), first)
  return []
}

/** `quiet` writes to nobody: a text with it is a note. */
function audienceOf(sets: Sets[]): Audience | null {
  const said = sets.find((one) => one.audience)?.audience ?? null
  return sets.some((one) => one.quiet) && said !== 'private' ? 'internal' : said
}

const rowOf = ({ line, command, problem: wrong }: Found): CommandRow => ({
  line: line.line,
  command: command?.name ?? line.name,
  args: line.source.replace(/^\S+ ?/, ''),
  ok: !wrong,
  error: wrong ? say('en', wrong.words) : null,
})

const nothing = (text: string): Readout => ({
  acts: [],
  commands: [],
  problems: [],
  audience: null,
  dry: false,
  releases: false,
  strong: false,
  opens: false,
  text,
  macros: [],
})

const wholeText = (block: Block): string => [...block.given.map((line) => line.source), block.text].join('\n').trim()
