/** Names of parts made safe to show, to store as metadata and to offer for download (9.6). */
import * as limits from '../../limits.ts'
import { withoutTricks } from './headers.ts'

const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i

/** Extensions for parts that carry no name; the type of a served file is judged by its bytes elsewhere (9.5). */
const EXTENSIONS: Record<string, string> = {
  'text/plain': 'txt',
  'text/html': 'html',
  'text/calendar': 'ics',
  'text/vcard': 'vcf',
  'text/x-vcard': 'vcf',
  'text/csv': 'csv',
  'text/rfc822-headers': 'txt',
  'message/delivery-status': 'txt',
  'message/disposition-notification': 'txt',
  'message/feedback-report': 'txt',
  'message/rfc822': 'eml',
  'message/global': 'eml',
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/gif': 'gif',
  'image/webp': 'webp',
  'image/svg+xml': 'svg',
  'application/pdf': 'pdf',
  'application/pgp-signature': 'asc',
  'application/pkcs7-signature': 'p7s',
  'application/x-pkcs7-signature': 'p7s',
  'application/pkcs7-mime': 'p7m',
  'application/x-pkcs7-mime': 'p7m',
  'application/ics': 'ics',
  'application/ms-tnef': 'dat',
  'application/zip': 'zip',
}

/** The cleaned name; where nothing is left of it, one made of the type and the part's number in the mail. */
export function cleanFilename(name: string, type: string, number: number): string {
  const cleaned = tamed(name)
  if (cleaned !== '') return cleaned
  const kind = type.split('/')[0]
  const stem = type === 'message/rfc822' ? 'message' : kind === 'image' ? 'image' : 'part'
  return `${stem}-${number}.${EXTENSIONS[type] ?? 'bin'}`
}

function tamed(name: string): string {
  const last = withoutTricks(name.slice(0, 4000)).split(/[/\\]/).at(-1) ?? ''
  const tame = last.replace(/[<>:"|?*]/g, '_').replace(/[ \t\r\n]+/g, ' ')
  const bare = tame.replace(/^[.\-\s]+/, '').replace(/[.\s]{1,200}$/, '')
  return shortened(RESERVED.test(bare) ? `_${bare}` : bare)
}

/** At most limits.parse.filename bytes, the extension kept. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= limits.parse.filename) return name
  const extension = /\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? ''
  const room = limits.parse.filename - extension.length
  let stem = ''
  let bytes = 0
  for (const char of name.slice(0, name.length - extension.length)) {
    bytes += Buffer.byteLength(char)
    if (bytes > room) break
    stem += char
  }
  return stem + extension
}
