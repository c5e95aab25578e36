/**
 * Mails that come as files: the envelope that nobody handed over is read from what delivered them wrote into their
 * header. It is a claim, so nothing of it proves who sent the mail: no client address comes from here (MAIL 5.2).
 */
import { people as limits } from '../limits.ts'
import { parseAddresses } from './parse/addresses.ts'
import { endOfHeader, parseHeaders, rawValues } from './parse/headers.ts'
import { isoDate, scanFields } from './parse/scan.ts'
import type { Envelope } from './spool.ts'

type Match = { inbox: string; tag: string | null }

export type FiledMail = {
  /** Its first bytes: all of its header block, or limits.parse.header of it. */
  head: Buffer
  /** `archive`: history with its real date, closed, nothing sent (2.5); `live`: as if it came now. */
  manner: 'live' | 'archive'
  /** Where it is to go, whatever its header says. */
  to: string | null
  /** The inbox that an address belongs to. */
  match(address: string): Match | null
  /** The address that takes what names none of ours. */
  fallback: string
  /** When it was delivered, as its mbox or Maildir says. */
  date: Date | null
}

/**
 * The envelope of a mail from a file: recipients are ours of Delivered-To and its kin, else ours of To and Cc, else
 * `fallback`; the sender is the topmost Return-Path, null where there is none.
 */
export function filedEnvelope(filed: FiledMail, now: Date): Envelope {
  const end = endOfHeader(filed.head)
  const { fields } = parseHeaders(end < 0 ? filed.head : filed.head.subarray(0, end))
  const named = ['to', 'cc'].flatMap((key) => rawValues(fields, key)).flatMap(addressesOf)
  const delivered = scanFields(fields).deliveredTo.filter(filed.match)
  const ours = delivered.length > 0 ? delivered : named.filter(filed.match)
  const addresses = filed.to !== null ? [filed.to] : ours.length > 0 ? [...new Set(ours)] : [filed.fallback]
  const session = { ...(filed.manner === 'archive' && { archive: true }) }
  return {
    via: 'import',
    listener: filed.manner === 'archive' ? 'archive' : 'import',
    from: returnPath(rawValues(fields, 'return-path')[0]),
    recipients: addresses.map((address) => ({ address, ...(filed.match(address) ?? { inbox: null, tag: null }) })),
    session: session as Envelope['session'],
    prefix: '',
    receivedAt: filed.manner === 'archive' ? realDate(fields, filed.date, now) : now,
  }
}

type Fields = ReturnType<typeof parseHeaders>['fields']

const addressesOf = (raw: string): string[] =>
  parseAddresses(raw, limits.participants).addresses.map((one) => one.address)

/** '' is the null sender. */
function returnPath(raw: string | undefined): string | null {
  if (raw === undefined) return null
  if (/^<\s*>/.test(raw.trim())) return ''
  return addressesOf(raw)[0] ?? null
}

/** MAIL 2.5: when the last server took it, else when it says it was written, else what the file says; never later than now. */
function realDate(fields: Fields, filed: Date | null, now: Date): Date {
  const received = rawValues(fields, 'received').map((raw) => isoDate(raw.slice(raw.lastIndexOf(';') + 1)))[0]
  const dates = [received, isoDate(rawValues(fields, 'date')[0] ?? '')].map((text) => (text ? new Date(text) : null))
  const isReal = (at: Date | null): at is Date => at !== null && at <= now && at.getUTCFullYear() >= 1971
  return [...dates, filed].find(isReal) ?? now
}
