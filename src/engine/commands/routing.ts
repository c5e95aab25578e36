/** Commands about where a ticket belongs, what it is, and when: assign to snooze. */
import type { Agent, Desk, Project } from '../desk.ts'
import { setField, setProduct, setType } from '../tickets/describe.ts'
import { setDue } from '../tickets/due.ts'
import { setTeam } from '../tickets/hand-over.ts'
import { mayOverride, pinPolicy, unpinPolicy } from '../tickets/policy.ts'
import { snooze } from '../tickets/wait.ts'
import { assign, move, prioritise, tag } from '../tickets.ts'
import { agentOn, changing, missing, type Told, ticketOn, unexpected, wayOf } from './acting.ts'
import { type Act, type Answer, type Problem, problem, type Read, type Reading } from './command.ts'
import type { Arg } from './grammar.ts'
import type { Name } from './names.ts'
import { momentText } from './said.ts'
import { agentOf, type Found, oneOf, teamOf, textOf } from './values.ts'
import { timeOf } from './when.ts'

export const assignTo: Read = (args, on) => {
  const [first, ...rest] = args
  if (!first) return missing('assign')
  if (first.kind === 'pair' && first.key === 'team') {
    const team = teamOf({ text: first.value, column: first.column + 5 }, on.desk)
    if (team.problem) return team
    return unexpected('assign', rest) ?? { ok: teamAct(team.ok.key, 'drop') }
  }
  if (textOf(first).toLowerCase() === 'none') return unexpected('assign', rest) ?? { ok: unassigned }
  const [agent, others] = agentOfWords(args, on)
  if (agent.problem) return agent
  const { id, name, address } = agent.ok
  return unexpected('assign', others) ?? { ok: assigned(() => ({ id, called: name || address })) }
}

/** A name of several words is tried whole before its first word alone. */
function agentOfWords(args: Arg[], on: Reading): [found: Found<Agent>, rest: Arg[]] {
  const whole = args.map((arg) => textOf(arg)).join(' ')
  if (args.length > 1 && args.every((arg) => arg.kind === 'word')) {
    const found = agentOf({ kind: 'word', text: whole, column: args[0]!.column }, on)
    if (!found.problem) return [found, []]
  }
  return [agentOf(args[0]!, on), args.slice(1)]
}

export const take: Read = (args) =>
  unexpected('take', args) ?? {
    ok: (tx, on, now) => {
      const { id, name, address } = agentOn(on)
      return assigned(() => ({ id, called: name || address }))(tx, on, now)
    },
  }

export const drop: Read = (args) => unexpected('drop', args) ?? { ok: (tx, on, now) => unassigned(tx, on, now) }

const assigned = (to: () => { id: number; called: string }): Act =>
  changing(async (tx, on, now) => {
    const { id, called } = to()
    await assign(tx, { ticketId: on.ticketId, agentId: id, actor: on.actor }, now)
    return { key: 'assigned', data: { to: called } }
  })

const unassigned: Act = changing(async (tx, on, now) => {
  await assign(tx, { ticketId: on.ticketId, agentId: null, actor: on.actor }, now)
  return { key: 'unassigned', data: {} }
})

const teamAct = (team: string | null, assignee: 'keep' | 'drop'): Act =>
  changing(async (tx, on, now): Promise<Told> => {
    await setTeam(tx, { ticketId: on.ticketId, team, actor: on.actor, tools: on.tools }, now)
    if (assignee === 'drop') await assign(tx, { ticketId: on.ticketId, agentId: null, actor: on.actor }, now)
    return team === null ? { key: 'team_none', data: {} } : { key: 'team_now', data: { to: team } }
  })

export const team: Read = (args, on) => {
  const [first, ...rest] = args
  if (!first) return missing('team')
  if (textOf(first).toLowerCase() === 'none') return unexpected('team', rest) ?? { ok: teamAct(null, 'keep') }
  const found = teamOf({ text: textOf(first).replace(/^team:/i, ''), column: first.column }, on.desk)
  if (found.problem) return found
  return unexpected('team', rest) ?? { ok: teamAct(found.ok.key, 'keep') }
}

