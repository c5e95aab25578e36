/**
 * Machines' reports about mail, read as they claim (4a.3, 4a.10, 4a.11): who could not be reached and why, which mail it
 * was, who complained, who opened it. Pure. Whether a report may be believed is for the engine to say: anybody can
 * write one.
 */
import type { MailReport, ReportedRecipient } from '../incoming.ts'
import { report as limits } from '../limits.ts'
import { addressField, decodedXtext, plainAddress } from './bounce/addresses.ts'
import { type Fields, readFields, readGroups } from './bounce/fields.ts'
import { recipientsInText } from './bounce/texts.ts'
import { parseIds } from './parse/ids.ts'

/** The first bytes of a part that a report is made of, decoded; `type` in lower case. */
export type ReportPart = { type: string; bytes: Buffer }

/** Parts whose content `readReport` wants. */
export const REPORT_PART =
  /^(?:message\/(?:global-)?(?:delivery-status|disposition-notification)|message\/feedback-report|(?:text|message)\/rfc822-headers|message\/(?:rfc822|global|global-headers))$/

const ORIGINAL = /rfc822|global$|global-headers$/

/**
 * What a mail reports, null where it reports nothing.
 * @param mail.headers in order; only X-Failed-Recipients is looked at
 * @param mail.text read for recipients where no part names any, which is how qmail, Exim and Exchange write
 */
export function readReport(
  parts: ReportPart[],
  mail: { headers: [string, string][]; text: string; looksLikeBounce: 'yes' | 'no' },
): MailReport | null {
  const of = (kind: string) => parts.filter(({ type }) => type.endsWith(kind)).map(({ bytes }) => bytes)
  const status = of('delivery-status')
  const complaint = of('feedback-report')[0]
  const receipt = of('disposition-notification')[0]
  const failed = mail.headers.filter(([name]) => name.toLowerCase() === 'x-failed-recipients').map(([, value]) => value)
  const isReport = status.length > 0 || complaint || receipt || failed.length > 0 || mail.looksLikeBounce === 'yes'
  if (!isReport) return null
  const named = status
    .flatMap(readGroups)
    .map(recipientOf)
    .filter((one) => one !== null)
  return {
    recipients: (named.length > 0 || complaint || receipt ? named : recipientsInText(mail.text, failed)).slice(
      0,
      limits.recipients,
    ),
    originals: [...new Set(parts.filter(({ type }) => ORIGINAL.test(type)).flatMap(({ bytes }) => idsOf(bytes)))],
    complaint: complaint ? complaintOf(readFields(complaint)) : null,
    receipt: receipt ? receiptOf(readFields(receipt)) : null,
  }
}

/** One group of message/delivery-status (RFC 3464 2.3); null for the group about the whole message. */
function recipientOf(fields: Fields): ReportedRecipient | null {
  const final = addressField(fields.first('final-recipient'))
  const original = addressField(fields.first('original-recipient'))
  if (final === null && original === null) return null
  const action = /^[a-z]+/i.exec(fields.first('action') ?? '')?.[0].toLowerCase() ?? null
  return {
    recipient: final,
    original: original && decodedXtext(original),
    action,
    status: /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(fields.first('status') ?? '')?.[0] ?? null,
    diagnostic: typed(fields.first('diagnostic-code'), limits.diagnostic),
    remoteMta: typed(fields.first('remote-mta'), 255),
  }
}

/** The value behind `smtp;` or `dns;`. */
function typed(value: string | null, most: number): string | null {
  const bare = value?.replace(/^[\w-]{1,20}\s*;/, '').trim() ?? ''
  return bare === '' ? null : bare.slice(0, most)
}

/** RFC 5965 3. */
function complaintOf(fields: Fields): MailReport['complaint'] {
  const type = /^[\w-]+/.exec(fields.first('feedback-type') ?? '')?.[0].toLowerCase() ?? 'other'
  const recipients = fields.all('original-rcpt-to').map(plainAddress)
  return {
    type: type.slice(0, 40),
    recipients: recipients.filter((one) => one !== null).slice(0, limits.recipients),
    mailFrom: plainAddress(fields.first('original-mail-from') ?? ''),
  }
}

/** RFC 8098 3.2; the disposition is the word behind the `;`, without modifiers. */
function receiptOf(fields: Fields): MailReport['receipt'] {
  const said = fields.first('disposition') ?? ''
  return {
    disposition: /;\s*([a-z]+)/i.exec(said)?.[1]?.toLowerCase() ?? 'unknown',
    original: parseIds(fields.all('original-message-id').slice(0, 1)).ids[0] ?? null,
    recipient: addressField(fields.first('final-recipient')),
  }
}

/** The Message-ID of a mail that came back, whole or only its header. */
const idsOf = (bytes: Buffer): string[] => parseIds(readFields(bytes).all('message-id').slice(0, 1)).ids.slice(0, 1)
