/**
 * The one list of commands: name, other names, who may, how it is written, whether it can be taken back (COMMANDS E3).
 * The registry joins it to what they do; help, the desk's check of macros and aliases, and the tests read it too.
 */

/** `agent`, `both`, `customer`: who may. `strong`: agents, after a confirmation of their own (COMMANDS E5.4). */
export type Level = 'agent' | 'both' | 'customer' | 'strong'

/** Undone; recalled while its mail waits; answered with how to correct it; or it only reads. */
export type Reversal = 'undo' | 'recall' | 'correct' | 'reads'

type Spec = { name: string; aliases: readonly string[]; level: Level; reversal: Reversal; usage: string }

export const SPECS = [
  // What the text is
  { name: 'note', aliases: ['internal', 'i'], level: 'agent', reversal: 'correct', usage: '' },
  { name: 'reply', aliases: ['public', 'send'], level: 'agent', reversal: 'recall', usage: '' },
  { name: 'private', aliases: [], level: 'agent', reversal: 'correct', usage: '' },
  // Status
  {
    name: 'close',
    aliases: ['closed', 'solve', 'solved', 'resolve', 'resolved', 'done'],
    level: 'both',
    reversal: 'undo',
    usage: '[quiet] [reason]',
  },
  { name: 'open', aliases: ['reopen', 'reopened'], level: 'both', reversal: 'undo', usage: '' },
  {
    name: 'wait',
    aliases: ['pending'],
    level: 'agent',
    reversal: 'undo',
    usage: '[customer|vendor] [until:when]',
  },
  { name: 'hold', aliases: [], level: 'agent', reversal: 'undo', usage: '[until:when]' },
  { name: 'status', aliases: [], level: 'both', reversal: 'undo', usage: '[status]' },
  // Where it belongs
  { name: 'assign', aliases: ['owner', 'a'], level: 'agent', reversal: 'undo', usage: 'person|team:name|none' },
  { name: 'take', aliases: ['mine'], level: 'agent', reversal: 'undo', usage: '' },
  { name: 'drop', aliases: ['unassign'], level: 'agent', reversal: 'undo', usage: '' },
  { name: 'project', aliases: ['move'], level: 'agent', reversal: 'undo', usage: 'organization/project' },
  { name: 'team', aliases: ['escalate'], level: 'agent', reversal: 'undo', usage: 'team|none' },
  { name: 'priority', aliases: ['prio', 'p'], level: 'agent', reversal: 'undo', usage: 'priority' },
  { name: 'type', aliases: [], level: 'agent', reversal: 'undo', usage: 'type' },
  { name: 'product', aliases: [], level: 'agent', reversal: 'undo', usage: 'product|none' },
  { name: 'field', aliases: ['set'], level: 'agent', reversal: 'undo', usage: 'name:value ...' },
  { name: 'tag', aliases: ['label'], level: 'agent', reversal: 'undo', usage: '+tag -tag =tag' },
  { name: 'sla', aliases: [], level: 'agent', reversal: 'undo', usage: 'level|none ["reason"]' },
  { name: 'due', aliases: [], level: 'agent', reversal: 'undo', usage: 'when|none' },
  { name: 'snooze', aliases: ['remind'], level: 'agent', reversal: 'undo', usage: 'when|none' },
  // People
  { name: 'cc', aliases: ['add'], level: 'both', reversal: 'undo', usage: '+address -address [anyway]' },
  {
    name: 'customer',
    aliases: ['requester', 'from'],
    level: 'agent',
    reversal: 'undo',
    usage: 'address|parsed ["name"]',
  },
  { name: 'contact', aliases: [], level: 'agent', reversal: 'undo', usage: 'address ["name"]' },
  { name: 'follow', aliases: [], level: 'agent', reversal: 'undo', usage: 'project [address]' },
  { name: 'accept', aliases: [], level: 'agent', reversal: 'correct', usage: '[address|number]' },
  { name: 'spam', aliases: [], level: 'agent', reversal: 'undo', usage: '' },
  { name: 'block', aliases: [], level: 'strong', reversal: 'undo', usage: 'address|domain:name' },
  // Time
  {
    name: 'time',
    aliases: ['spent', 't'],
    level: 'agent',
    reversal: 'undo',
    usage: 'duration [billable|free] [done:60%] [date:day] [type:work] ["note"] [entry:number]',
  },
  { name: 'start', aliases: [], level: 'agent', reversal: 'undo', usage: '' },
  { name: 'stop', aliases: [], level: 'agent', reversal: 'correct', usage: '' },
  { name: 'submit', aliases: [], level: 'agent', reversal: 'correct', usage: '[entry]' },
  // Tickets
  {
    name: 'new',
    aliases: ['ticket'],
    level: 'agent',
    reversal: 'correct',
    usage: '["subject"] [from:address|parsed] [project:name] | mail:number',
  },
  { name: 'dup', aliases: ['duplicate'], level: 'agent', reversal: 'undo', usage: 'ticket' },
  { name: 'merge', aliases: [], level: 'agent', reversal: 'correct', usage: 'ticket ...' },
  { name: 'split', aliases: [], level: 'agent', reversal: 'correct', usage: '["subject"] [from:c3]' },
  { name: 'link', aliases: [], level: 'agent', reversal: 'undo', usage: '[blocks|relates] ticket' },
  { name: 'ask', aliases: ['side'], level: 'agent', reversal: 'recall', usage: 'address "question"' },
  // Macros and reading
  { name: 'macro', aliases: ['m'], level: 'agent', reversal: 'undo', usage: 'name [key:value ...]' },
  { name: 'macros', aliases: [], level: 'agent', reversal: 'reads', usage: '' },
  { name: 'types', aliases: [], level: 'agent', reversal: 'reads', usage: '' },
  { name: 'why', aliases: [], level: 'agent', reversal: 'reads', usage: '' },
  { name: 'history', aliases: [], level: 'both', reversal: 'reads', usage: '' },
  { name: 'list', aliases: [], level: 'both', reversal: 'reads', usage: '[query]' },
  { name: 'help', aliases: [], level: 'both', reversal: 'reads', usage: '[command]' },
  { name: 'dry', aliases: [], level: 'agent', reversal: 'reads', usage: '' },
  { name: 'undo', aliases: [], level: 'agent', reversal: 'correct', usage: '[receipt]' },
  { name: 'rate', aliases: [], level: 'customer', reversal: 'correct', usage: '1-5 [text]' },
  { name: 'unsubscribe', aliases: [], level: 'customer', reversal: 'correct', usage: '' },
] as const satisfies readonly Spec[]

export type Name = (typeof SPECS)[number]['name']
