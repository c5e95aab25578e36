/** Commands about how far a ticket is: close, open, wait, hold, status. */
import { STATUSES, type Status } from '../tables.ts'
import { wait } from '../tickets/wait.ts'
import { setStatus } from '../tickets.ts'
import { afterPair, changing, missing, type Told, ticketOn, unexpected, wayOf } from './acting.ts'
import type { Act, Acting, Answer, Phrase, Read, Reading } from './command.ts'
import { problem } from './command.ts'
import type { Arg } from './grammar.ts'
import { reportOf } from './reads.ts'
import { momentText, numbered } from './said.ts'
import { oneOf, textOf } from './values.ts'
import { timeOf } from './when.ts'

export const close: Read = (args) => {
  const [first, ...rest] = args
  const quiet = first !== undefined && textOf(first).toLowerCase() === 'quiet'
  const reason = (quiet ? rest : args).map((arg) => textOf(arg)).join(' ')
  return { ok: statusAct(() => 'resolved', reason || null), ...(quiet && { sets: { quiet: true as const } }) }
}

export const open: Read = (args) => unexpected('open', args) ?? { ok: statusAct(opened, null) }

/** A customer only opens again what is done. */
const opened = (on: Acting, from: Status): Status =>
  on.who.kind === 'customer' && from !== 'resolved' && from !== 'closed' ? from : 'open'

export const waitFor: Read = (args, on) => {
  const { before, value } = afterPair(args, 'until')
  const [first, ...rest] = before
  const whom = first ? oneOf(first, ['customer', 'vendor'] as const) : { ok: 'customer' as const }
  if (whom.problem) return whom
  const status = whom.ok === 'customer' ? 'waiting_customer' : 'on_hold'
  return unexpected('wait', rest) ?? waiting('wait', status, value, on)
}

export const hold: Read = (args, on) => {
  const { before, value } = afterPair(args, 'until')
  return unexpected('hold', before) ?? waiting('hold', 'on_hold', value, on)
}

export const status: Read = (args, on) => {
  const [first, ...rest] = args
  if (!first) return { ok: (tx, acting, now) => reportOf(tx, acting, now) }
  if (on.who.kind === 'customer') return unexpected('status', args)!
  const word = textOf(first).toLowerCase().replaceAll('-', '_')
  const to = oneOf({ ...first, kind: 'word', text: WORDS.get(word) ?? word }, settable)
  if (to.problem) return to
  return unexpected('status', rest) ?? { ok: statusAct(() => to.ok, null) }
}

const settable = STATUSES.filter((one) => one !== 'new')
const WORDS: ReadonlyMap<string, Status> = new Map([
  ['hold', 'on_hold'],
  ['wait', 'waiting_customer'],
  ['solved', 'resolved'],
  ['done', 'resolved'],
])

function statusAct(choose: (on: Acting, from: Status) => Status, why: string | null): Act {
  return changing(async (tx, on, now): Promise<Told> => {
    const [row] = await tx<{ status: Status }[]>`select status from tickets where id = ${ticketOn(on)}`
    const to = row ? choose(on, row.status) : 'open'
    if (row && to === row.status) return { key: 'status_same', data: statusData(on, to) }
    const change = { ticketId: on.ticketId, status: to, actor: on.actor, tools: on.tools }
    const { closed } = await setStatus(tx, { ...change, why: why ?? wayOf(on) }, now)
    if (closed.length === 0) return { key: 'status_now', data: statusData(on, to) }
    const tickets = closed.map((one) => numbered(one.ticketId)).join(', ')
    return { key: 'duplicates_closed', data: { ...statusData(on, to), tickets }, inverse: { closed } }
  })
}

/** Customers read other words than the desk's own. */
const statusData = (on: Acting, to: Status): Phrase['data'] => ({
  to: on.who.kind === 'customer' ? `@public_${to}` : to,
})

function waiting(name: 'wait' | 'hold', to: 'waiting_customer' | 'on_hold', given: Arg[] | null, on: Reading): Answer {
  const time = given && timeOf(given, on, 9)
  if (time?.problem) return time
  if (given && time && given.length > time.ok.used) return unexpected(name, given.slice(time.ok.used)) ?? missing(name)
  const until = time ? time.ok.at : null
  if (until && until <= on.now) return problem('past_time', {}, { column: given![0]!.column })
  return {
    ok: changing(async (tx, acting, now) => {
      await wait(tx, { ticketId: acting.ticketId, status: to, until, actor: acting.actor, why: wayOf(acting) }, now)
      return until
        ? { key: 'waits_until', data: { to, until: momentText(until, acting) } }
        : { key: 'status_now', data: { to } }
    }),
  }
}
