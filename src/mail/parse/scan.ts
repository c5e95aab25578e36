/**
 * What can be known of a mail from its first bytes, whatever state it is in: used when it is accepted, before anything
 * is parsed, and for the mail that cannot be parsed. Bounded, linear, never throws.
 */
import type { HeaderScan } from '../../incoming.ts'
import * as limits from '../../limits.ts'
import { parseAddresses } from './addresses.ts'
import { displayed, endOfHeader, type Field, parseHeaders, rawValues, startOfHeader } from './headers.ts'
import { normaliseId, parseIds } from './ids.ts'

/** Reads at most limits.parse.header bytes of `head`; own and referred ids as the spool orders work by them. */
export function scanHeaders(head: Buffer): HeaderScan {
  const capped = head.length > limits.parse.header ? head.subarray(0, limits.parse.header) : head
  const start = startOfHeader(capped)
  if (start !== 0 && (start < 0 || start === capped.length)) return scanFields([])
  const end = endOfHeader(capped, start)
  return scanFields(parseHeaders(capped.subarray(start, end < 0 ? undefined : end)).fields)
}

/** The same from fields that were read already. */
export function scanFields(fields: Field[]): HeaderScan {
  const messageId = firstId(fields)
  const referred = parseIds([...rawValues(fields, 'in-reply-to'), ...rawValues(fields, 'references')]).ids
  const ids = new Set(messageId === null ? referred : [messageId, ...referred])
  const from = rawValues(fields, 'from').flatMap((raw) => parseAddresses(raw, 1).addresses)
  return {
    messageId,
    ids: [...ids].slice(0, limits.parse.ids),
    from: from[0] ?? null,
    subject: displayed(rawValues(fields, 'subject')[0] ?? '')
      .slice(0, 2000)
      .toWellFormed(),
    date: isoDate(rawValues(fields, 'date')[0] ?? ''),
    receivedCount: fields.filter((field) => field.key === 'received').length,
    deliveredTo: deliveredTo(fields),
  }
}

/** A Date header as ISO 8601 UTC; one without a zone counts as UTC; null where it is none. */
export function isoDate(raw: string): string | null {
  const text = raw
    .slice(0, 200)
    .replace(/\([^()]*\)/g, ' ')
    .trim()
  if (!/\d/.test(text)) return null
  const zoned = /(?:[+-]\d{2}:?\d{2}|\b[A-Z]{1,5})$/i.test(text) ? text : `${text} +0000`
  const ms = [zoned, zoned.replace(/\s\S+$/, ' +0000')].map((form) => Date.parse(form)).find((at) => !Number.isNaN(at))
  if (ms === undefined || ms < -62_135_596_800_000 || ms > 253_402_300_799_000) return null
  return new Date(ms).toISOString()
}

function firstId(fields: Field[]): string | null {
  const raw = rawValues(fields, 'message-id')[0]
  return raw === undefined ? null : normaliseId(raw)
}

function deliveredTo(fields: Field[]): string[] {
  const keys = ['delivered-to', 'x-original-to', 'envelope-to']
  const raws = fields.filter((field) => keys.includes(field.key)).map((field) => field.raw)
  const addresses = raws.slice(0, 50).flatMap((raw) => parseAddresses(raw, 20).addresses.map((found) => found.address))
  return [...new Set(addresses)]
}
