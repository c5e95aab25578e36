/** What a rule does when it holds (`then:`): the words of each action, checked and put into one order. */
import { z } from 'zod'
import { isHookUrl } from '../../hooks.ts'
import { type Fault, type Path, unknownName } from '../../yaml.ts'
import { isAddress } from '../outbox/address.ts'
import { PRIORITIES, STATUSES } from '../tables.ts'
import { compilePattern, type Pattern } from './pattern.ts'

/** One step; the list keeps the order of the file. */
export type Action =
  | { do: 'project' | 'team' | 'assignee' | 'priority' | 'type' | 'product' | 'status'; value: string }
  | { do: 'tags'; value: readonly string[] }
  | { do: 'ack'; value: string | null }
  | { do: 'hold' | 'note'; value: string }
  | { do: 'correlate'; pattern: Pattern }
  | { do: 'stop' }

/** What a reminder may do (SLA E1): some of what a rule may, and tell people. */
export type ReminderAction =
  | { do: 'team' | 'assignee' | 'priority' | 'status' | 'note' | 'webhook'; value: string }
  | { do: 'tags' | 'notify'; value: readonly string[] }

/** Whom a reminder may notify besides addresses. */
export const ROLES = ['assignee', 'team', 'lead', 'responsible'] as const

/** What actions may name; `templates` null: nobody has said which there are. */
export type ActionNames = {
  projects: readonly string[]
  teams: readonly string[]
  agents: readonly string[]
  types: readonly string[]
  products: readonly string[]
  priorities: readonly string[]
  templates: readonly string[] | null
}

const text = (remedy: string) => z.string().trim().min(1).meta({ remedy })
const tag = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^[^\s,;"#]{1,50}$/)
  .meta({ remedy: 'write a word of at most 50 characters without blanks, commas, ; " and #' })

export const actionSchema = z.strictObject({
  project: text('write the key of a project').optional(),
  team: text('write the key of a team').optional(),
  assignee: text("write an agent's address").optional(),
  priority: z.enum(PRIORITIES).optional(),
  type: text('write one of settings.types').optional(),
  product: text('write the key of a product').optional(),
  tag: tag.optional(),
  tags: z.array(tag).min(1).max(20).meta({ remedy: 'write a list of 1 to 20 words' }).optional(),
  status: z.enum(STATUSES).optional(),
  ack: text('write the name of a template, or none').optional(),
  hold: text('write the reason in a few words').optional(),
  note: text('write the text of the note').optional(),
  correlate: text('write a pattern whose group is what connects mails, such as "^\\\\w+: (.*) is "').optional(),
  stop: z.literal(true).meta({ remedy: 'write "stop: true" or leave it out' }).optional(),
})

/** A list of mappings, or one mapping. */
export const actionsSchema = z
  .union([z.array(actionSchema).min(1), actionSchema])
  .transform((then) => (Array.isArray(then) ? then : [then]))
  .meta({ remedy: 'write a list such as [{project: acme/incoming}, {priority: high}]' })

const reader = z
  .string()
  .trim()
  .toLowerCase()
  .refine((value) => ROLES.some((role) => role === value) || isAddress(value))
  .meta({ remedy: `write ${ROLES.join(', ')}, or a mail address` })

const reminderActionSchema = actionSchema
  .pick({ team: true, assignee: true, priority: true, tag: true, tags: true, note: true })
  .extend({
    status: z
      .enum(STATUSES)
      .exclude(['new'])
      .meta({ remedy: `write one of: ${STATUSES.slice(1).join(', ')}` })
      .optional(),
    notify: z
      .union([z.array(reader).min(1), reader])
      .transform((value) => (Array.isArray(value) ? value : [value]))
      .meta({ remedy: `write a list out of ${ROLES.join(', ')} and mail addresses` })
      .optional(),
    webhook: z
      .string()
      .trim()
      .refine(isHookUrl)
      .meta({ remedy: 'write an address such as https://pager.example/hook, without a password in it' })
      .optional(),
  })

/** The same for reminders. */
export const reminderActionsSchema = z
  .union([z.array(reminderActionSchema).min(1), reminderActionSchema])
  .transform((then) => (Array.isArray(then) ? then : [then]))
  .meta({ remedy: 'write a list such as [{notify: assignee}, {priority: high}]' })

/** The actions of a reminder, checked as those of a rule are. */
export function compileReminderActions(
  then: z.output<typeof reminderActionsSchema>,
  path: Path,
  names: ActionNames,
  faults: Fault[],
): ReminderAction[] {
  return compileActions(then as z.output<typeof actionsSchema>, path, names, faults) as ReminderAction[]
}

/** Flattens `then:` and checks every name in it; faults are added to `faults`. */
export function compileActions(
  then: z.output<typeof actionsSchema>,
  path: Path,
  names: ActionNames,
  faults: Fault[],
): Action[] {
  const known: Partial<Record<string, { what: string; names: readonly string[] | null }>> = {
    project: { what: 'project', names: names.projects },
    team: { what: 'team', names: names.teams },
    assignee: { what: 'agent', names: names.agents },
    type: { what: 'type', names: names.types },
    product: { what: 'product', names: names.products },
    priority: { what: 'priority', names: names.priorities },
    ack: { what: 'template', names: names.templates && ['none', ...names.templates] },
  }
  return then.flatMap((step, n) => {
    if (Object.keys(step).length === 0)
      faults.push({ path: [...path, n], cause: 'the action is empty', remedy: 'remove it' })
    return Object.entries(step).flatMap(([key, value]): Action[] => {
      if (key === 'correlate') return correlate(String(value), [...path, n, key], faults)
      const list = known[key]
      const name = key === 'assignee' ? String(value).toLowerCase() : value
      if (list?.names && !list.names.includes(name as string))
        faults.push(unknownName([...path, n, key], list.what, String(value), list.names))
      return [toAction(key, name as string)]
    })
  })
}

function correlate(source: string, path: Path, faults: Fault[]): Action[] {
  const pattern = compilePattern(source.normalize('NFC'))
  if ('find' in pattern) return [{ do: 'correlate', pattern }]
  faults.push({ path, ...pattern })
  return []
}

function toAction(key: string, value: string): Action {
  if (key === 'stop') return { do: 'stop' }
  if (key === 'tag') return { do: 'tags', value: [value] }
  if (key === 'ack') return { do: 'ack', value: value === 'none' ? null : value }
  return { do: key, value } as Action
}
