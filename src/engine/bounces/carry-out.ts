/** Does what a report is to do (4a.7-4a.11), each change with its event on the ticket. */
import type { Tx } from '../../database.ts'
import { report as limits } from '../../limits.ts'
import type { ReportAction } from '../bounces.ts'
import { record, system } from '../events.ts'
import { raiseNotice } from '../notices.ts'
import { addNews } from '../notify/news.ts'
import { countBounced, countUnmatched, recordBounce } from '../outbox/bounced.ts'
import { COMPLAINT, suppress } from '../outbox/suppressions.ts'
import { markUndelivered } from '../tickets/undelivered.ts'
import { setStatus } from '../tickets.ts'

/** The tickets are locked by who found them. */
export async function carryOut(tx: Tx, action: ReportAction, now: Date): Promise<void> {
  switch (action.action) {
    case 'delivery':
      return await delivery(tx, action, now)
    case 'complaint':
      return await complaint(tx, action, now)
    case 'receipt':
      return await tell(tx, action.ticket, { type: 'read_receipt', data: action.data, why: action.words }, now)
    case 'calendar_answer':
      return await tell(tx, action.ticket, { type: 'calendar_answer', data: action.data, why: action.words }, now)
    case 'unverified_report':
      return await tell(tx, action.ticket, { type: 'unverified_report', data: {}, why: action.words }, now)
    case 'unmatched_report': {
      const count = await countUnmatched(tx, now)
      const words = `${count} delivery reports within an hour are about no mail of this desk: somebody else sends in its name.`
      if (count !== null) await raiseNotice(tx, { kind: 'backscatter', words }, now)
      return
    }
  }
}

/** Whether an action is one of a report's. */
export const isReportAction = (action: { action: string }): action is ReportAction =>
  ['delivery', 'complaint', 'receipt', 'calendar_answer', 'unverified_report', 'unmatched_report'].includes(
    action.action,
  )

async function delivery(tx: Tx, action: Extract<ReportAction, { action: 'delivery' }>, now: Date): Promise<void> {
  const { message, kind, ticket, recipient, outcome, status, words } = action
  await recordBounce(tx, action, now)
  if (kind === 'notification' || kind === 'receipt' || kind === 'login' || kind === 'notice') {
    if (outcome === 'hard') await agentUnreachable(tx, recipient, now)
    return
  }
  if (ticket === null) return
  const type = outcome === 'delayed' ? 'delivery_delayed' : outcome === 'delivered' ? 'delivered' : 'delivery_failed'
  await tell(tx, ticket, { type, data: { message, kind, recipient, outcome, status }, why: words }, now)
  // somebody waits for the customer's word on a statement as on an answer
  const isAwaited = kind === 'reply' || kind === 'statement'
  if (isAwaited && outcome !== 'delayed' && outcome !== 'delivered')
    await addNews(tx, { ticketId: ticket, kind: 'undelivered', actor: system('mail') }, now)
  if (isAwaited && outcome === 'hard') await markUndelivered(tx, ticket, now)
  if (action.opens)
    await setStatus(tx, { ticketId: ticket, status: 'open', actor: system('mail'), why: 'the answer came back' }, now)
}

/** MAIL 4a.8: while the notice is open the agent gets no notifications by mail. */
async function agentUnreachable(tx: Tx, address: string, now: Date): Promise<void> {
  const count = await countBounced(tx, address, now)
  if (count < limits.agentBounces) return
  const words = `${count} notifications to ${address} came back within a day. None are mailed to this agent until this is settled.`
  await raiseNotice(tx, { kind: 'agent_unreachable', subject: address, words }, now)
}

/** MAIL 4a.10: no automatic mail any more; an agent is asked whether they mean it before an answer goes (8.26). */
async function complaint(tx: Tx, action: Extract<ReportAction, { action: 'complaint' }>, now: Date): Promise<void> {
  const { recipient, message, ticket, type, words } = action
  if (type === 'abuse') {
    await suppress(tx, { address: recipient, reason: COMPLAINT, evidence: words, lasts: 'hard' }, now)
    await raiseNotice(tx, { kind: 'complaint', subject: recipient, words: `${words}: it gets no automatic mail.` }, now)
  }
  if (ticket !== null)
    await tell(tx, ticket, { type: 'complaint', data: { message, recipient, type }, why: words }, now)
}

const tell = (
  tx: Tx,
  ticketId: number,
  event: { type: string; data: Record<string, unknown>; why: string },
  now: Date,
): Promise<void> => record(tx, { ticketId, actor: system('mail'), events: [event] }, now)
