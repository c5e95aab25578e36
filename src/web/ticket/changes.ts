/**
 * What a changed field of the form does: the verb that its command in a mail runs too, and what takes it back, kept with
 * the receipt as a mail's is. A value that a verb refuses is refused with its words.
 */
import type { Tx } from '../../database.ts'
import type { Effect, Inverse, Phrase } from '../../engine/commands/command.ts'
import type { Name } from '../../engine/commands/names.ts'
import { numbered } from '../../engine/commands/said.ts'
import type { Actor } from '../../engine/events.ts'
import { blockSender, unblockSender } from '../../engine/people/blocks.ts'
import { addCc, removeCc, type Standing } from '../../engine/tickets/cc.ts'
import { setField, setProduct, setType } from '../../engine/tickets/describe.ts'
import { setDue } from '../../engine/tickets/due.ts'
import { markDuplicate, unmarkDuplicate } from '../../engine/tickets/duplicates.ts'
import { follow, unfollow } from '../../engine/tickets/follow.ts'
import { setTeam } from '../../engine/tickets/hand-over.ts'
import { LINK_KINDS, type LinkKind, linkTickets, unlinkTickets } from '../../engine/tickets/links.ts'
import { merge } from '../../engine/tickets/merge.ts'
import { changeRequester } from '../../engine/tickets/requester.ts'
import { unmarkSpam } from '../../engine/tickets/spam.ts'
import { observed } from '../../engine/tickets/take-back.ts'
import { snooze } from '../../engine/tickets/wait.ts'
import { assign, markSpam, move, prioritise, setStatus, tag } from '../../engine/tickets.ts'
import type { Tools } from '../../engine/tools.ts'
import { Refusal } from '../../errors.ts'
import type { SignedIn } from '../context.ts'
import { readMoment } from './moments.ts'

export type Change = { name: string; was: string; value: string }

export type Doing = { ticketId: number; agent: SignedIn; actor: Actor; tools: Tools }

/** What was done, as a receipt keeps it. */
export type Did = Effect & { line: null; source: ''; command: Name; ticket: number | null }

/** What an answer does to the ticket comes before these: they are what the person wants it to be after it. */
export const AFTER_TEXT: ReadonlySet<string> = new Set(['status', 'until', 'duplicate', 'spam', 'block', 'merge'])

/**
 * Does what a changed field says.
 * @returns what of it can be taken back; nothing where nothing can
 * @throws Refusal of its verb
 */
export async function applyChange(tx: Tx, change: Change, doing: Doing, now: Date): Promise<Did[]> {
  const field = change.name.startsWith('field.') ? FIELDS.field : FIELDS[change.name]
  if (!field) throw new Refusal('bad_choice', 'Choose one of the offered entries.')
  let undoing: Undoing = {}
  const changed = await observed(tx, doing.ticketId, async () => {
    undoing = (await field.apply(tx, change, doing, now)) ?? {}
  })
  const { also, inverses } = undoing
  const args = { ticketId: doing.ticketId, changed, ...also }
  const back = inverses ?? (changed || also ? [{ verb: 'take_back', args }] : [])
  return back.map((inverse) =>
    did(doing.ticketId, field.command, { ...(undoing.said ?? field.said(change, doing)), inverse }),
  )
}

export const did = (ticket: number | null, command: Name, effect: Effect): Did => ({
  ...effect,
  line: null,
  source: '',
  command,
  ticket,
})

/**
 * `also` goes with the ticket's own fields, which are taken back by themselves; `inverses` stand instead of that, and
 * `said` instead of the field's own words.
 */
type Undoing = { also?: Record<string, unknown>; inverses?: Inverse[]; said?: Phrase }

type Field = {
  command: Name
  apply(tx: Tx, change: Change, doing: Doing, now: Date): Promise<Undoing | undefined>
  said(change: Change, doing: Doing): Phrase
}

