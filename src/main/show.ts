/** The lists and single things that people and scripts read: tickets, mails, the outbox (CLI). */
import { pipeline } from 'node:stream/promises'
import { type Sql, transaction } from '../database.ts'
import { listOutbox } from '../engine/outbox.ts'
import { dueOf } from '../engine/people/order.ts'
import { findTickets } from '../engine/search.ts'
import { listClocks, type ShownClock } from '../engine/sla/read.ts'
import { replayTicket } from '../engine/sla/replay.ts'
import { listEntries } from '../engine/time-entries/list.ts'
import { Refusal } from '../errors.ts'
import { timesheets } from '../limits.ts'
import { getMail, listMails, readRaw } from '../mail/spool.ts'
import { parseMailState, parseOutboxState } from './states.ts'

export type Print = (line: string) => void
export type Show = { json: boolean; limit: number | null }

/** `tickets [QUERY]` */
export async function showTickets(sql: Sql, print: Print, options: Show & { query: string }, now: Date): Promise<void> {
  const lines = await findTickets(sql, { query: options.query, limit: options.limit }, now)
  for (const line of lines) {
    const due = dueOf(line)
    if (options.json) print(JSON.stringify(line))
    else
      print(
        columns([
          [`#${line.number}`, 7],
          [line.status, 16],
          [line.priority, 7],
          [line.project, 22],
          [due ? `due ${due.toISOString().slice(0, 16)}Z` : '', 22],
          [line.requester.address ?? '', 28],
          [line.subject, 0],
        ]),
      )
  }
  if (!options.json) print(lines.length === 1 ? '1 ticket' : `${lines.length} tickets`)
}

/** `ticket N`: everything about one, as CLI.md's object. */
export async function showTicket(sql: Sql, print: Print, options: Show & { number: number }, now: Date): Promise<void> {
  const ticket = await wholeTicket(sql, options.number, now)
  if (options.json) return print(JSON.stringify(ticket))
  const { comments, clocks, events } = ticket
  print(`#${ticket.number} ${ticket.subject}`)
  const priority = `${ticket.priority}${ticket.assessed_at === null ? ' (unassessed)' : ''}`
  print(`${ticket.status}, ${priority}, ${ticket.project}, ${ticket.organization ?? 'no organization'}`)
  print(
    `from ${ticket.requester.name} <${ticket.requester.address ?? 'nobody'}>, assigned to ${ticket.assignee ?? 'nobody'}`,
  )
  for (const clock of clocks) print(clockText(clock))
  for (const comment of comments) {
    print('')
    print(
      `-- ${comment.at} ${comment.author.name || comment.author.address} (${comment.visibility}, ${comment.channel})`,
    )
    print(comment.visible.trimEnd())
    for (const file of comment.attachments) print(`   [${file.filename}, ${file.size} bytes]`)
  }
  print('')
  for (const event of events) print(`${event.at} ${event.type} by ${event.actor}${event.why ? `: ${event.why}` : ''}`)
}

/**
 * `ticket N --replay`: the clocks rebuilt from the events, compared with the rows. Resolves to the exit code: 1 where they
 * differ.
 */
export async function showReplay(
  sql: Sql,
  print: Print,
  options: { json: boolean; number: number },
  now: Date,
): Promise<0 | 1> {
  const replay = await transaction(sql, async (tx) => {
    await tx`set transaction isolation level repeatable read, read only`
    return await replayTicket(tx, options.number, now)
  })
  if (options.json) print(JSON.stringify(replay))
  else {
    for (const { where, stored, replayed } of replay.differences)
      print(`${where}: stored ${JSON.stringify(stored)}, replayed ${JSON.stringify(replayed)}`)
    const words = replay.identical ? 'identical to the rows' : `${replay.differences.length} differences`
    print(`#${replay.ticket}: ${replay.clocks} clocks from ${replay.events} events, ${words}`)
  }
  return replay.identical ? 0 : 1
}

