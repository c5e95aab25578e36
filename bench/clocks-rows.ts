/**
 * A large desk made by SQL, for queues and clocks alone: a million tickets, two clocks each, two of five open. Due dates
 * come from the engine's own working time, a few thousand moments of them, so that an open ticket whose calendar is
 * edited can be replayed from its events like any other. It knows the tables as they are and goes round every verb.
 */
import type { Sql } from '../src/database.ts'
import { addWorkingTime, type Calendar } from '../src/engine/business-hours.ts'
import type { Desk } from '../src/engine/desk.ts'
import { seconds } from '../src/time.ts'

const HOUR = 3600
const TEAMS = 5
const AGENTS = 5
const PROJECTS = 6
/** Of the tickets of this share all clocks are open and under the calendar that is edited. */
const EDITED = 20
const MOMENTS = 5000

/** Long promises, so that nothing falls due while the bench runs; urgent ones are long broken. */
const FIRST = 400 * HOUR
const SOLUTION = 800 * HOUR

/** `office` is the text of the calendar that is edited. */
export function clocksDesk(office: string): string {
  const numbers = (count: number) => Array.from({ length: count }, (_, n) => n + 1)
  const targets = `normal: {first_response: ${FIRST / HOUR}h, resolution: ${SOLUTION / HOUR}h}, urgent: {first_response: 1h, resolution: 2h}`
  const reminders = '[{key: soon, percent: 75, then: [{notify: assignee}]}]'
  const members = (team: number) => (team <= 3 ? '[wide@desk.example]' : '[]')
  return `inboxes:
  - {key: support, address: support@desk.example, name: Desk Support, project: p1, locale: en, zone: Europe/Berlin}
agents:
  - {address: ada@desk.example, name: Ada, admin: true}
  - {address: wide@desk.example, name: Wide}
${numbers(AGENTS)
  .map((n) => `  - {address: agent${n}@desk.example, name: Agent ${n}}`)
  .join('\n')}
teams:
${numbers(TEAMS)
  .map(
    (n) =>
      `  - {key: team${n}, name: Team ${n}, members: ${n === 1 ? '[ada@desk.example, wide@desk.example]' : members(n)}}`,
  )
  .join('\n')}
calendars:
  - {key: office, tz: Europe/Berlin, weekly: {${office}}}
  - {key: shifts, tz: Europe/Warsaw, weekly: {mon-sat: ["06:00-22:00"]}}
policies:
  - {key: edited, calendar: office, targets: {${targets}}, reminders: ${reminders}}
  - {key: steady, calendar: shifts, targets: {${targets}}, reminders: ${reminders}}
projects:
${numbers(PROJECTS)
  .map((n) => `  - {key: p${n}, team: team1}`)
  .join('\n')}
settings: {policy: steady, calendar: shifts}
`
}

/** Tickets from one number to another, with what belongs to them; `to - from` at a time, the indexes as shipped. */
export async function fillClocks(sql: Sql, desk: Desk, range: { from: number; to: number }, now: Date): Promise<void> {
  await sql.unsafe('drop table if exists moments')
  await sql.unsafe(`create table moments (policy text, n int, at timestamptz, first timestamptz, first_warn timestamptz,
    solution timestamptz, solution_warn timestamptz, primary key (policy, n))`)
  for (const [policy, calendar] of [
    ['edited', 'office'],
    ['steady', 'shifts'],
  ] as const) {
    const rows = momentsOf(desk.calendars.get(calendar)!.calendar, now)
    await sql`
      insert into moments select ${policy}, r.* from json_to_recordset(${JSON.stringify(rows)}::text::json)
        as r(n int, at timestamptz, first timestamptz, first_warn timestamptz, solution timestamptz, solution_warn timestamptz)`
  }
  const ids = await idsOf(sql, desk)
  await sql.begin(async (tx) => {
    // As a replica: the rows are right by their making, and a million foreign keys need not be looked up for it.
    await tx.unsafe('set local session_replication_role = replica')
    for (const [name, text] of Object.entries(STATEMENTS)) {
      const whole = Object.entries({ ...ids, ...range }).reduce(
        (all, [key, id]) => all.replaceAll(`:${key}`, String(id)),
        text,
      )
      await tx.unsafe(whole).catch((error: Error) => {
        throw new Error(`${name}: ${error.message}`)
      })
    }
  })
  for (const table of ['tickets', 'sla_clocks'])
    await sql.unsafe(`select setval(pg_get_serial_sequence('${table}', 'id'), (select max(id) from ${table}))`)
  await sql.unsafe('vacuum analyze')
}

/** Beginnings of the last days, and what a ticket that began then is promised. */
function momentsOf(calendar: Calendar, now: Date): object[] {
  const iso = (at: number) => new Date(at * 1000).toISOString()
  return Array.from({ length: MOMENTS }, (_, n) => {
    const at = seconds(now) - 60 - n * 97
    const after = (length: number) => iso(addWorkingTime(calendar, at, length)!)
    return {
      n,
      at: iso(at),
      first: after(FIRST),
      first_warn: after(FIRST * 0.75),
      solution: after(SOLUTION),
      solution_warn: after(SOLUTION * 0.75),
    }
  })
}

async function idsOf(sql: Sql, desk: Desk): Promise<Record<string, number>> {
  const [row] = await sql`
    select (select min(id) from teams) as team, (select min(id) from projects) as project,
      (select min(id) from inboxes) as inbox`
  return {
    first_team: row!.team,
    first_project: row!.project,
    inbox: row!.inbox,
    // of those that tickets are given to; ada is one of them
    first_agent: desk.agents.get('ada@desk.example')!.id,
    edited_policy: desk.policies.get('edited')!.id,
    steady_policy: desk.policies.get('steady')!.id,
    office: desk.calendars.get('office')!.id,
    shifts: desk.calendars.get('shifts')!.id,
  }
}

