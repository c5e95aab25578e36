/**
 * What a notification tells of its ticket, read once for all who are told. Private comments are never read: they are
 * their author's alone.
 */
import type { Tx } from '../../database.ts'
import { notifying as limits } from '../../limits.ts'
import type { Inbox } from '../desk.ts'
import { listClocks, type ShownClock } from '../sla/read.ts'
import type { Priority, Status } from '../tables.ts'
import type { Tools } from '../tools.ts'

export type ToldComment = {
  id: number
  at: Date
  author_role: 'contact' | 'agent' | 'unknown' | 'system'
  agent_id: number | null
  author_name: string
  author_address: string | null
  visibility: 'public' | 'internal'
  /** At most `limits.comment` characters; `cut` says that there is more. */
  text: string
  cut: boolean
  files: { id: number; filename: string; size: number }[]
}

export type ToldTicket = {
  id: number
  subject: string
  status: Status
  priority: Priority
  project: string
  organization: string | null
  assignee: string | null
  requester_name: string
  requester_address: string | null
  due_at: Date | null
  generation: number
  inbox: Inbox
  clocks: ShownClock[]
  /** Those that are news, by id. */
  comments: Map<number, ToldComment>
  /** The last two that the customer has seen and that are no news, newest first. */
  before: ToldComment[]
  /** The number of the newest comment in the ticket's story: an answer to this mail has seen all up to it. */
  shown: number
}

/** @param commentIds of the news */
export async function gatherTicket(
  tx: Tx,
  given: { ticketId: number; commentIds: number[]; tools: Tools },
  now: Date,
): Promise<ToldTicket> {
  const { ticketId, commentIds, tools } = given
  // read first: whatever comes meanwhile counts as not shown
  const [story] = await tx<{ shown: number }[]>`
    select coalesce(max(seq), 0) as shown from events where ticket_id = ${ticketId} and type = any(${SAID}::text[])`
  const [[row], comments, clocks] = await Promise.all([
    tx<Row[]>`
      select t.id, t.subject, t.status, t.priority, p.key as project, o.name as organization,
        coalesce(nullif(a.name, ''), a.address) as assignee, t.requester_name, t.requester_address, t.due_at,
        t.token_generation as generation, t.inbox_id
      from tickets t join projects p on p.id = t.project_id left join organizations o on o.id = t.organization_id
      left join agents a on a.id = t.assignee_id where t.id = ${ticketId}`,
    listComments(tx, ticketId, commentIds),
    listClocks(tx, ticketId, now),
  ])
  const { inbox_id, ...ticket } = row!
  const isNews = new Set(commentIds)
  return {
    ...ticket,
    inbox: tools.desk.inboxes.find((one) => one.id === inbox_id) ?? tools.desk.inboxes[0]!,
    clocks: clocks.filter((one) => one.state === 'running' && (one.due_at ?? one.breached_at) !== null),
    comments: new Map(comments.filter((one) => isNews.has(one.id)).map((one) => [one.id, one])),
    before: comments.filter((one) => !isNews.has(one.id)),
    shown: story!.shown,
  }
}

type Row = Omit<ToldTicket, 'inbox' | 'clocks' | 'comments' | 'before' | 'shown'> & { inbox_id: number | null }

/** Events that a comment stands behind. */
const SAID = ['created', 'customer_comment', 'automatic_reply', 'agent_reply', 'note', 'merged_from', 'split_from']

/** The news in their order of writing, then what was said before them, newest first. */
async function listComments(tx: Tx, ticketId: number, ids: number[]): Promise<ToldComment[]> {
  return await tx<ToldComment[]>`
    with told as (
      (select id, 0 as place from comments where ticket_id = ${ticketId} and id = any(${ids}::bigint[])
        and visibility in ('public', 'internal'))
      union all
      (select id, 1 from comments where ticket_id = ${ticketId} and id <> all(${ids}::bigint[])
        and visibility = 'public' and not automatic order by id desc limit 2))
    select c.id, c.at, c.author_role, c.agent_id, c.author_name, c.author_address, c.visibility,
      left(c.visible, ${limits.comment}) as text, length(c.visible) > ${limits.comment} as cut,
      coalesce((
        select jsonb_agg(jsonb_build_object('id', f.id, 'filename', f.filename, 'size', f.size) order by f.id)
        from attachments f where f.comment_id = c.id and not f.original), '[]') as files
    from told join comments c on c.id = told.id order by told.place, case told.place when 0 then c.id else -c.id end`
}
