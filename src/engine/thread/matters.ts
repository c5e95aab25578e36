/**
 * Mails about one matter that no id connects (4a.19): monitors write PROBLEM and RECOVERY as two mails. A rule names
 * the part of the subject that stays the same; with the sender's domain it leads to the ticket that is still open.
 */
import type { Tx } from '../../database.ts'
import type { Desk } from '../desk.ts'
import { correlationKey } from '../rules/correlate.ts'
import type { Pattern } from '../rules/pattern.ts'

/** Open tickets by key, for every rule that could connect this mail; locked. A question only where there is such a rule. */
export async function findMatters(
  tx: Tx,
  desk: Desk,
  mail: { from: string; subject: string },
): Promise<Map<string, number>> {
  const keys = patternsOf(desk).flatMap((pattern) => correlationKey(pattern, mail) ?? [])
  if (keys.length === 0) return new Map()
  const rows = await tx<{ id: number; key: string }[]>`
    select t.id, m.message_id as key from message_ids m join tickets t on t.id = m.ticket_id
    where m.message_id = any(${keys}) and m.direction = 'matter' and t.status not in ('resolved', 'closed')
      and t.deleted_at is null and t.spam_at is null and t.merged_into is null
    order by t.id for update of t`
  return new Map(rows.map((row) => [row.key, row.id]))
}

const known = new WeakMap<Desk, Pattern[]>()

function patternsOf(desk: Desk): Pattern[] {
  let patterns = known.get(desk)
  if (!patterns) {
    patterns = desk.rules.flatMap((rule) =>
      rule.actions.flatMap((action) => (action.do === 'correlate' ? [action.pattern] : [])),
    )
    known.set(desk, patterns)
  }
  return patterns
}
