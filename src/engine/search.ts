/**
 * Finding tickets: the query language of the command line and the queues (CLI, Query), and the list it gives. Words are
 * parameters of fixed SQL, never part of it.
 */
import type { Queryable } from '../database.ts'
import { Refusal } from '../errors.ts'
import { after, parseDuration, SECOND } from '../time.ts'
import { UNASSESSED } from './rules/conditions.ts'
import type { Priority, Status } from './tables.ts'

export type Term = { key: string; value: string; negated: boolean }

export type TicketLine = {
  number: number
  subject: string
  status: Status
  priority: Priority
  /** Since when somebody vouches for the priority; null: it is the default, unassessed. */
  assessed_at: Date | null
  project: string
  team: string | null
  assignee: string | null
  requester: { name: string; address: string | null }
  created_at: Date
  /** What is promised next. */
  next_due_at: Date | null
  /** Set by hand. */
  due_at: Date | null
}

/** Every key of a query; `words` are those without one, `#12` is `number`. */
export const QUERY_KEYS = [
  'status', 'org', 'project', 'team', 'assignee', 'requester', 'tag', 'priority', 'type', 'product', 'due', 'created',
] as const // biome-ignore format: a list to be read

/**
 * Words and `"phrases"`, `#12`, `key:value`, each negated by `-` in front. Pure.
 * @throws Refusal `bad_query` naming the unknown key
 */
export function parseQuery(query: string): Term[] {
  const terms: Term[] = []
  for (const [, minus, key, quoted, plain] of query.matchAll(/(-?)(?:([a-z]+):)?(?:"([^"]*)"|(\S+))/g)) {
    const value = quoted ?? plain ?? ''
    const negated = minus === '-'
    if (key && !(QUERY_KEYS as readonly string[]).includes(key))
      throw new Refusal('bad_query', `"${key}:" is no key of a query. Keys are ${QUERY_KEYS.join(', ')}.`)
    const number = !key && /^#(\d{1,15})$/.exec(value)
    if (number) terms.push({ key: 'number', value: number[1]!, negated })
    else if (value) terms.push({ key: key ?? 'words', value, negated })
  }
  return terms
}

/**
 * Tickets that match all terms, newest first; deleted and spam ones are never listed.
 * @throws Refusal `bad_query`
 */
export async function findTickets(
  sql: Queryable,
  search: { query: string; limit: number | null },
  now: Date,
): Promise<TicketLine[]> {
  const conditions = parseQuery(search.query).map((term) => {
    const condition = conditionOf(sql, term, now)
    return term.negated ? sql`and not coalesce((${condition}), false)` : sql`and (${condition})`
  })
  const rows = await sql`
    select t.id as number, t.subject, t.status, t.priority, t.assessed_at, p.key as project, tm.key as team, a.address as assignee,
           t.requester_name, t.requester_address, t.created_at, t.next_due_at, t.due_at
    from tickets t
    join projects p on p.id = t.project_id
    left join teams tm on tm.id = t.team_id
    left join agents a on a.id = t.assignee_id
    left join organizations o on o.id = t.organization_id
    where t.deleted_at is null and t.spam_at is null ${conditions.length ? conditions : sql``}
    order by t.id desc limit ${search.limit}`
  return rows.map(({ requester_name: name, requester_address: address, ...row }) => ({
    ...(row as Omit<TicketLine, 'requester'>),
    requester: { name, address },
  }))
}

function conditionOf(sql: Queryable, { key, value }: Term, now: Date) {
  const like = `%${value.replace(/[\\%_]/g, '\\$&')}%`
  switch (key) {
    case 'number':
      return sql`t.id = ${Number(value)}`
    case 'status':
      return value === 'open' ? sql`t.status in ('new', 'open')` : sql`t.status = ${value}`
    case 'org':
      return sql`o.key = ${value} or o.name ilike ${value}`
    case 'project':
      return sql`p.key = ${value}`
    case 'team':
      return sql`tm.key = ${value}`
    case 'assignee':
      return value === 'none'
        ? sql`t.assignee_id is null`
        : sql`a.address = ${value.toLowerCase()} or a.name ilike ${value}`
    case 'requester':
      return sql`t.requester_address ilike ${like} or t.requester_name ilike ${like}`
    case 'tag':
      return sql`t.tags @> array[${value.toLowerCase()}]`
    case 'priority':
      return value === UNASSESSED ? sql`t.assessed_at is null` : sql`t.priority = ${value}`
    case 'type':
      return sql`t.type = ${value}`
    case 'product':
      return value === 'none' ? sql`t.product is null` : sql`t.product = ${value.toLowerCase()}`
    case 'due':
      return compare(sql, { column: sql`least(t.next_due_at, t.due_at)`, value, direction: 1 }, now)
    case 'created':
      return compare(sql, { column: sql`t.created_at`, value, direction: -1 }, now)
    default:
      return sql`t.subject ilike ${like} or t.requester_name ilike ${like} or t.requester_address ilike ${like}
        or exists (
          select from comments c where c.ticket_id = t.id and c.visibility <> 'private' and c.text ilike ${like})`
  }
}

/** `due:<2d` is due within two days; `created:>7d` is older than seven. */
function compare(sql: Queryable, term: { column: ReturnType<Queryable>; value: string; direction: 1 | -1 }, now: Date) {
  const [, sign, length] = /^([<>])(.+)$/.exec(term.value) ?? []
  const seconds = length ? parseDuration(length) : null
  if (!sign || seconds === null)
    throw new Refusal('bad_query', `"${term.value}" is no length of time: write <2d, >7d or <4h.`)
  const at = after(now, term.direction * seconds * SECOND)
  const earlier = (sign === '<') === (term.direction === 1)
  return earlier ? sql`${term.column} < ${at}` : sql`${term.column} > ${at}`
}