const FIELDS: Record<string, Field> = {
  status: { command: 'status', apply: applyStatus, said: ({ value }) => ({ key: 'status_now', data: { to: value } }) },
  assignee: {
    command: 'assign',
    apply: quietly((tx, { value }, on, now) => assign(tx, { ...on, agentId: value ? rowId(value) : null }, now)),
    said: ({ value }, { tools }) => {
      const agent = [...tools.desk.agents.values()].find((one) => String(one.id) === value)
      return agent ? { key: 'assigned', data: { to: agent.name || agent.address } } : { key: 'unassigned', data: {} }
    },
  },
  priority: {
    command: 'priority',
    apply: quietly((tx, { value }, on, now) => prioritise(tx, { ...on, priority: value }, now)),
    said: ({ value }) => ({ key: 'priority_now', data: { to: value } }),
  },
  project: {
    command: 'project',
    apply: quietly((tx, { value }, on, now) => move(tx, { ...on, projectId: rowId(value) }, now)),
    said: ({ value }, { tools }) => {
      const project = [...tools.desk.projects.values()].find((one) => String(one.id) === value)
      return { key: 'moved', data: { to: project?.key ?? value } }
    },
  },
  team: {
    command: 'team',
    apply: quietly((tx, { value }, on, now) => setTeam(tx, { ...on, team: value || null }, now)),
    said: orNone('team_now', 'team_none'),
  },
  type: {
    command: 'type',
    apply: quietly((tx, { value }, on, now) => setType(tx, { ...on, type: value }, now)),
    said: ({ value }) => ({ key: 'type_now', data: { to: value } }),
  },
  product: {
    command: 'product',
    apply: quietly((tx, { value }, on, now) => setProduct(tx, { ...on, product: value || null }, now)),
    said: orNone('product_now', 'product_none'),
  },
  field: {
    command: 'field',
    apply: quietly((tx, { name, value }, on, now) =>
      setField(tx, { ...on, field: name.slice('field.'.length), value: value || null }, now),
    ),
    said: ({ name, value }) => ({ key: 'field_now', data: { to: `${name.slice('field.'.length)}: ${value || '-'}` } }),
  },
  tags: { command: 'tag', apply: quietly(applyTags), said: orNone('tags_now', 'tags_none') },
  until: {
    command: 'snooze',
    apply: quietly((tx, { value }, on, now) => snooze(tx, { ...on, until: readMoment(value, { ...on, hour: 9 }, now) }, now)), // biome-ignore format: a call
    said: orNone('snoozed', 'snooze_none'),
  },
  due: {
    command: 'due',
    apply: quietly((tx, { value }, on, now) => setDue(tx, { ...on, due: readMoment(value, { ...on, hour: 17 }, now) }, now)), // biome-ignore format: a call
    said: orNone('due_now', 'due_none'),
  },
  customer: {
    command: 'customer',
    apply: quietly((tx, { value }, on, now) => changeRequester(tx, { ...on, address: value }, now)),
    said: ({ value }) => ({ key: 'customer_now', data: { to: value } }),
  },
  cc: { command: 'cc', apply: applyCc, said: orNone('people_now', 'people_none') },
  duplicate: { command: 'dup', apply: applyDuplicate, said: ({ value }) => ({ key: 'duplicate_now', data: { to: value } }) }, // biome-ignore format: a row
  links: { command: 'link', apply: applyLinks, said: ({ value }) => ({ key: 'field_now', data: { to: value } }) },
  follow: {
    command: 'follow',
    apply: applyFollow,
    said: (_, { agent, ticketId }) => ({ key: 'follows', data: { who: agent.name, to: `#${ticketId}` } }),
  },
  spam: { command: 'spam', apply: applySpam, said: () => ({ key: 'spam_now', data: {} }) },
  block: { command: 'block', apply: applyBlock, said: () => ({ key: 'blocked', data: { to: 'its sender' } }) },
  merge: { command: 'merge', apply: applyMerge, said: ({ value }) => ({ key: 'merged_now', data: { to: value } }) },
}

/** The command that a field of the form stands for; null: there is no such field. */
export const commandOfField = (name: string): Name | null => FIELDS[name]?.command ?? null

/** Of a verb that changes the ticket's own fields and nothing else. */
function quietly(run: (tx: Tx, change: Change, doing: Doing, now: Date) => Promise<unknown>): Field['apply'] {
  return async (tx, change, doing, now) => {
    await run(tx, change, doing, now)
    return undefined
  }
}

function orNone(some: Phrase['key'], none: Phrase['key']): Field['said'] {
  return ({ value }) => (value ? { key: some, data: { to: value } } : { key: none, data: {} })
}

async function applyStatus(tx: Tx, { value }: Change, doing: Doing, now: Date): Promise<Undoing> {
  const { closed } = await setStatus(tx, { ...doing, status: value }, now)
  return closed.length > 0 ? { also: { closed } } : {}
}

/** What others have tagged since the page was opened stays. Rules make tags of several words too. */
async function applyTags(tx: Tx, { was, value }: Change, doing: Doing, now: Date): Promise<void> {
  const [before, after] = [was, value].map((text) => text.split(',').map((one) => one.trim())) as [string[], string[]]
  const add = after.filter((one) => !before.includes(one))
  const remove = before.filter((one) => !after.includes(one))
  await tag(tx, { ...doing, add, remove }, now)
}

async function applyCc(tx: Tx, { was, value }: Change, doing: Doing, now: Date): Promise<Undoing> {
  const { ticketId } = doing
  const [before, after] = [words(was.toLowerCase()), words(value.toLowerCase())]
  const changed: { address: string; was: Standing | null }[] = []
  for (const address of before)
    if (!after.includes(address)) changed.push({ address, ...(await removeCc(tx, { ...doing, address }, now)) })
  for (const address of after)
    if (!before.includes(address)) changed.push({ address, ...(await addCc(tx, { ...doing, address }, now)) })
  return { inverses: [{ verb: 'people_back', args: { ticketId, changed } }] }
}

