/** Commands about several tickets, or a new one: new, dup, merge, split, link. */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { markDuplicate } from '../tickets/duplicates.ts'
import { linkTickets } from '../tickets/links.ts'
import { merge } from '../tickets/merge.ts'
import { openFor } from '../tickets/open-for.ts'
import { split } from '../tickets/split.ts'
import { agentOn, changing, missing, pairsOf, ticketOn, unexpected } from './acting.ts'
import { type Acting, type Answer, type Effect, problem, type Read } from './command.ts'
import { type Arg, readBlock } from './grammar.ts'
import { letInHeld, mailNumber } from './held.ts'
import { projectOf } from './routing.ts'
import { numbered } from './said.ts'
import { addressOf, oneOf, textOf, ticketOf } from './values.ts'

/** Of the forwarded mail's sender, of an address, or of the agent; their text goes along (MAIL 7.12). */
export const open: Read = (args, on) => {
  const { pairs, rest } = pairsOf(args, ['from', 'project', 'mail'])
  const held = pairs.get('mail')
  if (held) return openHeld(held, args)
  const [first, ...others] = rest
  const subject = first?.kind === 'quoted' ? first.text : ''
  const wrong = unexpected('new', first && first.kind !== 'quoted' ? rest : others)
  if (wrong) return wrong
  const from = pairs.get('from')
  const named = from && from.value.toLowerCase() !== 'parsed' ? addressOf(from.value, from.column + 5) : null
  if (named?.problem) return named
  const place = pairs.get('project')
  const project = place ? projectOf(place, on.desk) : null
  if (project?.problem) return project
  const wanted = { subject, address: named?.ok ?? null, parsed: from !== undefined, project: project?.ok.key ?? null }
  return { ok: (tx, acting, now) => openAct(tx, acting, wanted, now), sets: { takesText: true } }
}

/** A held mail, by its number, as a ticket of its own: it says itself whom it is from. */
function openHeld(held: Extract<Arg, { kind: 'pair' }>, args: Arg[]): Answer {
  const mail = mailNumber(held.value)
  if (mail === null) return unexpected('new', [held])!
  const wrong = unexpected(
    'new',
    args.filter((one) => one !== held),
  )
  return wrong ?? { ok: (tx, on) => letInHeld(tx, on, { mail, as: 'ticket' }), sets: { letsIn: true } }
}

type Wanted = { subject: string; address: string | null; parsed: boolean; project: string | null }

async function openAct(tx: Tx, on: Acting, wanted: Wanted, now: Date): Promise<Effect> {
  const agent = agentOn(on)
  const { forward } = on.mail
  if (wanted.address === null && !forward?.from && (wanted.parsed || forward))
    throw new Refusal('nobody_parsed', 'The mail does not say clearly whom it forwards: write from: and the address.')
  const requester = wanted.address
    ? {
        address: wanted.address,
        name: forward?.from?.address.toLowerCase() === wanted.address ? forward.from.name : '',
      }
    : (forward?.from ?? { address: agent.address, name: agent.name })
  const { ticketId } = await openFor(
    tx,
    {
      subject: wanted.subject || forward?.subject || on.mail.subject,
      requester,
      text: forward ? forward.text : null,
      note: forward ? readBlock(forward.above).text : on.mail.text,
      project: wanted.project,
      inbox: on.inbox,
      agent,
      channel: on.channel,
      files: on.mail.attachments,
      tools: on.tools,
    },
    now,
  )
  return { key: 'ticket_made', data: { ticket: numbered(ticketId), from: requester.address }, inverse: null, ticketId }
}

export const duplicate: Read = (args) => {
  const [first, ...rest] = args
  if (!first) return missing('dup')
  const of = ticketOf(first)
  if (of.problem) return of
  return (
    unexpected('dup', rest) ?? {
      ok: changing(async (tx, { ticketId, actor, tools }, now) => {
        const { closed, from } = await markDuplicate(tx, { ticketId, ofId: of.ok, actor, tools }, now)
        const inverse = from === of.ok ? undefined : { duplicate: { ticketId, from }, closed }
        return { key: 'duplicate_now', data: { to: numbered(of.ok) }, ...(inverse && { inverse }) }
      }),
    }
  )
}

/** Into the ticket that is named first: this one, and what else is named. Several at once are to be confirmed (E5.4). */
export const mergeInto: Read = (args) => {
  if (args.length === 0) return missing('merge')
  const numbers = args.map((arg) => ticketOf(arg))
  const wrong = numbers.find((one) => one.problem)
  if (wrong?.problem) return { problem: wrong.problem }
  const [into, ...others] = numbers.map((one) => one.ok!)
  return {
    ok: async (tx, on, now) => {
      let ticketId = ticketOn(on)
      for (const one of new Set([ticketId, ...others]))
        ticketId = (await merge(tx, { ticketId: one, intoId: into!, actor: on.actor }, now)).ticketId
      return { key: 'merged_now', data: { to: numbered(ticketId) }, inverse: null, ticketId }
    },
    ...(others.length > 0 && { sets: { strong: true as const } }),
  }
}

/** From a comment on, `from:c3` counted as on the page; else from the customer's newest. */
export const splitOff: Read = (args) => {
  const { pairs, rest } = pairsOf(args, ['from'])
  const [first, ...others] = rest
  const wrong = unexpected('split', first && first.kind !== 'quoted' ? rest : others)
  if (wrong) return wrong
  const from = pairs.get('from')
  const counted = from ? /^c?(\d{1,6})$/i.exec(from.value) : null
  if (from && !counted)
    return problem('unexpected', { value: textOf(from), usage: 'split ["subject"] [from:c3]' }, { column: from.column })
  const subject = first?.kind === 'quoted' ? first.text : null
  return {
    ok: async (tx, on, now) => {
      const ticketId = ticketOn(on)
      const commentId = await commentAt(tx, ticketId, counted ? Number(counted[1]) : null)
      const { ticketId: made } = await split(
        tx,
        { ticketId, commentId, subject, actor: on.actor, tools: on.tools },
        now,
      )
      return { key: 'split_now', data: { ticket: numbered(made) }, inverse: null }
    },
  }
}

async function commentAt(tx: Tx, ticketId: number, count: number | null): Promise<number> {
  const [row] = await (count === null
    ? tx<{ id: number }[]>`
        select id from comments where ticket_id = ${ticketId} and author_role in ('contact', 'unknown') and not automatic
        order by id desc limit 1`
    : tx<
        { id: number }[]
      >`select id from comments where ticket_id = ${ticketId} order by id offset ${count - 1} limit 1`)
  if (!row) throw new Refusal('unknown_comment', `Ticket #${ticketId} has no such comment.`)
  return row.id
}

export const link: Read = (args) => {
  const [first, second, ...rest] = args
  if (!first) return missing('link')
  const kind = second ? oneOf(first, ['blocks', 'relates'] as const) : { ok: 'relates' as const }
  if (kind.problem) return kind
  const other = ticketOf(second ?? first)
  if (other.problem) return other
  return (
    unexpected('link', rest) ?? {
      ok: async (tx, on, now) => {
        const ticketId = ticketOn(on)
        const change = { ticketId, otherId: other.ok, kind: kind.ok, actor: on.actor }
        const { changed } = await linkTickets(tx, change, now)
        const inverse = changed ? { verb: 'unlink', args: { ticketId, otherId: other.ok, kind: kind.ok } } : null
        const data = { to: numbered(other.ok) }
        return kind.ok === 'blocks' ? { key: 'linked_blocks', data, inverse } : { key: 'linked_relates', data, inverse }
      },
    }
  )
}
