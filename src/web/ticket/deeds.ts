/** What agents do to a ticket, as its history tells it. Pure. */
import { METRIC_WORDS } from '../words.ts'

/** Null for what is told elsewhere. */
export function deedText(type: string, data: Record<string, unknown>, agents: Map<number, string>): string | null {
  const name = (id: unknown) => agents.get(Number(id)) ?? 'an agent'
  const set = (what: string) => (data.to === null ? `took the ${what} away` : `set the ${what} to ${data.to}`)
  const at = (what: string) => (data.to === null ? `took the ${what} away` : `set the ${what} to ${momentOf(data.to)}`)
  switch (type) {
    case 'type':
    case 'product':
      return set(type)
    case 'field':
      return set(`field ${data.field}`)
    case 'fields':
      return 'set the fields back'
    case 'assessed':
      return data.to === null
        ? 'left its priority unassessed again'
        : `assessed it: its priority stays ${data.priority}`
    case 'dates_told':
      return `told the customer of other dates: ${datesOf(data)}`
    case 'dates_not_told':
      return `did not tell the customer of other dates: ${datesOf(data)}`
    case 'due':
      return at('date by hand')
    case 'passed':
      return `told whose ticket it is that its date by hand has passed: ${momentOf(data.due)}`
    case 'wake':
      return at('time when it comes back')
    case 'woke':
      return 'brought it back: its time has come'
    case 'requester':
      return data.to === null ? 'took its customer away' : `gave it to the customer ${data.to}`
    case 'dismissed':
      return `took ${data.address} out`
    case 'duplicate':
      return data.to === null ? `said that it is no duplicate of #${data.from}` : `called it a duplicate of #${data.to}`
    case 'duplicate_found':
      return `called #${data.ticket} a duplicate of it`
    case 'linked':
    case 'unlinked':
      return `${type} it: ${LINKED[data.kind as keyof typeof LINKED] ?? data.kind} #${data.other}`
    case 'asked':
      return `asked ${data.to} on the side`
    case 'private_note':
      return data.to === null ? 'wrote a private note' : `wrote a private note for ${name(data.to)}`
    case 'followed':
      return `is told of it now: ${data.name}`
    case 'unfollowed':
      return `is told of it no more: ${data.name}`
    case 'blocked':
      return `holds all mail of ${data.pattern} from now on`
    case 'unblocked':
      return `lets mail of ${data.pattern} in again`
    case 'not_spam':
      return 'said that it is no spam'
    default:
      return null
  }
}

const LINKED = { blocks: 'it blocks', blocked_by: 'it is blocked by', relates: 'it has to do with' }

/** By promise, before and now. */
const datesOf = (data: Record<string, unknown>): string =>
  Object.entries(data as Record<string, { from: string; to: string }>)
    .map(([metric, { from, to }]) => `${METRIC_WORDS[metric] ?? metric} ${momentOf(to)}, before ${momentOf(from)}`)
    .join('; ')

/** An instant as an event holds it: `2026-11-25 17:00 UTC`. */
const momentOf = (value: unknown): string => `${String(value).slice(0, 16).replace('T', ' ')} UTC`
