/** Checks a DKIM signature as a receiver would (RFC 6376), knowing nothing of how ours are made. */
import { createHash, type KeyObject, verify } from 'node:crypto'

/**
 * The verdict on the first DKIM-Signature of a mail: relaxed/relaxed, rsa-sha256.
 * @param raw any line ends
 * @param key what DNS would hold
 * @returns null when it holds, else what is wrong
 */
export function checkDkim(raw: Buffer, key: KeyObject): string | null {
  const text = raw.toString('latin1').replace(/\r?\n/g, '\r\n')
  const end = text.indexOf('\r\n\r\n')
  const fields = text
    .slice(0, end)
    .split(/\r\n(?![ \t])/)
    .map((field) => ({ name: field.slice(0, field.indexOf(':')).trim().toLowerCase(), field }))
  const signature = fields.find(({ name }) => name === 'dkim-signature')?.field
  if (!signature) return 'no signature'
  const tags = new Map(
    signature
      .slice(signature.indexOf(':') + 1)
      .split(';')
      .map((tag) => [tag.slice(0, tag.indexOf('=')).trim(), tag.slice(tag.indexOf('=') + 1).replace(/\s+/g, '')]),
  )
  if (tags.get('a') !== 'rsa-sha256' || tags.get('c') !== 'relaxed/relaxed') return `unexpected: ${signature}`
  if (tags.has('l')) return 'only part of the body is signed'
  if (
    createHash('sha256')
      .update(relaxBody(text.slice(end + 4)), 'latin1')
      .digest('base64') !== tags.get('bh')
  )
    return 'the body was changed'
  const pool = [...fields].reverse() // of several fields of a name the last is signed first
  const signed = (tags.get('h') ?? '')
    .toLowerCase()
    .split(':')
    .map((wanted) => {
      const at = pool.findIndex(({ name }) => name === wanted)
      return at < 0 ? '' : `${relaxField(pool.splice(at, 1)[0]!.field)}\r\n`
    })
  const own = relaxField(signature.replace(/(;\s*b=)[^;]*/, '$1'))
  const good = verify(
    'sha256',
    Buffer.from(signed.join('') + own, 'latin1'),
    key,
    Buffer.from(tags.get('b')!, 'base64'),
  )
  return good ? null : 'the header was changed'
}

function relaxField(field: string): string {
  const colon = field.indexOf(':')
  const value = field.slice(colon + 1).replaceAll('\r\n', '')
  return `${field.slice(0, colon).trim().toLowerCase()}:${value.replace(/[ \t]+/g, ' ').trim()}`
}

function relaxBody(body: string): string {
  const lines = body.split('\r\n').map((line) => line.replace(/[ \t]+/g, ' ').replace(/ $/, ''))
  while (lines.at(-1) === '') lines.pop()
  return lines.length === 0 ? '' : `${lines.join('\r\n')}\r\n`
}
