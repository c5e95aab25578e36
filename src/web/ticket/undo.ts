/**
 * What somebody did to a ticket and can still take back: by mail or here, listed with one button each, which runs what
 * `#undo` runs. Only one's own.
 */
import { Hono } from 'hono'
import { html } from 'hono/html'
import { type Queryable, transaction } from '../../database.ts'
import { say } from '../../engine/commands/phrases.ts'
import type { Kept } from '../../engine/commands/receipt.ts'
import { commandOf } from '../../engine/commands/registry.ts'
import { catchUp } from '../../engine/reminders.ts'
import { Refusal } from '../../errors.ts'
import { after, DAY } from '../../time.ts'
import type { Env, Pages, SignedIn, Web } from '../context.ts'
import { parseId, readForm } from '../form.ts'
import { buttonForm, type Html, time } from '../page.ts'
import { agoText } from '../words.ts'
import { actingOn } from './acting.ts'

export function undoPages(web: Web): Pages {
  return new Hono<Env>().post('/tickets/:number/undo', async (c) => {
    const [ticketId, id] = [parseId(c.req.param('number')), parseId((await readForm(c)).text('receipt'))]
    if (ticketId === null || id === null) return c.notFound()
    const { late } = await undo(web, { ticketId, receiptId: id, agent: c.get('agent') })
    return c.redirect(`/tickets/${ticketId}?done=${late ? 'back_late' : 'back'}`, 303)
  }) as Pages
}

export type Undoable = { id: number; at: Date; effects: Kept[] }

/** An agent's own receipts of a ticket that still have something to take back, newest first. */
export async function listUndoable(
  sql: Queryable,
  { ticketId, agentId }: { ticketId: number; agentId: number },
  now: Date,
): Promise<Undoable[]> {
  return await sql<Undoable[]>`
    select r.id, r.at, r.effects from receipts r
    where r.agent_id = ${agentId} and r.at > ${after(now, -30 * DAY)} and r.outcome = 'done' and r.undone_at is null
      and (r.ticket_id = ${ticketId} or r.effects @> ${JSON.stringify([{ ticket: ticketId }])}::text::jsonb)
      and exists (
        select from jsonb_array_elements(r.effects) e
        where e -> 'inverse' <> 'null' and (e -> 'inverse' ->> 'verb' <> 'recall' or exists (
          select from outbox o where o.comment_id = (e -> 'inverse' -> 'args' ->> 'commentId')::bigint
            and o.state in ('queued', 'deferred'))))
    order by r.id desc limit 10`
}

/** Nothing where nothing can be taken back. */
export function undoList(rows: readonly Undoable[], { ticketId, now }: { ticketId: number; now: Date }): Html {
  if (rows.length === 0) return html``
  return html`<section class="undo" aria-labelledby="undo-title">
    <h2 id="undo-title">What you did, to take back</h2>
    <ul class="rows">${rows.map(
      ({ id, at, effects }) => html`<li>
      <p>${effects.map((one) => say('en', one)).join('; ')} <span class="sub">${time(at, agoText(at, now))}</span></p>
      ${buttonForm(`/tickets/${ticketId}/undo`, 'Take back', { name: `what you did ${agoText(at, now)}`, fields: { receipt: String(id) } })}
    </li>`,
    )}</ul>
  </section>`
}

/**
 * Takes back all of a receipt, or nothing.
 * @returns whether a mail of it had left already
 * @throws Refusal of `#undo`: `unknown_receipt`, `undone_before`, `changed_since`
 */
async function undo(
  web: Web,
  { ticketId, receiptId, agent }: { ticketId: number; receiptId: number; agent: SignedIn },
): Promise<{ late: boolean }> {
  const [now, tools] = [web.now(), web.tools()]
  return transaction(web.sql, async (tx) => {
    await catchUp(tx, { ticketId, tools, url: web.config.url }, now)
    const { reading, acting } = await actingOn(tx, web, { ticketId, agent }, now)
    const answer = commandOf('undo').read([{ kind: 'word', text: String(receiptId), column: 1 }], reading)
    if (!answer.ok) throw new Refusal('unknown_receipt', `You have no receipt ${receiptId}.`)
    const { lines = [] } = await answer.ok(tx, acting, now)
    return { late: lines.includes(say(acting.locale, { key: 'recalled_late', data: {} })) }
  })
}
