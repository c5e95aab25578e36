/** Mailing lists (4a.15, 4a.20). Whether a list is our own is memory. */
import type { Signal } from '../../incoming.ts'
import { type HeaderLookup, precedences } from './headers.ts'

/** Ids of List-Id headers: what stands in the brackets, else the whole, in lower case. */
export function listIdsOf(headers: HeaderLookup): string[] {
  const ids = headers
    .all('list-id')
    .slice(0, 10)
    .map((value) => /<([^<>]{1,255})>/.exec(value)?.[1] ?? value)
  return [...new Set(ids.map((id) => id.trim().toLowerCase().slice(0, 255)).filter((id) => id !== ''))]
}

/**
 * What list managers wrote before RFC 2919, and write still: ezmlm and Yahoo Groups, SmartList and Majordomo 2, Mailman,
 * fml, Google Groups, CommuniGate.
 */
const LIST_HEADERS = [
  'mailing-list',
  'x-mailing-list',
  'x-beenthere',
  'x-mailman-version',
  'x-ml-name',
  'x-google-group-id',
  'x-listserver',
]

/** List mail whatever its Precedence says; bulk of which a List-Unsubscribe is all that speaks is none. */
export const isFromList = (headers: HeaderLookup): boolean => headers.has('list-id') || marksOf(headers).length > 0

/** Signals that a list sent it. */
export function listSignals(headers: HeaderLookup): Signal[] {
  const list = (words: string): Signal => ({ rule: '4a.15', says: 'list', words })
  const signals: Signal[] = listIdsOf(headers).map((id) => list(`List-Id ${id}`))
  if (precedences(headers).some((value) => /^list\b/i.test(value))) signals.push(list('Precedence: list'))
  for (const mark of marksOf(headers)) signals.push(list(mark))
  if (headers.has('list-post') && signals.length === 0) signals.push(list('List-Post'))
  return signals
}

const marksOf = (headers: HeaderLookup): string[] => LIST_HEADERS.filter((key) => headers.has(key))
