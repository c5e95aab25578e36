/** Message-IDs: one normal form (3.1) and tolerant lists of them (6.2). Linear. */
import * as limits from '../../limits.ts'

const LONGEST = 998

/** The id in a Message-ID value, without brackets: inner blanks gone, domain in lower case. Null is absent (3.1). */
export function normaliseId(value: string): string | null {
  const open = value.indexOf('<')
  const close = open < 0 ? -1 : value.indexOf('>', open)
  if (close >= 0) return tidy(value.slice(open + 1, close))
  const bare = value.trim().split(/[\s,]+/, 1)[0] ?? ''
  return tidy(bare.replaceAll('<', ''))
}

/** The ids of In-Reply-To and References values, each once, in order; beyond the cap the first and the newest stay. */
export function parseIds(values: string[]): { ids: string[]; truncated: boolean } {
  const found = new Set<string>()
  for (const value of values) for (const id of idsOf(value)) found.add(id)
  const ids = [...found]
  if (ids.length <= limits.parse.ids) return { ids, truncated: false }
  return { ids: [ids[0]!, ...ids.slice(1 - limits.parse.ids)], truncated: true }
}

function idsOf(value: string): string[] {
  const ids: string[] = []
  if (!value.includes('<')) {
    for (const token of value.split(/[\s,]+/)) if (token.includes('@')) ids.push(token)
  }
  for (let open = value.indexOf('<'); open >= 0; ) {
    const next = value.indexOf('<', open + 1)
    const close = value.indexOf('>', open + 1)
    if (close < 0) break
    if (next < 0 || close < next) ids.push(value.slice(open + 1, close)) // `<a<b>`: only `b` is whole
    open = next
  }
  return ids.map(tidy).filter((id) => id !== null)
}

function tidy(token: string): string | null {
  if (token.length > LONGEST * 2) return null
  const id = token.replace(/[\s\u0000-\u001f]+/g, '')
  if (id === '' || id === '@' || Buffer.byteLength(id) > LONGEST) return null
  const at = id.lastIndexOf('@')
  return at < 0 ? id : id.slice(0, at + 1) + id.slice(at + 1).toLowerCase()
}
