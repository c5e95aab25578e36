/** What commands share when they act: their ticket, their agent, and changes of a ticket's fields that can be taken back. */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import type { Agent } from '../desk.ts'
import { observed } from '../tickets/take-back.ts'
import type { Worker } from '../time-entries/rows.ts'
import type { Act, Acting, Phrase, Problem } from './command.ts'
import { problem } from './command.ts'
import type { Arg } from './grammar.ts'
import { type Name, SPECS } from './names.ts'
import { textOf } from './values.ts'

/** What a change of a ticket's fields says of itself, if more than the fields. */
export type Told = Phrase & { inverse?: Record<string, unknown> }

/** @throws Refusal `no_ticket` where the mail names none */
export function ticketOn(on: Acting): number {
  if (on.ticketId === null) throw new Refusal('no_ticket', 'This command needs a ticket, and this mail names none.')
  return on.ticketId
}

/** @throws Refusal `not_an_agent` */
export function agentOn(on: Acting): Agent {
  if (on.who.kind !== 'agent') throw new Refusal('not_an_agent', 'This command is for agents.')
  return on.who.agent
}

/** Where nobody says why: how it was said. */
export const wayOf = ({ channel }: Acting): string => (channel === 'mail' ? 'by mail' : 'on the web')

/** An agent as timesheets know them; their days are those of their own zone. */
export function workerOn(on: Acting): Worker {
  const { id, name, address, admin } = agentOn(on)
  return { id, name, address, admin, zone: on.zone }
}

/** An act on the ticket's fields: whatever it changes of them is taken back by `take_back`. */
export const changing =
  (change: (tx: Tx, on: Acting & { ticketId: number }, now: Date) => Promise<Told>): Act =>
  async (tx, on, now) => {
    const ticketId = ticketOn(on)
    let told: Told = { key: 'nothing_changed', data: {} }
    const changed = await observed(tx, ticketId, async () => {
      told = await change(tx, { ...on, ticketId }, now)
    })
    const { key, data, inverse } = told
    if (!changed && !inverse) return { key, data, inverse: null }
    return { key, data, inverse: { verb: 'take_back', args: { ticketId, changed, ...inverse } } }
  }

export const usageOf = (name: Name): string => {
  const { usage } = SPECS.find((spec) => spec.name === name)!
  return usage ? `${name} ${usage}` : name
}

/** The first argument that nothing was made of, as a problem; null: all have their meaning. */
export function unexpected(name: Name, args: Arg[]): { problem: Problem } | null {
  const [first] = args
  return first ? problem('unexpected', { value: textOf(first), usage: usageOf(name) }, { column: first.column }) : null
}

export const missing = (name: Name): { problem: Problem } => problem('missing', { usage: usageOf(name) })

/** What stands in a line as a pair, by its key; and the rest. */
export function pairsOf(args: Arg[], keys: readonly string[]) {
  const isPair = (arg: Arg): arg is Extract<Arg, { kind: 'pair' }> => arg.kind === 'pair' && keys.includes(arg.key)
  const pairs = new Map(args.filter(isPair).map((arg) => [arg.key, arg]))
  return { pairs, rest: args.filter((arg) => !isPair(arg)) }
}

/** A pair's value and what follows it on the line, as arguments of their own: `until:fri 17:00`. */
export function afterPair(args: Arg[], key: string): { before: Arg[]; value: Arg[] | null } {
  const at = args.findIndex((arg) => arg.kind === 'pair' && arg.key === key)
  if (at < 0) return { before: args, value: null }
  const pair = args[at] as Extract<Arg, { kind: 'pair' }>
  const column = pair.column + key.length + 1
  const own: Arg[] = pair.value === '' ? [] : [{ kind: 'word', text: pair.value, column }]
  return { before: args.slice(0, at), value: [...own, ...args.slice(at + 1)] }
}