/** `mails [--state S]` */
export async function showMails(
  sql: Sql,
  print: Print,
  options: Show & { state: string | null; id?: number },
): Promise<void> {
  const state = options.state === null ? undefined : parseMailState(options.state)
  const mails = options.id
    ? [await getMail(sql, options.id)]
    : await listMails(sql, {
        ...(state && { states: [state] }),
        ...(options.limit !== null && { limit: options.limit }),
      })
  for (const mail of mails) {
    const line = {
      id: mail.id,
      received_at: mail.receivedAt,
      state: mail.state,
      kind: mail.kind,
      from: mail.from,
      subject: mail.subject,
      ticket: mail.ticketId,
      reasons: mail.reasons,
    }
    if (options.json) print(JSON.stringify(line))
    else
      print(
        columns([
          [String(line.id), 7],
          [line.received_at.toISOString().slice(0, 16), 17],
          [line.state, 12],
          [line.kind ?? '', 10],
          [line.from ?? '', 28],
          [line.ticket ? `#${line.ticket}` : '', 7],
          [
            `${line.subject ?? ''}${line.reasons.length ? `  (${line.reasons.map((one) => one.words).join('; ')})` : ''}`,
            0,
          ],
        ]),
      )
  }
  if (!options.json) print(mails.length === 1 ? '1 mail' : `${mails.length} mails`)
}

/** `mail N --raw`: the bytes as they came. */
export async function writeRaw(sql: Sql, id: number, out: NodeJS.WritableStream): Promise<void> {
  await pipeline(readRaw(sql, { id, form: 'bare' }), out, { end: false })
}

/** `outbox [--state S]` */
export async function showOutbox(sql: Sql, print: Print, options: Show & { state: string | null }): Promise<void> {
  const state = options.state === null ? undefined : parseOutboxState(options.state)
  const rows = await listOutbox(sql, {
    ...(state && { state }),
    ...(options.limit !== null && { limit: options.limit }),
  })
  for (const row of rows) {
    const line = {
      id: row.id,
      kind: row.kind,
      to: row.recipient,
      subject: row.subject,
      ticket: row.ticket_id,
      message_id: row.message_id,
      state: row.state,
      tries: row.tries,
      next_try_at: row.next_try_at,
      last_answer: row.last_answer,
    }
    if (options.json) print(JSON.stringify(line))
    else
      print(
        columns([
          [String(line.id), 7],
          [line.kind, 13],
          [line.state, 11],
          [line.to, 30],
          [line.ticket ? `#${line.ticket}` : '', 7],
          [`${line.subject}${line.last_answer ? `  (${line.last_answer})` : ''}`, 0],
        ]),
      )
  }
  if (!options.json) print(rows.length === 1 ? '1 mail' : `${rows.length} mails`)
}

/** Cells padded to their width; the last one as long as it is. Control characters never reach a terminal. */
function columns(cells: [text: string, width: number][]): string {
  return cells
    .map(([text, width]) => text.replace(/\p{Cc}|\p{Cf}/gu, ' ').padEnd(width))
    .join(' ')
    .trimEnd()
}

/** A clock in a line: `resolution: running, 3600 of 14400 s, due ...`. */
function clockText(clock: ShownClock): string {
  const name = clock.team === null ? clock.kind : `${clock.kind} (${clock.team})`
  const end = clock.due_at
    ? `, due ${clock.due_at}`
    : clock.stopped_at
      ? ` ${clock.stopped_at}: ${clock.stop_reason}`
      : ''
  const late = clock.breached_at ? `, late since ${clock.breached_at}, over by ${clock.over_by_s} s` : ''
  return `${name}: ${clock.state}, ${clock.elapsed_s} of ${clock.target_s} s${end}${late}`
}

const PUBLIC_STATUS: Record<string, string> = {
  new: 'received',
  open: 'in_progress',
  on_hold: 'in_progress',
  waiting_customer: 'waiting_for_you',
  resolved: 'done',
  closed: 'done',
}

