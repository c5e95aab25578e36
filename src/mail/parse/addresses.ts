/**
 * Address lists as people's mail programs really write them (4.7): groups, comments, `;` separators, unquoted commas,
 * missing brackets. A bad entry is dropped here and survives in the raw header. One pass, linear.
 */
import { domainToASCII } from 'node:url'
import type { MailAddress } from '../../incoming.ts'
import { withoutTricks } from './headers.ts'
import { decodeWords } from './words.ts'

/** An entry being read. `name` holds undecoded pieces. */
type Entry = { name: string; comment: string; address: string | null }

/** Reads at most `cap` addresses from an undecoded value. */
export function parseAddresses(raw: string, cap: number): { addresses: MailAddress[]; truncated: boolean } {
  const addresses: MailAddress[] = []
  let held = '' // a name cut by an unquoted comma: `Doe, Jane <jane@example.org>`
  let entry: Entry = { name: '', comment: '', address: null }
  const end = (separator: string) => {
    const found = entryAddress(entry)
    if (found) {
      const name = entry.address !== null && held !== '' ? `${held}, ${entry.name.trim()}` : found.name
      addresses.push({ name: tidyName(name || entry.comment), address: found.address })
    }
    const keep = !found && entry.address === null && separator === ',' && held.length < 500
    held = keep ? (held === '' ? entry.name.trim() : `${held}, ${entry.name.trim()}`) : ''
    entry = { name: '', comment: '', address: null }
  }
  let quotes = true // false once a quote was found that never closes: looking again would be quadratic
  let comments = true
  for (let i = 0; i < raw.length; i++) {
    const char = raw[i]!
    if (char === ',' || char === ';') {
      end(char)
      if (addresses.length >= cap) return { addresses, truncated: /\S/.test(raw.slice(i + 1, i + 1000)) }
    } else if (char === '"' && quotes) {
      const close = closingQuote(raw, i)
      quotes = close >= 0
      if (close >= 0 && raw[close + 1] === '@') {
        entry.name += raw.slice(i, close + 1) // a quoted local part without brackets
        i = close
      } else if (close >= 0) {
        entry.name += raw.slice(i + 1, close).replace(/\\(.)/g, '$1')
        i = close
      }
    } else if (char === '(' && comments) {
      const close = closingComment(raw, i)
      comments = close >= 0
      if (close >= 0) entry.comment ||= raw.slice(i + 1, close)
      else entry.name += char
      if (close >= 0) i = close
    } else if (char === '<') {
      const [address, last] = bracketed(raw, i)
      if (address !== null) entry.address ??= address
      i = last
    } else if (char === ':' && entry.address === null && !entry.name.includes('@') && !held) {
      entry.name = '' // a group's name, or `mailto:`
    } else entry.name += char
  }
  end('')
  return { addresses: addresses.slice(0, cap), truncated: addresses.length > cap }
}

/**
 * One address in its normal form: domain lower case and as A-label, quotes, `mailto:` and a trailing dot gone.
 * Null where it is no address.
 */
export function normaliseAddress(text: string): string | null {
  let address = text
    .trim()
    .replace(/^mailto:/i, '')
    .replace(/^['"<]+(?=[^'"]*@[^'"]*['">]+$)/, '')
  if (address.includes('(')) address = address.replace(/\s?\([^()]*\)\s?/g, '') // RFC 5322 3.4.1 allows comments even here
  address = address.replace(/['">]+$/, '').replace(/\.+$/, '')
  if (address.length > 600 || /[\u0000-\u0020\u007f-\u00a0<>]/.test(address.replace(/^"[^"]*"/, ''))) return null
  const at = address.lastIndexOf('@')
  if (at < 1 || at === address.length - 1) return null
  const domain = normaliseDomain(address.slice(at + 1))
  const local = address.slice(0, at)
  if (domain === null || Buffer.byteLength(local) > 256) return null
  if (local.includes('=?') || (/[@,;:\\"()[\]]/.test(local) && !/^"[^"\r\n]*"$/.test(local))) return null
  return `${local}@${domain}`
}

function normaliseDomain(domain: string): string | null {
  const lower = domain.toLowerCase()
  if (/^\[[0-9a-f:.]+(?:ipv6:[0-9a-f:.]+)?\]$|^\[ipv6:[0-9a-f:.]+\]$/.test(lower)) return lower
  const ascii = /^[\x21-\x7e]*$/.test(lower) ? lower : domainToASCII(lower)
  return ascii.length <= 253 && /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/.test(ascii) && !ascii.includes('..')
    ? ascii
    : null
}

function entryAddress(entry: Entry): MailAddress | null {
  if (entry.address !== null) {
    const address = normaliseAddress(entry.address)
    return address === null ? null : { name: entry.name.trim(), address }
  }
  if (!entry.name.includes('@')) return null
  const whole = normaliseAddress(entry.name)
  if (whole !== null) return { name: '', address: whole }
  for (const token of entry.name.split(/\s+/, 50)) {
    const address = token.includes('@') ? normaliseAddress(token) : null
    if (address !== null) return { name: entry.name.replace(token, ' ').trim(), address }
  }
  return null
}

/** The text between `<` and `>`, starting anew at a second `<`; without `>` up to the first separator. */
function bracketed(raw: string, open: number): [string | null, number] {
  let from = open + 1
  let inQuotes = false
  for (let i = from; i < raw.length; i++) {
    const char = raw[i]
    if (char === '"' && (i === from || inQuotes)) inQuotes = !inQuotes
    else if (inQuotes) continue
    else if (char === '>') return [withoutRoute(raw.slice(from, i)), i]
    else if (char === '<') from = i + 1
    else if (char === ',' || char === ';') {
      const text = raw.slice(from, i)
      if (text.includes('@') && !text.startsWith('@')) return [text, i - 1]
    }
  }
  const rest = raw.slice(from).trim()
  return [rest === '' ? null : (rest.split(/\s/, 1)[0] ?? null), raw.length]
}

/** `<@relay.example,@other.example:jane@example.org>`: RFC 5322 4.4 says to ignore the route. */
const withoutRoute = (text: string) => (text.startsWith('@') ? text.slice(text.lastIndexOf(':') + 1) : text)

function closingQuote(raw: string, open: number): number {
  for (let i = open + 1; i < raw.length; i++) {
    if (raw[i] === '\\') i++
    else if (raw[i] === '"') return i
  }
  return -1
}

function closingComment(raw: string, open: number): number {
  let depth = 0
  for (let i = open; i < raw.length; i++) {
    if (raw[i] === '\\') i++
    else if (raw[i] === '(') depth++
    else if (raw[i] === ')' && --depth === 0) return i
  }
  return -1
}

function tidyName(raw: string): string {
  const name = withoutTricks(decodeWords(raw.trim())).replace(/\s+/g, ' ').trim()
  const bare = name.length > 1 && /^['"].*['"]$/.test(name) ? name.slice(1, -1).trim() : name
  return bare.slice(0, 255).toWellFormed()
}
