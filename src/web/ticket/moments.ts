/** Times as agents write them into a form: the same words as in commands by mail, in their own zone (COMMANDS E2, `when`). */
import { timeOf } from '../../engine/commands/when.ts'
import type { Tools } from '../../engine/tools.ts'
import { Refusal } from '../../errors.ts'
import { Temporal } from '../../time.ts'
import type { SignedIn } from '../context.ts'

/** `2026-11-25 17:00` in a zone; nothing for null. */
export function momentText(at: Date | null, zone: string): string {
  if (!at) return ''
  const local = Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(zone)
  return `${local.toPlainDate()} ${local.toPlainTime().toString({ smallestUnit: 'minute' })}`
}

/**
 * The instant that was meant; null where nothing stands.
 * @param given.hour of a day without a time
 * @throws Refusal `bad_time`
 */
export function readMoment(
  text: string,
  given: { agent: SignedIn; tools: Tools; hour: number },
  now: Date,
): Date | null {
  const words = text.trim().split(/\s+/).filter(Boolean).slice(0, 5)
  if (words.length === 0) return null
  const { agent, tools, hour } = given
  const { desk } = tools
  const who = desk.agents.get(agent.address)
  if (!who) throw new Refusal('bad_time', 'Your address is no agent of the desk any more.')
  const args = words.map((word) => ({ kind: 'word' as const, text: word, column: 1 }))
  const on = { desk, who: { kind: 'agent' as const, agent: who }, ticket: null, zone: agent.zone, now }
  const found = timeOf(args, on, hour)
  if (found.problem || found.ok.used < words.length)
    throw new Refusal(
      'bad_time',
      `"${text.slice(0, 60)}" is no time: write 2026-11-25 17:00, fri 17:00, tomorrow or +2d.`,
    )
  return found.ok.at
}