/**
 * Tickets by their numbers: whose they are is scattered, so that no queue's tickets lie together on disk. `kind`:
 * `edited`, `open`, `late` (both promises broken), `waiting` (answered, the solution paused), `resolved`, `closed`.
 */
const KINDS = `
  select n, n::bigint * 2654435761 % 4294967291 as s, case
      when n % ${EDITED} = 0 then 'edited' when n % 25 = 1 then 'late' when n % 25 = 6 then 'waiting'
      when n % 5 < 2 then 'open' when n % 50 = 3 then 'resolved' else 'closed' end as kind
  from generate_series(:from, :to) n`

const STATEMENTS: Record<string, string> = {
  made: `
    create temp table made on commit drop as
    select kinds.n, kind, :first_team + s % ${TEAMS} as team, :first_project + s / ${TEAMS * (AGENTS + 1)} % ${PROJECTS} as project,
      nullif(:first_agent + s / ${TEAMS} % ${AGENTS + 1}, :first_agent + ${AGENTS}) as agent,
      case when kind = 'edited' then :edited_policy else :steady_policy end as policy_id,
      case when kind = 'edited' then :office else :shifts end as calendar_id,
      case when kind = 'late' then m.at - interval '30 days' else m.at end as began,
      case when kind = 'late' then ${HOUR} else ${FIRST} end as target1,
      case when kind = 'late' then ${2 * HOUR} else ${SOLUTION} end as target2,
      case when kind = 'late' then m.at - interval '30 days' + interval '1 hour' else m.first end as due1,
      case when kind = 'late' then m.at - interval '30 days' + interval '2 hours' else m.solution end as due2,
      m.first_warn as warn1, m.solution_warn as warn2,
      kind in ('edited', 'open') as runs, kind = 'late' as late, kind in ('resolved', 'closed') as done
    from (${KINDS}) kinds
    join moments m on m.policy = case when kind = 'edited' then 'edited' else 'steady' end and m.n = s % ${MOMENTS}`,
  tickets: `
    insert into tickets (id, subject, base_subject, status, priority, inbox_id, project_id, team_id, assignee_id,
      requester_address, requester_name, policy_id, policy_source, calendar_id, created_at, updated_at, answered_at,
      first_response_at, resolved_at, closed_at, next_due_at)
    overriding system value
    select n, 'The printer on our second floor has stopped again, ' || n, 'the printer ' || n,
      case kind when 'waiting' then 'waiting_customer' when 'resolved' then kind when 'closed' then kind else 'new' end,
      case when late then 'urgent' else 'normal' end, :inbox, project, team, agent, 'person' || n % 50000 || '@client.example',
      'Person ' || n % 50000, policy_id, 'default', calendar_id, began, began, case when not (runs or late) then began end,
      case when not (runs or late) then began end, case when done then began + interval '1 hour' end,
      case when kind = 'closed' then began + interval '1 hour' end, case when runs or late then due1 end
    from made`,
  first_responses: `
    insert into sla_clocks (id, ticket_id, metric, state, policy_id, calendar_id, target_s, started_at, running_since,
      due_at, last_due_at, stopped_at, stop_reason, breached_at, next_warn_at, next_warn_id, fired)
    overriding system value
    select 2 * n - 1, n, 'first_response', case when runs or late then 'running' else 'stopped' end, policy_id, calendar_id,
      target1, began, case when runs or late then began end, case when runs or late then due1 end,
      case when not (runs or late) then due1 end, case when not (runs or late) then began end,
      case when not (runs or late) then 'reply' end, case when late then due1 end, case when runs then warn1 end,
      case when runs then 'soon' end, case when late then array['soon'] else '{}' end
    from made`,
  resolutions: `
    insert into sla_clocks (id, ticket_id, metric, state, policy_id, calendar_id, target_s, started_at, running_since,
      due_at, last_due_at, stopped_at, stop_reason, breached_at, next_warn_at, next_warn_id, fired)
    overriding system value
    select 2 * n, n, 'resolution', case when runs or late then 'running' when done then 'stopped' else 'paused' end, policy_id,
      calendar_id, target2, began, case when runs or late then began end, case when runs or late then due2 end,
      case when not (runs or late) then due2 end, case when done then began + interval '1 hour' end,
      case when done then 'resolved' end, case when late then due2 end, case when runs then warn2 end,
      case when runs then 'soon' end, case when late then array['soon'] else '{}' end
    from made`,
  sla_breaches: `
    insert into sla_breaches (clock_id, ticket_id, metric, cycle, at, target_s, assignee_id, ticket_team_id)
    select c.id, c.ticket_id, c.metric, 1, c.breached_at, c.target_s, made.agent, made.team
    from made join sla_clocks c on c.ticket_id = made.n and c.breached_at is not null`,
  sla_fired: `
    insert into sla_fired (clock_id, reminder, generation, at, policy_id, acted_at)
    select c.id, 'soon', 0, c.breached_at, c.policy_id, c.breached_at
    from made join sla_clocks c on c.ticket_id = made.n and c.breached_at is not null`,
  events: `
    insert into events (ticket_id, seq, at, type, actor, actor_name, data)
    select n, 1, began, 'created', 'contact', 'Person ' || n % 50000, jsonb_build_object('origin', 'customer',
      'status', 'new', 'priority', case when late then 'urgent' else 'normal' end, 'team', team, 'assignee', agent,
      'policy_id', policy_id, 'calendar_id', calendar_id, 'team_calendar_id', null)
    from made`,
}