/** CLI.md, `ticket N --json`. Throws Refusal `unknown_ticket`. */
async function wholeTicket(sql: Sql, number: number, now: Date) {
  const [ticket] = await sql`
    select t.*, p.key as project, o.name as organization, tm.key as team, a.address as assignee
    from tickets t join projects p on p.id = t.project_id
    left join organizations o on o.id = t.organization_id
    left join teams tm on tm.id = t.team_id left join agents a on a.id = t.assignee_id
    where t.id = ${number} and t.deleted_at is null`
  if (!ticket) throw new Refusal('unknown_ticket', `There is no ticket #${number}.`)
  const [participants, related, comments, files, mails, clocks, events, time] = await Promise.all([
    sql`select name, address, role from ticket_participants where ticket_id = ${number} order by added_at, address`,
    sql`select other_id as number, kind from ticket_links where ticket_id = ${number} order by other_id`,
    sql`select * from comments where ticket_id = ${number} order by id`,
    sql`
      select a.id, a.comment_id, a.filename, a.type, a.size, a.inline, encode(b.sha256, 'hex') as sha256
      from attachments a join blobs b on b.id = a.blob_id where a.ticket_id = ${number} order by a.id`,
    sql`select id, comment_id from inbound_mails where ticket_id = ${number} and comment_id is not null
        and duplicate_of is null`,
    listClocks(sql, number, now),
    sql`select seq, at, type, actor, actor_name, data, why from events where ticket_id = ${number} order by seq`,
    listEntries(sql, { filter: { ticketId: number }, order: 'asc', limit: timesheets.export }, now),
  ])
  return {
    number: ticket.id as number,
    subject: ticket.subject as string,
    status: ticket.status as string,
    public_status: PUBLIC_STATUS[ticket.status],
    priority: ticket.priority as string,
    assessed_at: ticket.assessed_at as Date | null,
    type: ticket.type as string,
    tags: ticket.tags as string[],
    project: ticket.project as string,
    organization: ticket.organization as string | null,
    team: ticket.team as string | null,
    assignee: ticket.assignee as string | null,
    requester: { name: ticket.requester_name as string, address: ticket.requester_address as string | null },
    participants: [...participants],
    created_at: ticket.created_at as Date,
    first_response_at: ticket.first_response_at as Date | null,
    resolved_at: ticket.resolved_at as Date | null,
    closed_at: ticket.closed_at as Date | null,
    due_at: ticket.due_at as Date | null,
    merged_into: ticket.merged_into as number | null,
    duplicate_of: ticket.duplicate_of as number | null,
    related: [...related],
    comments: comments.map((row) => ({
      id: row.id as number,
      at: iso(row.at)!,
      author: {
        role: row.author_role as string,
        name: row.author_name as string,
        address: row.author_address as string | null,
      },
      visibility: row.visibility as string,
      channel: row.channel as string,
      text: row.text as string,
      visible: row.visible as string,
      attachments: files
        .filter((file) => file.comment_id === row.id)
        .map(({ comment_id: _, ...file }) => file as { filename: string; size: number }),
      message_id: row.message_id as string | null,
      mail: (mails.find((mail) => mail.comment_id === row.id)?.id ?? null) as number | null,
    })),
    clocks,
    events: events.map((row) => ({
      at: iso(row.at)!,
      actor: (row.actor_name || row.actor) as string,
      type: row.type as string,
      data: row.data as unknown,
      why: row.why as string | null,
    })),
    time: time.map((row) => ({
      id: row.id,
      agent: row.agent_address,
      seconds: row.raw_s,
      billable: row.billable,
      note: row.note,
      date: row.local_date,
      status: row.status,
    })),
  }
}

/** Whole seconds, as the vectors write them. */
const iso = (at: Date | null): string | null => at?.toISOString().replace('.000Z', 'Z') ?? null
