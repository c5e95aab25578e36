/** Addresses as reports write them: `rfc822; <eva@acme.example>`, `utf-8; j\x{F6}rg@acme.example`, `eva+2Btag@...`. */
import { domainToASCII } from 'node:url'

/** The address of a Final- or Original-Recipient field (RFC 3464 2.3.1, RFC 6533 3); null where none is in it. */
export function addressField(value: string | null): string | null {
  if (value === null) return null
  const [, type = '', rest = ''] = /^([\w-]{1,20})\s*;(.*)$/s.exec(value) ?? [null, '', value]
  return plainAddress(type.toLowerCase() === 'utf-8' ? rest.replace(/\\x\{([0-9a-f]{1,6})\}/gi, unescaped) : rest)
}

/** The first address in a text, its domain in lower case and as A-labels. */
export function plainAddress(text: string): string | null {
  const found = /[^\s<>(),;:"@[\]]{1,255}@[^\s<>(),;:"@[\]]{1,255}/u.exec(text.slice(0, 2000))?.[0]
  if (!found) return null
  const at = found.indexOf('@')
  const domain = domainToASCII(found.slice(at + 1).replace(/\.+$/, ''))
  return domain === '' ? null : `${found.slice(0, at)}@${domain}`
}

/** The characters that xtext (RFC 3461 4) has to write as hex and that addresses hold: `+`, `=` and a blank. */
export const decodedXtext = (address: string): string =>
  address.replace(/\+(2B|3D|20)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

function unescaped(_: string, hex: string): string {
  const code = Number.parseInt(hex, 16)
  return code > 0x20 && code <= 0x10ffff ? String.fromCodePoint(code).toWellFormed() : ''
}
