/**
 * Authentication-Results that may be believed (MAIL 5.3-5.5): those of a configured server, above the first Received
 * that none of its own hops wrote, and of them only the topmost. Everybody may write the rest.
 */
import { getDomain } from 'tldts'
import type { Field } from '../parse/headers.ts'

/** One method of a header (RFC 8601 2.2); `props` as `header.from`, lower case, values as written. */
export type Method = { method: string; result: string; props: Record<string, string> }

export type Results = { id: string | null; methods: Method[] }

/** Accounts of Microsoft 365 name this instead of an id: its header has none (5.4). */
export const M365 = 'm365'

/** The results that `authservId` wrote at the edge of what it is responsible for, or null. */
export function trustedResults(fields: Field[], authservId: string): Results | null {
  const id = authservId.toLowerCase()
  for (const field of fields) {
    if (field.key === 'received' && !isOwnHop(field.raw, id)) return null
    if (field.key !== 'authentication-results') continue
    const results = readResults(field.raw)
    if (id === M365 ? results.id === null : results.id === id) return results
  }
  return null
}

/** The authserv-id of the topmost Authentication-Results, trusted or not: what `check` proposes (5.3). */
export function topmostId(fields: Field[]): string | null {
  const top = fields.find((field) => field.key === 'authentication-results')
  return top ? (readResults(top.raw).id ?? M365) : null
}

/** Reads a header value. Comments go, quoted strings are values; a method without a result is left out. */
export function readResults(value: string): Results {
  const [first = [], ...others] = segments(value)
  const hasId = first.length > 0 && !first[0]!.includes('=')
  return {
    id: hasId ? first[0]!.toLowerCase() : null,
    methods: (hasId ? others : [first, ...others]).flatMap(methodOf),
  }
}

/** The first result of a method, or null. */
export const methodNamed = (results: Results, name: string): Method | null =>
  results.methods.find((one) => one.method === name) ?? null

/** The registrable domain by the Public Suffix List, private suffixes included; the name itself where it has none. */
export const registrable = (domain: string): string =>
  getDomain(domain, { allowPrivateDomains: true, validateHostname: false }) ?? domain.toLowerCase()

function methodOf(tokens: string[]): Method[] {
  const [head = '', ...rest] = tokens
  const [name, result] = pair(head)
  if (!name || !result) return []
  const props = Object.fromEntries(rest.flatMap((token) => (token.includes('=') ? [pair(token)] : [])))
  return [{ method: name.split('/')[0]!, result: result.toLowerCase(), props }]
}

const pair = (token: string): [string, string] => {
  const at = token.indexOf('=')
  return at < 0 ? [token.toLowerCase(), ''] : [token.slice(0, at).toLowerCase(), token.slice(at + 1)]
}

/** Cuts a value at `;` and at blanks, outside of quotes and comments; a blank beside `=` is none (CFWS). Linear. */
function segments(value: string): string[][] {
  const all: string[][] = [[]]
  let token = ''
  let depth = 0
  let quoted = false
  const end = () => {
    if (token) all.at(-1)!.push(token)
    token = ''
  }
  for (let i = 0; i < value.length; i++) {
    const c = value[i]!
    if (c === '\\' && (quoted || depth > 0)) {
      i++
      if (quoted && depth === 0) token += value[i] ?? ''
    } else if (quoted) {
      if (c === '"') quoted = false
      else token += c
    } else if (c === '(') depth++
    else if (c === ')') depth = Math.max(0, depth - 1)
    else if (depth > 0) continue
    else if (c === '"') quoted = true
    else if (c === ';') {
      end()
      all.push([])
    } else if (c === '=' && token === '' && all.at(-1)!.length) token = `${all.at(-1)!.pop()}=`
    else if (/\s/.test(c)) {
      if (!token.endsWith('=')) end()
    } else token += c
  }
  end()
  return all
}

const MICROSOFT = /(^|\.)(outlook\.com|office365\.com|exchangelabs\.com|microsoft\.com)$/

/** Whether a Received line was written by the server of `id`: its `by` is under the same registrable domain. */
function isOwnHop(received: string, id: string): boolean {
  const [tokens = []] = segments(received)
  const from = tokens[0]?.toLowerCase() === 'from'
  const at = tokens.findIndex((token, n) => n >= (from ? 2 : 0) && token.toLowerCase() === 'by')
  const by = at < 0 ? '' : (tokens[at + 1] ?? '').toLowerCase()
  if (!by) return false
  if (id === M365) return MICROSOFT.test(by)
  // Google hands a mail on to itself under an address, and then says no `from`
  if (!from && /^[0-9a-f:.]+$/.test(by) && by.includes(':')) return true
  return by === id || registrable(by) === registrable(id)
}
