/** The one registry: each command of names.ts with what reads it. A name without a reader does not compile. */
import type { Command, Read } from './command.ts'
import { rate, unsubscribe } from './customers.ts'
import { type Name, SPECS } from './names.ts'
import * as people from './people.ts'
import * as reads from './reads.ts'
import * as routing from './routing.ts'
import * as state from './state.ts'
import * as tickets from './tickets.ts'
import * as time from './time.ts'
import { undo } from './undo.ts'
import * as words from './words.ts'

const READS: Record<Name, Read> = {
  note: words.note,
  reply: words.reply,
  private: words.privately,
  close: state.close,
  open: state.open,
  wait: state.waitFor,
  hold: state.hold,
  status: state.status,
  assign: routing.assignTo,
  take: routing.take,
  drop: routing.drop,
  project: routing.project,
  team: routing.team,
  priority: routing.priority,
  type: routing.type,
  product: routing.product,
  field: routing.field,
  tag: routing.tags,
  sla: routing.sla,
  due: routing.due,
  snooze: routing.snoozed,
  cc: people.cc,
  customer: people.customer,
  contact: people.contact,
  follow: people.followIt,
  accept: people.accept,
  spam: people.spam,
  block: people.block,
  time: time.time,
  start: time.start,
  stop: time.stop,
  submit: time.submit,
  new: tickets.open,
  dup: tickets.duplicate,
  merge: tickets.mergeInto,
  split: tickets.splitOff,
  link: tickets.link,
  ask: words.askOutside,
  macro: words.macro,
  macros: reads.macros,
  types: reads.types,
  why: reads.why,
  history: reads.history,
  list: reads.list,
  help: reads.help,
  dry: words.dry,
  undo,
  rate,
  unsubscribe,
}

/** Every command, in the order of `#help`. */
export const COMMANDS: readonly Command[] = SPECS.map((spec) => ({ ...spec, read: READS[spec.name] }))

const BY_NAME = new Map(COMMANDS.map((command) => [command.name, command]))

export const commandOf = (name: Name): Command => BY_NAME.get(name)!
