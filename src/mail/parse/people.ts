/** Who a mail is from and to, as its header says it (4.5, 4.7-4.9). Claims, not identities (0.6). */
import type { IncomingMail, MailAddress } from '../../incoming.ts'
import * as limits from '../../limits.ts'
import { parseAddresses } from './addresses.ts'
import { type Field, rawValues } from './headers.ts'
import { decodeWords } from './words.ts'

export type People = Pick<IncomingMail, 'from' | 'allFrom' | 'fromIrregular' | 'sender' | 'replyTo' | 'to' | 'cc'>

/** Adds what was cut to `truncated` and what was odd to `flags`. */
export function readPeople(fields: Field[], truncated: Set<string>, flags: Set<string>): People {
  let room: number = limits.parse.addresses
  const read = (raws: string[]): MailAddress[] => {
    const found: MailAddress[] = []
    for (const raw of raws) {
      const list = room > 0 ? parseAddresses(raw, room) : { addresses: [], truncated: raw !== '' }
      if (list.truncated) truncated.add('addresses')
      room -= list.addresses.length
      found.push(...list.addresses)
    }
    return found
  }
  const first = (key: string) => read(rawValues(fields, key).slice(0, 1))
  const froms = rawValues(fields, 'from')
  let allFrom = read(froms)
  const encoded = allFrom.length === 0 && froms.length > 0
  if (encoded) {
    allFrom = fromEncodedWords(froms)
    flags.add(allFrom.length > 0 ? 'from_encoded' : 'from_unreadable')
  }
  if (froms.length > 1 || allFrom.length > 1) flags.add('several_from')
  if (froms.length === 0) flags.add('no_from')
  return {
    from: allFrom[0] ?? null,
    allFrom,
    fromIrregular: encoded || froms.length > 1 || allFrom.length > 1,
    sender: first('sender')[0] ?? null,
    replyTo: first('reply-to'),
    to: read(rawValues(fields, 'to')),
    cc: read(rawValues(fields, 'cc')),
  }
}

/** 4.5: only where the decoded text shows an address in brackets, once, and never as a regular From. */
function fromEncodedWords(raws: string[]): MailAddress[] {
  for (const raw of raws) {
    const decoded = raw.includes('=?') ? decodeWords(raw) : ''
    if (/<[^<>@\s]{1,256}@[^<>@\s]{1,256}>/.test(decoded)) return parseAddresses(decoded, 10).addresses
  }
  return []
}
