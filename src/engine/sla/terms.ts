/** A policy's version as the clocks read it: teams by the ids of their rows. */
import type { Policy } from '../desk.ts'
import type { Terms } from './account.ts'

/** What a version promises; `definition` is a policy of the desk, or the stored one. Teams that are unknown are left out. */
export function termsOf(
  id: number,
  definition: Pick<Policy, 'targets' | 'ola' | 'pause_on' | 'reopen' | 'reminders' | 'tell_changes'>,
  teamId: (key: string) => number | undefined,
): Terms {
  const ola = Object.entries(definition.ola).flatMap(([key, targets]) => {
    const team = teamId(key)
    return team === undefined ? [] : [[team, targets] as const]
  })
  return {
    id,
    targets: definition.targets,
    ola: new Map(ola),
    pauseOn: definition.pause_on,
    reopen: definition.reopen,
    tellChanges: definition.tell_changes,
    reminders: definition.reminders.map(({ key, actions, ...one }) => ({
      id: key,
      ...one,
      acts: actions !== undefined,
      changes: actions?.some((action) => CHANGES.has(action.do)) ?? false,
    })),
  }
}

/** Actions that clocks follow, or the choice of the policy; notes and notices are of no matter to either. */
export const CHANGES: ReadonlySet<string> = new Set(['team', 'assignee', 'priority', 'status', 'tags'])
