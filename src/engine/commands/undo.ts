/**
 * `#undo [receipt]`: takes back what one mail did, last first, whole or not at all. An answer still in its undo window is
 * not sent; what cannot be taken back is answered with how to correct it (COMMANDS E6, 15).
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { agentOn, unexpected } from './acting.ts'
import type { Acting, Effect, Read } from './command.ts'
import { invert } from './inverses.ts'
import { SPECS } from './names.ts'
import { say } from './phrases.ts'
import { correctionOf, type Kept } from './receipt.ts'
import { textOf } from './values.ts'

export const undo: Read = (args) => {
  const [first, ...rest] = args
  const given = first ? /^#?(\d{1,12})$/.exec(textOf(first)) : null
  if (first && !given) return unexpected('undo', args)!
  return unexpected('undo', rest) ?? { ok: (tx, on, now) => undoReceipt(tx, on, given ? Number(given[1]) : null, now) }
}

type Row = { id: number; ticket_id: number | null; effects: Kept[]; undone_at: Date | null }

async function undoReceipt(tx: Tx, on: Acting, id: number | null, now: Date): Promise<Effect> {
  const receipt = await findReceipt(tx, on, id)
  if (!receipt)
    throw new Refusal(
      'unknown_receipt',
      id === null ? 'There is nothing of yours to take back here.' : `You have no receipt ${id}.`,
    )
  if (receipt.undone_at) throw new Refusal('undone_before', `Receipt ${receipt.id} was taken back before.`)
  let [late, recalled] = [false, false]
  for (const { inverse } of receipt.effects.toReversed()) {
    if (!inverse) continue
    const taken = await invert(tx, inverse, on, now)
    late ||= taken.late
    recalled ||= inverse.verb === 'recall' && !taken.late
  }
  await tx`update receipts set undone_at = ${now} where id = ${receipt.id}`
  const stays = receipt.effects.filter((one) => one.inverse === null).flatMap((one) => correctionOf(one.command) ?? [])
  const lines = [
    ...(recalled ? [say(on.locale, { key: 'recalled', data: {} })] : []),
    ...(late ? [say(on.locale, { key: 'recalled_late', data: {} })] : []),
    ...[...new Set(stays)].map((key) => say(on.locale, { key, data: {} })),
  ]
  const anything = receipt.effects.some((one) => one.inverse !== null)
  return {
    ...(anything
      ? { key: 'undone_receipt' as const, data: { receipt: receipt.id } }
      : { key: 'nothing_changed' as const, data: {} }),
    inverse: null,
    ...(lines.length > 0 && { lines }),
  }
}

/** By its number, else the one that is answered, else the newest on the ticket; only an agent's own. */
async function findReceipt(tx: Tx, on: Acting, id: number | null): Promise<Row | null> {
  const agentId = agentOn(on).id
  const references = on.mail.references
  const [row] = await tx<Row[]>`
    select id, ticket_id, effects, undone_at from receipts
    where agent_id = ${agentId} and outcome = 'done'
      and (case when ${id}::bigint is not null then id = ${id}
        else message_id = any(${references}::text[]) or (undone_at is null
          and (${on.ticketId}::bigint is null or ticket_id = ${on.ticketId})
          and exists (select from jsonb_array_elements(effects) e
            where e -> 'inverse' <> 'null' or e ->> 'command' = any(${CORRECTED}::text[]))) end)
    order by message_id = any(${references}::text[]) desc nulls last, id desc limit 1 for update`
  return row ?? null
}

/** A mail that only read, or took back, is not what the next `#undo` is about; one that stays is, to say how to correct it. */
const CORRECTED: string[] = SPECS.filter((spec) => spec.reversal === 'correct' && spec.name !== 'undo').map(
  (one) => one.name,
)