export const project: Read = (args, on) => {
  const [first, ...rest] = args
  if (!first) return missing('project')
  const found = projectOf(first, on.desk)
  if (found.problem) return found
  const { id, key } = found.ok
  return (
    unexpected('project', rest) ?? {
      ok: changing(async (tx, acting, now) => {
        const { ticketId, actor, tools } = acting
        await move(tx, { ticketId, projectId: id, actor, tools }, now)
        return { key: 'moved', data: { to: key } }
      }),
    }
  )
}

/** By its key, by what only one begins with, or by what stands behind its customer's key where that is clear. */
export function projectOf(arg: Arg, desk: Desk): Found<Project> {
  const given = (arg.kind === 'pair' && arg.key === 'project' ? arg.value : textOf(arg)).toLowerCase()
  const keys = [...desk.projects.keys()]
  const behind = keys.filter((key) => key.split('/')[1] === given)
  const word = { kind: 'word' as const, text: !desk.projects.has(given) && behind.length === 1 ? behind[0]! : given }
  const key = oneOf({ ...word, column: arg.column }, keys)
  return key.problem ? key : { ok: desk.projects.get(key.ok)! }
}

export const priority: Read = (args, on) => {
  const [first, ...rest] = args
  if (!first) return missing('priority')
  const to = oneOf(first, on.desk.settings.priorities)
  if (to.problem) return to
  return (
    unexpected('priority', rest) ?? {
      ok: changing(async (tx, { ticketId, actor, tools }, now) => {
        await prioritise(tx, { ticketId, priority: to.ok, actor, tools }, now)
        return { key: 'priority_now', data: { to: to.ok } }
      }),
    }
  )
}

export const type: Read = (args, on) => {
  const [first, ...rest] = args
  if (!first) return missing('type')
  const to = oneOf(first, on.desk.settings.types)
  if (to.problem) return to
  return (
    unexpected('type', rest) ?? {
      ok: changing(async (tx, { ticketId, actor, tools }, now) => {
        await setType(tx, { ticketId, type: to.ok, actor, tools }, now)
        return { key: 'type_now', data: { to: to.ok } }
      }),
    }
  )
}

/** `+x`, `-y`, and `=z` for these and no others; a bare word is added. */
export const tags: Read = (args) => {
  if (args.length === 0) return missing('tag')
  const wrong = args.find((arg) => arg.kind === 'pair')
  if (wrong) return unexpected('tag', [wrong])!
  const of = (op: string) =>
    args.flatMap((arg) => (arg.kind === 'list' && arg.op === op ? [arg.text.toLowerCase()] : []))
  const add = [...of('+'), ...args.flatMap((arg) => (arg.kind === 'list' ? [] : [textOf(arg).toLowerCase()]))]
  const [set, remove] = [of('='), of('-')]
  return {
    ok: changing(async (tx, { ticketId, actor, tools }, now) => {
      const [row] = await tx<{ tags: string[] }[]>`select tags from tickets where id = ${ticketId} for update`
      const others = set.length > 0 ? (row?.tags ?? []).filter((one) => !set.includes(one)) : []
      const change = {
        ticketId,
        add: [...set, ...add],
        remove: [...others.filter((one) => !add.includes(one)), ...remove],
      }
      await tag(tx, { ...change, actor, tools }, now)
      const [is] = await tx<{ tags: string[] }[]>`select tags from tickets where id = ${ticketId}`
      const to = is!.tags.join(', ')
      return to ? { key: 'tags_now', data: { to } } : { key: 'tags_none', data: {} }
    }),
  }
}

export const sla: Read = (args, on) => {
  const [first, ...rest] = args
  if (!first) return missing('sla')
  if (on.who.kind !== 'agent' || !mayOverride(on.desk, on.who.agent)) return problem('not_yours', { name: 'sla' })
  const level = oneOf(first, [...on.desk.policies.keys(), 'none', 'auto'])
  if (level.problem) return level
  const [quoted, ...more] = rest
  if (quoted && quoted.kind !== 'quoted') return unexpected('sla', rest)!
  const reason = quoted ? textOf(quoted) : null
  return unexpected('sla', more) ?? { ok: slaAct(level.ok, reason) }
}

