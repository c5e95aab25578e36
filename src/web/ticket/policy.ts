/** The policy of a ticket chosen by hand, and left to the desk again (SLA S4): for whom the desk lets, with a reason. */
import { html } from 'hono/html'
import { transaction } from '../../database.ts'
import type { Phrase } from '../../engine/commands/command.ts'
import { catchUp } from '../../engine/reminders.ts'
import { mayOverride, pinPolicy, unpinPolicy } from '../../engine/tickets/policy.ts'
import type { SignedIn, Web } from '../context.ts'
import type { Form } from '../form.ts'
import type { Html } from '../page.ts'
import { actingOn, keepReceipt } from './acting.ts'
import { did } from './changes.ts'
import type { TicketRow } from './load.ts'

/** What the form calls the desk's own choice; a policy's key has no colon. */
const DESK = ':desk'
const NONE = ':none'

/** Nothing for those who may not, and of tickets whose clocks have ended. */
export function policyForm(web: Web, { ticket, agent }: { ticket: TicketRow; agent: SignedIn }): Html {
  const { desk } = web.tools()
  if (ticket.merged_into !== null || ticket.spam_at || !mayOverride(desk, agent)) return html``
  const pinned = ticket.policy_source === 'manual'
  const chosen = pinned ? (ticket.policy ?? NONE) : ''
  const options = [
    ...(pinned ? [[DESK, 'As the desk chooses'] as const] : []),
    ...[...desk.policies.keys()].map((key) => [key, key] as const),
    [NONE, 'None: nothing is promised'] as const,
  ]
  return html`<details class="more"><summary>${pinned ? 'Change the policy or let the desk choose' : 'Choose another policy'}</summary>
    <form method="post" action="/tickets/${ticket.id}/policy" class="stack">
      <p><label for="policy">Policy</label>
        <select id="policy" name="policy" required>
          ${!pinned && html`<option value="">Choose</option>`}
          ${options.map(([value, words]) => html`<option value="${value}"${value === chosen && html` selected`}>${words}</option>`)}
        </select></p>
      <p><label for="policy-reason">Reason</label>
        <input id="policy-reason" name="reason" required maxlength="1000" autocomplete="off" aria-describedby="policy-hint"></p>
      <p class="sub" id="policy-hint">It stands in the history. What has passed stays counted; due dates change from now on.</p>
      <p><button class="small">Change policy</button></p>
    </form>
  </details>`
}

/**
 * Does what the form says; who may is asked of the engine.
 * @throws Refusal of `pinPolicy` and `unpinPolicy`; then nothing was done
 */
export async function choosePolicy(
  web: Web,
  { ticketId, agent, form }: { ticketId: number; agent: SignedIn; form: Form },
): Promise<void> {
  const [now, tools] = [web.now(), web.tools()]
  const change = {
    ticketId,
    actor: { kind: 'agent', id: agent.id, name: agent.name } as const,
    tools,
    reason: form.text('reason'),
  }
  const policy = form.text('policy')
  await transaction(web.sql, async (tx) => {
    await catchUp(tx, { ticketId, tools, url: web.config.url }, now)
    const [was] = await tx<{ pinned: boolean; policy: string | null }[]>`
      select t.policy_source = 'manual' as pinned, case when t.policy_source = 'manual' then p.key end as policy
      from tickets t left join sla_policies p on p.id = t.policy_id where t.id = ${ticketId}`
    if (policy === DESK) await unpinPolicy(tx, change, now)
    else await pinPolicy(tx, { ...change, policy: policy === NONE ? null : policy }, now)
    const { acting } = await actingOn(tx, web, { ticketId, agent }, now)
    const inverse = {
      verb: 'level_back',
      args: { ticketId, pinned: was?.pinned ?? false, policy: was?.policy ?? null },
    }
    await keepReceipt(tx, { acting, ran: [did(ticketId, 'sla', { ...saidOf(policy), inverse })] }, now)
  })
}

const saidOf = (policy: string): Phrase => {
  if (policy === DESK) return { key: 'sla_free', data: {} }
  return policy === NONE ? { key: 'sla_none', data: {} } : { key: 'sla_now', data: { to: policy } }
}
