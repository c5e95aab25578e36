/**
 * What a proven agent wrote: their words, without quotation and signature, to whom the address or a command says, and
 * the commands above them (MAIL 6.17, COMMANDS E1-E5). Pure, and whole or not at all.
 */
import type { IncomingMail } from '../../incoming.ts'
import type { Token } from '../../tokens.ts'
import { problem } from '../commands/command.ts'
import { type LineProblem, type Readout, readBatch, readBlock, readCommands } from '../commands.ts'
import type { Agent } from '../desk.ts'
import { readSheet, type SheetLine } from '../notify/sheet.ts'
import type { Candidate } from '../thread.ts'
import {
  authorOf,
  type Case,
  inboxOf,
  isSent,
  readingOf,
  refuse,
  releasing,
  type Stop,
  visibleOf,
  wholeOf,
} from './agent-case.ts'
import { leakIn, withoutPrivate } from './agent-text.ts'
import { reason } from './endings.ts'
import type { Arrival, Facts } from './facts.ts'
import type { Action, Plan } from './plan.ts'

/** `audience`: whom the address means; `ticket` null: none is named, as in the answer to a digest. */
export type Whose = { agent: Agent; ticket: Candidate | null; token: Token | null; audience: 'public' | 'internal' }

export function deed(given: Case, whose: Whose): Plan {
  const { arrival, facts, mail } = given
  const { agent, ticket } = whose
  const visible = visibleOf(mail)
  const block = whose.token?.ticket === 0 ? readBatch(visible) : readBlock(visible)
  const sheet = whose.token?.ticket === 0 && block.given.length === 0 ? readSheet(wholeOf(mail)) : []
  if (sheet.length > 0) return corrections(given, agent, sheet)
  const inbox = inboxOf(facts, ticket?.inboxId ?? null)
  const read = readCommands(block, readingOf(facts, { agent, ticket: ticket?.id ?? null, inbox }, given.now))
  const plan = { ...given.plan, author: authorOf(given.plan, agent), commands: read.commands }
  const wait = (stop: Stop) => refuse({ ...given, plan }, agent, stop)
  // `#send` for a mail whose commands are wrong: its text as it is, and none of them
  const asIs = read.problems.length > 0 && isSent(arrival)
  if (read.problems.length > 0 && !asIs) return wait(wrong(read.problems))
  if (!asIs && read.strong && !read.dry && !arrival.confirmed?.by.includes('challenge'))
    return wait({ kind: 'challenge', code: 'challenge', words: 'what it commands needs a confirmation of its own' })
  const text = asIs ? visible : block.text
  if (!asIs && read.releases && text === '' && read.macros.length === 0) {
    const { sendable } = facts.agents!
    if (sendable && read.acts.length === 1) return releasing(plan, agent, { ...sendable, by: 'send' })
    return wait(wrong([lineProblem('needs_text', block.given[0]?.source ?? '')]))
  }
  const words = text === '' && read.acts.length === 0 ? filenames(mail) : text
  if (words === '' && read.acts.length === 0)
    return wait({ kind: 'notice', code: 'command_error', words: 'there is nothing in it' })
  const audience = (asIs ? null : read.audience) ?? whose.audience
  const posts = asIs || read.acts.length === 0 || read.text !== '' || read.macros.length > 0
  const leaves = (audience === 'public' && posts) || read.acts.some((one) => one.command === 'ask')
  const stopped = leaves && !read.dry ? stop({ arrival, facts }, { text: words, audience }) : null
  if (stopped) return wait(stopped)
  const opens = !asIs && read.opens
  const action: Extract<Action, { action: 'agent' }> = {
    action: 'agent',
    ticket: ticket?.id ?? null,
    audience,
    agent: agent.address,
    shown: whose.token?.comment ?? null,
    text: leaves ? withoutPrivate(words, facts.desk, inbox) : words,
    given: asIs ? [] : block.given,
    mode: read.dry && !asIs ? 'dry' : 'do',
  }
  return {
    ...plan,
    noAck: true,
    state: action.mode === 'dry' ? 'recorded' : opens ? 'ticketed' : posts ? 'commented' : 'recorded',
    thread: { ...plan.thread, ticket: ticket?.id ?? null },
    actions: [action],
    reasons: [...plan.reasons, why(action, read)],
  }
}

/** The answer to a timesheet, whose lines may stand in its quotation. */
function corrections({ plan }: Case, agent: Agent, sheet: SheetLine[]): Plan {
  const none = { ticket: null, shown: null, text: '', given: [] }
  const action = { action: 'agent' as const, ...none, audience: 'internal' as const, agent: agent.address, sheet }
  return {
    ...plan,
    author: authorOf(plan, agent),
    noAck: true,
    state: 'recorded',
    actions: [{ ...action, mode: 'do' }],
    reasons: [...plan.reasons, reason('commands', `${agent.address} answers a timesheet with ${sheet.length} lines`)],
  }
}

const wrong = (problems: LineProblem[]): Stop => ({
  kind: 'send',
  code: 'command_error',
  words: `line ${problems[0]!.line} is no command that can be carried out: ${problems[0]!.source.slice(0, 100)}`,
  problems,
})

const lineProblem = (key: 'needs_text', source: string): LineProblem => ({ ...problem(key).problem, line: 1, source })

/** A mail of files alone says which. */
const filenames = (mail: IncomingMail): string =>
  mail.parts
    .filter((part) => !part.inline && !part.original)
    .map((part) => part.filename)
    .join('\n')

function why({ agent, audience, given, mode, text }: Extract<Action, { action: 'agent' }>, read: Readout) {
  const names = given.length > 0 ? read.commands.map((one) => `#${one.command}`).join(' ') : ''
  if (mode === 'dry') return reason('commands', `${agent} asks what ${names} would do`)
  if (names && (text === '' || read.text === '')) return reason('commands', `${agent}: ${names}`)
  const said = audience === 'public' ? 'answers by mail' : 'writes a note by mail'
  return reason('agent', `${agent} ${said}${names && `, with ${names}`}`)
}

/** Why a public answer waits: it knows less than the ticket (collision), or says more than customers may read. */
function stop(
  { arrival, facts }: { arrival: Arrival; facts: Facts },
  { text, audience }: { text: string; audience: 'public' | 'internal' | 'private' },
): Stop | null {
  const { newer, internal } = facts.agents!
  const leak = leakIn(text, internal)
  const sent = isSent(arrival)
  if (leak && (leak.sure || (audience === 'public' && !sent)))
    return { kind: leak.sure ? 'notice' : 'send', code: 'note_leak', words: leak.words }
  if (audience !== 'public' || newer.length === 0 || sent) return null
  const last = newer.at(-1)!
  return { kind: 'send', code: 'collision', words: `${last.name} wrote after what was answered` }
}