const slaAct =
  (level: string, said: string | null): Act =>
  async (tx, on, now) => {
    const ticketId = ticketOn(on)
    const { actor, tools } = on
    const reason = said ?? wayOf(on)
    const [was] = await tx<{ source: string | null; key: string | null }[]>`
      select t.policy_source as source, p.key from tickets t left join sla_policies p on p.id = t.policy_id
      where t.id = ${ticketId}`
    const before = was?.source === 'manual' ? { pinned: true, policy: was.key } : { pinned: false, policy: null }
    if (level === 'auto' && !before.pinned) return { key: 'sla_free', data: {}, inverse: null }
    if (level === 'auto') await unpinPolicy(tx, { ticketId, actor, tools, reason }, now)
    else await pinPolicy(tx, { ticketId, actor, tools, policy: level === 'none' ? null : level, reason }, now)
    const inverse = { verb: 'level_back', args: { ticketId, ...before } }
    if (level === 'auto') return { key: 'sla_free', data: {}, inverse }
    return level === 'none' ? { key: 'sla_none', data: {}, inverse } : { key: 'sla_now', data: { to: level }, inverse }
  }

export const due: Read = (args, on) => {
  const to = dateFrom('due', args, { on, hour: 17 })
  if ('problem' in to) return to as { problem: Problem }
  return {
    ok: changing(async (tx, acting, now) => {
      await setDue(tx, { ticketId: acting.ticketId, due: to.at, actor: acting.actor }, now)
      return to.at ? { key: 'due_now', data: { to: momentText(to.at, acting) } } : { key: 'due_none', data: {} }
    }),
  } satisfies Answer
}

export const snoozed: Read = (args, on) => {
  const to = dateFrom('snooze', args, { on, hour: 9 })
  if ('problem' in to) return to as { problem: Problem }
  return {
    ok: changing(async (tx, acting, now) => {
      await snooze(tx, { ticketId: acting.ticketId, until: to.at, actor: acting.actor }, now)
      return to.at ? { key: 'snoozed', data: { to: momentText(to.at, acting) } } : { key: 'snooze_none', data: {} }
    }),
  } satisfies Answer
}

function dateFrom(
  name: Name,
  args: Arg[],
  { on, hour }: { on: Reading; hour: number },
): { at: Date | null } | { problem: Problem } {
  const [first, ...rest] = args
  if (!first) return problem('when_missing')
  if (textOf(first).toLowerCase() === 'none') return unexpected(name, rest) ?? { at: null }
  const time = timeOf(args, on, hour)
  if (time.problem) return time
  if (time.ok.at <= on.now) return problem('past_time', {}, { column: first.column })
  return unexpected(name, args.slice(time.ok.used)) ?? { at: time.ok.at }
}

export const product: Read = (args, on) => {
  const [first, ...rest] = args
  if (!first) return missing('product')
  const to = oneOf(first, [...on.desk.products.keys(), 'none'])
  if (to.problem) return to
  const key = to.ok === 'none' ? null : to.ok
  return (
    unexpected('product', rest) ?? {
      ok: changing(async (tx, { ticketId, actor, tools }, now) => {
        await setProduct(tx, { ticketId, product: key, actor, tools }, now)
        return key === null ? { key: 'product_none', data: {} } : { key: 'product_now', data: { to: key } }
      }),
    }
  )
}

/** `name:value`, any number of them; `name:` and nothing takes the value away. */
export const field: Read = (args, on) => {
  if (args.length === 0) return missing('field')
  const wanted: { field: string; value: string | null }[] = []
  for (const arg of args) {
    if (arg.kind !== 'pair') return unexpected('field', [arg])!
    const key = oneOf({ kind: 'word', text: arg.key, column: arg.column }, [...on.desk.fields.keys()])
    if (key.problem) return key
    const { values } = on.desk.fields.get(key.ok)!
    const column = arg.column + arg.key.length + 1
    const value = values && arg.value ? oneOf({ kind: 'word', text: arg.value, column }, values) : { ok: arg.value }
    if (value.problem) return value
    wanted.push({ field: key.ok, value: value.ok || null })
  }
  return {
    ok: changing(async (tx, { ticketId, actor, tools }, now) => {
      for (const one of wanted) await setField(tx, { ticketId, ...one, actor, tools }, now)
      return { key: 'field_now', data: { to: wanted.map((one) => `${one.field}: ${one.value ?? '-'}`).join(', ') } }
    }),
  }
}
