/** Mailing lists (4a.15, 4a.20). Whether a list is our own is memory. */
import type { Signal } from '../../incoming.ts'
import type { HeaderLookup } from './headers.ts'

/** Ids of List-Id headers: what stands in the brackets, else the whole, in lower case. */
export function listIdsOf(headers: HeaderLookup): string[] {
  const ids = headers
    .all('list-id')
    .slice(0, 10)
    .map((value) => /<([^<>]{1,255})>/.exec(value)?.[1] ?? value)
  return [...new Set(ids.map((id) => id.trim().toLowerCase().slice(0, 255)).filter((id) => id !== ''))]
}

/** Signals that a list sent it. */
export function listSignals(headers: HeaderLookup): Signal[] {
  const list = (words: string): Signal => ({ rule: '4a.15', says: 'list', words })
  const signals: Signal[] = listIdsOf(headers).map((id) => list(`List-Id ${id}`))
  const precedences = [...headers.all('precedence'), ...headers.all('x-precedence')]
  if (precedences.some((value) => /^list\b/i.test(value.trim()))) signals.push(list('Precedence: list'))
  if (headers.has('list-post') && signals.length === 0) signals.push(list('List-Post'))
  return signals
}