async function applyDuplicate(tx: Tx, { value }: Change, doing: Doing, now: Date): Promise<Undoing> {
  const { ticketId } = doing
  if (!value) {
    const { from } = await unmarkDuplicate(tx, doing, now)
    if (from === null) return { inverses: [] }
    const said: Phrase = { key: 'duplicate_not', data: { to: numbered(from) } }
    return { inverses: [{ verb: 'duplicate', args: { ticketId, ofId: from } }], said }
  }
  const ofId = ticketNumber(value)
  const { closed, from } = await markDuplicate(tx, { ...doing, ofId }, now)
  return from === ofId ? {} : { also: { duplicate: { ticketId, from }, closed } }
}

async function applyLinks(tx: Tx, { was, value }: Change, { ticketId, actor }: Doing, now: Date): Promise<Undoing> {
  const [before, after] = [readLinks(was), readLinks(value)]
  const inverses: Inverse[] = []
  for (const [key, link] of before) {
    if (after.has(key)) continue
    const { changed } = await unlinkTickets(tx, { ticketId, actor, ...link }, now)
    if (changed) inverses.push({ verb: 'link', args: { ticketId, ...link } })
  }
  for (const [key, link] of after) {
    if (before.has(key)) continue
    const { changed } = await linkTickets(tx, { ticketId, actor, ...link }, now)
    if (changed) inverses.push({ verb: 'unlink', args: { ticketId, ...link } })
  }
  return { inverses, ...(after.size === 0 && { said: { key: 'unlinked', data: { to: was } } }) }
}

const words = (text: string): string[] => text.split(/[,;\s]+/).filter(Boolean)

/** `blocks #12, relates 13`; a number without a word relates. */
function readLinks(text: string): Map<string, { kind: LinkKind; otherId: number }> {
  const found = new Map<string, { kind: LinkKind; otherId: number }>()
  let kind: LinkKind = 'relates'
  for (const word of words(text)) {
    if (Object.hasOwn(LINK_KINDS, word.toLowerCase())) kind = word.toLowerCase() as LinkKind
    else found.set(`${kind} ${ticketNumber(word)}`, { kind, otherId: ticketNumber(word) })
  }
  return found
}

async function applyFollow(tx: Tx, { value }: Change, { ticketId, agent, actor }: Doing, now: Date): Promise<Undoing> {
  const who = { agentId: agent.id, ticketId, actor }
  const { changed } = await (value ? follow : unfollow)(tx, who, now)
  if (!changed) return { inverses: [] }
  const args = { agentId: agent.id, project: null, ticketId }
  if (value) return { inverses: [{ verb: 'unfollow', args }] }
  const said: Phrase = { key: 'follows_not', data: { who: agent.name, to: numbered(ticketId) } }
  return { inverses: [{ verb: 'follow', args }], said }
}

async function applySpam(tx: Tx, { value }: Change, doing: Doing, now: Date): Promise<Undoing> {
  const args = { ticketId: doing.ticketId }
  if (value) {
    const { changed } = await markSpam(tx, doing, now)
    return { inverses: changed ? [{ verb: 'unspam', args }] : [] }
  }
  const { was } = await unmarkSpam(tx, doing, now)
  return { inverses: was ? [{ verb: 'spam', args }] : [], said: { key: 'spam_not', data: {} } }
}

async function applyBlock(tx: Tx, { value }: Change, { ticketId, actor, tools }: Doing, now: Date): Promise<Undoing> {
  const [row] = await tx<{ sender: string | null }[]>`
    select requester_address as sender from tickets where id = ${ticketId}`
  if (!row?.sender) throw new Refusal('nobody_to_answer', `Ticket #${ticketId} has no sender.`)
  const input = { sender: row.sender, ticketId, actor, desk: tools.desk }
  const { pattern, was } = await (value ? blockSender : unblockSender)(tx, input, now)
  return blocking({ pattern, ticketId, to: value ? 'blocked' : 'unblocked', changed: value ? !was : was })
}

/** A sender that was blocked or let in again, as a receipt keeps it. */
export function blocking(done: {
  pattern: string
  ticketId: number | null
  to: 'blocked' | 'unblocked'
  changed: boolean
}): Required<Pick<Undoing, 'inverses' | 'said'>> {
  const verb = done.to === 'blocked' ? 'unblock' : 'block'
  const inverse = { verb, args: { sender: done.pattern, ticketId: done.ticketId } }
  return { inverses: done.changed ? [inverse] : [], said: { key: done.to, data: { to: done.pattern } } }
}

/** The last that is done: the ticket is another's number then. */
async function applyMerge(tx: Tx, { value }: Change, { ticketId, actor }: Doing, now: Date): Promise<Undoing> {
  if (value) await merge(tx, { ticketId, intoId: ticketNumber(value), actor }, now)
  return { inverses: [] }
}

function rowId(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new Refusal('bad_choice', 'Choose one of the offered entries.')
  return Number(text)
}

function ticketNumber(text: string): number {
  const match = /^#?([1-9]\d{0,14})$/.exec(text.trim())
  if (!match) throw new Refusal('bad_number', `"${text.slice(0, 40)}" is no number of a ticket: write #12.`)
  return Number(match[1])
}
