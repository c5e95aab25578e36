/** Commands that only customers have: a mark for the work, and no more mail (MAIL 9.8). */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { record } from '../events.ts'
import { removeCc } from '../tickets/cc.ts'
import { missing, ticketOn, unexpected } from './acting.ts'
import { type Acting, type Effect, problem, type Read } from './command.ts'
import { textOf } from './values.ts'

/** `#rate 5 thank you`: kept in the ticket's story; the last one counts. */
export const rate: Read = (args) => {
  const [first, ...rest] = args
  if (!first) return missing('rate')
  const mark = /^[1-5]$/.exec(textOf(first))
  if (!mark) return problem('no_rating', { value: textOf(first) }, { column: first.column })
  const text = rest.map((arg) => textOf(arg)).join(' ')
  return {
    ok: async (tx, on, now): Promise<Effect> => {
      const ticketId = ticketOn(on)
      await lockRow(tx, ticketId)
      const data = { mark: Number(mark[0]), text: text.slice(0, 1000) }
      await record(tx, { ticketId, actor: on.actor, events: [{ type: 'rated', data }] }, now)
      return { key: 'rated', data: { mark: mark[0] }, inverse: null }
    },
  }
}

/** Who only takes part is taken out; a requester has nobody to take their place. */
export const unsubscribe: Read = (args) =>
  unexpected('unsubscribe', args) ?? {
    ok: async (tx, on, now): Promise<Effect> => {
      const ticketId = ticketOn(on)
      const address = customerOn(on)
      const { was } = await removeCc(tx, { ticketId, address, actor: on.actor }, now)
      return { key: was ? 'unsubscribed' : 'nothing_changed', data: {}, inverse: null }
    },
  }

function customerOn(on: Acting): string {
  if (on.who.kind !== 'customer') throw new Refusal('not_a_customer', 'This command is for customers.')
  return on.who.address
}

async function lockRow(tx: Tx, ticketId: number): Promise<void> {
  await tx`select 1 from tickets where id = ${ticketId} for update`
}
