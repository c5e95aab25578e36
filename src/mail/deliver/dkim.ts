/**
 * DKIM signatures (RFC 6376, RFC 8463; MAIL 8.19): relaxed/relaxed, no `l=`, From, Subject, To and Date signed once
 * more than they occur so that none can be added. The time is the mail's, so every try signs the same bytes alike.
 */
import { createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto'
import type { Readable } from 'node:stream'

export type DkimKey = {
  domain: string
  selector: string
  /** RSA (2048 bits or more) or Ed25519, PEM. */
  key: string
}

/**
 * The signature header, folded, with its final CRLF: to be written before the mail's own bytes.
 * @param mail the whole mail, 7-bit with CRLF line ends; read to its end
 */
export async function dkimHeader(mail: Readable, keys: DkimKey[], at: Date): Promise<string> {
  const { header, bodyHash } = await digest(mail)
  const fields = fieldsOf(header)
  return keys.map((key) => signatureOf(fields, bodyHash, key, at)).join('')
}

/** Signed where present. */
const SIGNED = [
  'from',
  'reply-to',
  'subject',
  'date',
  'to',
  'cc',
  'message-id',
  'in-reply-to',
  'references',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
  'auto-submitted',
  'list-unsubscribe',
  'list-unsubscribe-post',
]
const OVERSIGNED = ['from', 'subject', 'to', 'date']

/** Header block as text, and the hash of the relaxed body (RFC 6376 3.4.4), line by line in constant memory. */
async function digest(mail: Readable): Promise<{ header: string; bodyHash: string }> {
  const hash = createHash('sha256')
  let header: string | null = null
  let rest = ''
  let blank = 0
  const line = (text: string) => {
    const relaxed = text.replace(/[ \t]+/g, ' ').replace(/ $/, '')
    if (relaxed === '') blank++
    else {
      hash.update(`${'\r\n'.repeat(blank)}${relaxed}\r\n`, 'latin1')
      blank = 0
    }
  }
  for await (const chunk of mail) {
    rest += (chunk as Buffer).toString('latin1')
    if (header === null) {
      const end = rest.indexOf('\r\n\r\n')
      if (end < 0) continue
      header = rest.slice(0, end + 2)
      rest = rest.slice(end + 4)
    }
    const lines = rest.split('\r\n')
    rest = lines.pop()!
    for (const one of lines) line(one)
  }
  if (rest !== '') line(rest)
  return { header: header ?? '', bodyHash: hash.digest('base64') }
}

/** Last occurrence of each field, relaxed (RFC 6376 3.4.2). */
function fieldsOf(header: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const field of header.split(/\r\n(?![ \t])/)) {
    const colon = field.indexOf(':')
    if (colon > 0) fields.set(field.slice(0, colon).trim().toLowerCase(), relaxed(field.slice(colon + 1)))
  }
  return fields
}

const relaxed = (value: string) =>
  value
    .replace(/\r\n/g, '')
    .replace(/[ \t]+/g, ' ')
    .trim()

function signatureOf(fields: Map<string, string>, bodyHash: string, key: DkimKey, at: Date): string {
  const secret = createPrivateKey(key.key)
  const present = SIGNED.filter((name) => fields.has(name))
  const names = [...present, ...OVERSIGNED]
  const tags = [
    `v=1; a=${secret.asymmetricKeyType === 'ed25519' ? 'ed25519' : 'rsa'}-sha256; c=relaxed/relaxed;`,
    `d=${key.domain}; s=${key.selector}; t=${Math.floor(at.getTime() / 1000)};`,
    ...foldNames(names),
    `bh=${bodyHash};`,
    'b=',
  ]
  const unsigned = `DKIM-Signature: ${tags.join('\r\n ')}`
  const signed = present.map((name) => `${name}:${fields.get(name)}\r\n`).join('')
  const value = signBytes(secret, `${signed}dkim-signature:${relaxed(unsigned.slice(unsigned.indexOf(':') + 1))}`)
  return `${unsigned}${value.match(/.{1,70}/g)!.join('\r\n ')}\r\n`
}

/** `h=` on several lines, none longer than 76. */
function foldNames(names: string[]): string[] {
  const lines = ['h=']
  names.forEach((name, index) => {
    const piece = `${name}${index < names.length - 1 ? ':' : ';'}`
    if (lines.at(-1)!.length + piece.length > 72) lines.push('')
    lines[lines.length - 1] += piece
  })
  return lines
}

/** RFC 8463: Ed25519 signs the SHA-256 of what RSA would sign. */
function signBytes(secret: KeyObject, text: string): string {
  const bytes = Buffer.from(text, 'latin1')
  if (secret.asymmetricKeyType === 'ed25519')
    return sign(null, createHash('sha256').update(bytes).digest(), secret).toString('base64')
  return sign('sha256', bytes, secret).toString('base64')
}
