/**
 * The values of commands' arguments (COMMANDS E2): people, teams, tickets, addresses and lengths of time.
 * Pure readers: what nobody can be sure of is a problem, never a guess. Times are in when.ts.
 */

import { toAddress } from '../desk/values.ts'
import type { Agent, Desk, Team } from '../desk.ts'
import { type Problem, problem, type Reading } from './command.ts'
import type { Arg } from './grammar.ts'
import { nearest } from './nearest.ts'

export type Found<T> = { ok: T; problem?: undefined } | { problem: Problem; ok?: undefined }

/** The text of an argument as a person would say it: `+2d` and `team:support` as they were written. */
export function textOf(arg: Arg): string {
  if (arg.kind === 'pair') return `${arg.key}:${arg.value}`
  return arg.kind === 'list' ? arg.op + arg.text : arg.text
}

/** One of some words: written in full, or as a beginning that only one of them has. */
export function oneOf<T extends string>(arg: Arg, allowed: readonly T[]): Found<T> {
  const given = textOf(arg).toLowerCase()
  const exact = allowed.find((one) => one.toLowerCase() === given)
  if (exact !== undefined) return { ok: exact }
  const begun = allowed.filter((one) => one.toLowerCase().startsWith(given))
  if (begun.length === 1) return { ok: begun[0]! }
  const more = { column: arg.column, nearest: nearest(given, allowed).slice(0, 3), allowed: [...allowed] }
  return begun.length > 1
    ? problem('ambiguous', { value: given, found: begun.join(', ') }, more)
    : problem('not_one_of', { value: given }, more)
}

/** `me`, an address, or what only one agent's address or name begins with. */
export function agentOf(arg: Arg, on: Reading): Found<Agent> {
  const given = textOf(arg).toLowerCase()
  if (given === 'me' && on.who.kind === 'agent') return { ok: on.who.agent }
  const agents = [...on.desk.agents.values()]
  const exact = agents.filter((agent) => handlesOf(agent).includes(given))
  const found =
    exact.length > 0 ? exact : agents.filter((agent) => handlesOf(agent).some((one) => one.startsWith(given)))
  if (found.length === 1) return { ok: found[0]! }
  const all = agents.map((agent) => localOf(agent.address))
  const more = { column: arg.column, nearest: nearest(given, agents.flatMap(handlesOf)).slice(0, 3), allowed: all }
  return found.length > 1
    ? problem('ambiguous', { value: given, found: found.map((agent) => agent.address).join(', ') }, more)
    : problem('unknown_agent', { value: given }, more)
}

const localOf = (address: string) => address.slice(0, address.lastIndexOf('@'))

function handlesOf(agent: Agent): string[] {
  const name = agent.name.toLowerCase()
  return [agent.address.toLowerCase(), localOf(agent.address).toLowerCase(), name, ...name.split(' ')].filter(Boolean)
}

/** A team by its key or name, or by what only one begins with. */
export function teamOf(arg: { text: string; column: number }, desk: Desk): Found<Team> {
  const given = arg.text.toLowerCase()
  const teams = [...desk.teams.values()]
  const handles = (team: Team) => [team.key, team.name.toLowerCase()]
  const exact = teams.filter((team) => handles(team).includes(given))
  const found = exact.length > 0 ? exact : teams.filter((team) => handles(team).some((one) => one.startsWith(given)))
  if (found.length === 1) return { ok: found[0]! }
  const keys = teams.map((team) => team.key)
  const more = { column: arg.column, nearest: nearest(given, keys).slice(0, 3), allowed: keys }
  return found.length > 1
    ? problem('ambiguous', { value: given, found: found.map((team) => team.key).join(', ') }, more)
    : problem('unknown_team', { value: given }, more)
}

/** A ticket's number, with or without `#`. */
export function ticketOf(arg: Arg): Found<number> {
  const match = /^#?(\d{1,12})[,;]?$/.exec(textOf(arg))
  return match ? { ok: Number(match[1]) } : problem('no_ticket_number', { value: textOf(arg) }, { column: arg.column })
}

/** A mail address, lower case with its domain as A-label. */
export function addressOf(text: string, column: number): Found<string> {
  const address = toAddress(text.replace(/^mailto:/i, '').trim())
  return address === null ? problem('no_address', { value: text }, { column }) : { ok: address }
}

/** `1h30m`, `90m`, `1:30`, `1.5h`, `1,5h` as seconds. */
export function durationOf(arg: Arg): Found<number> {
  const text = textOf(arg).toLowerCase()
  const clock = /^(\d{1,3}):([0-5]\d)$/.exec(text)
  if (clock) return { ok: Number(clock[1]) * 3600 + Number(clock[2]) * 60 }
  const parts = /^(?:(\d{1,3}(?:[.,]\d{1,3})?)h)?(?:(\d{1,5})m(?:in)?)?$/.exec(text)
  if (!parts || text === '') return problem('no_duration', { value: text }, { column: arg.column })
  const hours = Number((parts[1] ?? '0').replace(',', '.'))
  return { ok: Math.round(hours * 3600) + Number(parts[2] ?? 0) * 60 }
}
