/** The one address in a From line that a mail program printed into a text (7.12). */
import type { MailAddress } from '../../incoming.ts'
import { parseAddresses } from '../parse/addresses.ts'

/**
 * `X <a@b>`, `X [mailto:a@b]`, `a@b`, `X (a@b)`, `X &lt;a@b&gt;`, `X <a@b<mailto:a@b>>`. Null where there is none or
 * where two different ones stand.
 */
export function readSender(line: string): MailAddress | null {
  const text = line
    .slice(0, 1000)
    .replace(/&lt;/gi, '<')
    .replace(/&gt;/gi, '>')
    .replace(/[*_]{1,3}(?=[^\s*_]{1,200}@)|(?<=\w)[*_]{1,3}(?=\s|$)/g, '')
  const found = [...new Set([...text.matchAll(ADDRESS)].map((match) => trimmed(match[0]).toLowerCase()))]
  if (found.length !== 1) return null
  const first = [...text.matchAll(ADDRESS)][0]!
  const name = nameBefore(text, first.index)
  const parsed = parseAddresses(`<${trimmed(first[0])}>`, 2).addresses
  return parsed.length === 1 ? { name: name === '' ? parsed[0]!.name : name, address: parsed[0]!.address } : null
}

/** Local part and a domain with a dot; a mailto: scheme before it is not part of it. */
const ADDRESS = /(?<![^\s<>[\]()"',;:])[^\s<>[\]()"',;:@]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/gu

const trimmed = (address: string) => address.replace(/[.-]+$/, '')

function nameBefore(text: string, index: number): string {
  return text
    .slice(0, index)
    .replace(/(?:mailto:)$/i, '')
    .replace(/[<[("'\s]+$/, '')
    .replace(/^["'\s*]+/, '')
    .replace(/["'*]+$/, '')
    .slice(0, 200)
    .trim()
}
