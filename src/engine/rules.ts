/**
 * Rules: what the desk file says about a mail that opens a ticket. Compiled once, pure, and always with the reason: each
 * rule says which of its conditions it looked at and what it saw. rules/ holds the language and the rules' own tests.
 */
import type { z } from 'zod'
import type { Fault, Path } from '../yaml.ts'
import { type Action, type ActionNames, type actionsSchema, compileActions } from './rules/actions.ts'
import { type Condition, compileCondition, type Known, type Reason, type RuleFacts } from './rules/conditions.ts'
import { correlationKey } from './rules/correlate.ts'
import type { Priority, Status } from './tables.ts'

export type { RuleFacts } from './rules/conditions.ts'

export type Rule = { readonly name: string; readonly when: Condition; readonly actions: readonly Action[] }

export type Verdict = { matched: boolean; why: Reason[] }

/** What a ticket gets before any rule has spoken; `project` is the inbox's. */
export type RouteDefaults = { project: string; type?: string; priority?: Priority; ack?: string }

export type Route = {
  project: string
  team: string | null
  assignee: string | null
  priority: Priority
  /** The last rule that set it; null: it is the default, and unassessed (FEATURES 3.11). */
  priorityRule: string | null
  type: string
  product: string | null
  tags: string[]
  status: Status
  /** The template of the acknowledgement; null: a rule says none. */
  ack: string | null
  ackRule: string | null
  hold: { reason: 'rule'; words: string } | null
  /** Under which key it meets other mails of one matter (4a.19); null: no rule says. */
  matter: string | null
  /** Internal notes, in order. */
  notes: string[]
  /** The first rule that set the project; null: the inbox did. */
  rule: string | null
  trace: { rule: string; matched: boolean; why: Reason[] }[]
}

/** As much of the desk as routing needs. */
export type RoutingDesk = {
  readonly rules: readonly Rule[]
  readonly projects: ReadonlyMap<string, { readonly team: string | null }>
  /** The first type is that of a new ticket. */
  readonly settings?: { readonly types: readonly string[] }
}

/** Compiles one rule of the desk file; faults are added to `faults` with paths below `path`. */
export function compileRule(
  source: { name: string; when?: unknown; then?: z.output<typeof actionsSchema> },
  path: Path,
  known: Known & { actions: ActionNames },
  faults: Fault[],
): Rule {
  return {
    name: source.name,
    when: source.when === undefined ? always : compileCondition(source.when, [...path, 'when'], known, faults),
    actions: compileActions(source.then ?? [], [...path, 'then'], known.actions, faults),
  }
}

/** Whether a rule holds, and every condition it looked at with the value seen (80 characters of it). */
export function evaluate(rule: Rule, facts: RuleFacts, now: Date): Verdict {
  const why: Reason[] = []
  return { matched: rule.when(facts, now, why), why }
}

/**
 * Where a new ticket goes. Rules act in order; a later action overrides an earlier one of the same field, tags and
 * notes add up, `stop` ends. Later rules see what earlier ones have set (project, type, product, priority, status, tags). Without
 * a rule the inbox chooses the project, and the project the team.
 */
export function route(desk: RoutingDesk, facts: RuleFacts, defaults: RouteDefaults, now: Date): Route {
  const result: Route = {
    project: defaults.project,
    team: null,
    assignee: null,
    priority: defaults.priority ?? 'normal',
    priorityRule: null,
    type: defaults.type ?? desk.settings?.types[0] ?? 'question',
    product: null,
    tags: [],
    status: 'new',
    ack: defaults.ack ?? 'ack',
    ackRule: null,
    hold: null,
    matter: null,
    notes: [],
    rule: null,
    trace: [],
  }
  const withResult = (): RuleFacts => {
    const { project, type, product, priority, status, tags } = result
    return { ...facts, project, type, product, priority, unassessed: result.priorityRule === null, status, tags }
  }
  let seen = withResult()
  for (const rule of desk.rules) {
    const { matched, why } = evaluate(rule, seen, now)
    result.trace.push({ rule: rule.name, matched, why })
    if (!matched) continue
    if (act(result, rule, facts) === 'stop') break
    seen = withResult()
  }
  result.team ??= desk.projects.get(result.project)?.team ?? null
  return result
}

const always: Condition = (_facts, _now, why) => {
  why.push({ field: 'when', test: 'is absent', holds: true, seen: 'it always holds' })
  return true
}

function act(result: Route, rule: Rule, facts: RuleFacts): 'stop' | 'go' {
  for (const action of rule.actions) {
    if (action.do === 'stop') return 'stop'
    else if (action.do === 'tags') result.tags = [...new Set([...result.tags, ...action.value])]
    else if (action.do === 'note') result.notes.push(action.value)
    else if (action.do === 'correlate')
      result.matter =
        correlationKey(action.pattern, { from: facts.from_address, subject: facts.subject }) ?? result.matter
    else if (action.do === 'hold') result.hold = { reason: 'rule', words: `rule "${rule.name}": ${action.value}` }
    else if (action.do === 'ack') {
      result.ack = action.value
      result.ackRule = rule.name
    } else {
      if (action.do === 'project') result.rule ??= rule.name
      if (action.do === 'priority') result.priorityRule = rule.name
      Object.assign(result, { [action.do]: action.value })
    }
  }
  return 'go'
}
