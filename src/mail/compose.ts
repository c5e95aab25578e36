/**
 * MIME bytes from an outbox row alone (MAIL 8.12, 8.13, 8.18): the same row makes the same bytes at every try, so the
 * boundaries follow from its Message-ID and id, and the Date is the row's. Everything on the wire is 7-bit with CRLF.
 * It opens no file and no URL, whatever a row says.
 */

import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import MimeNode from 'nodemailer/lib/mime-node'
import type { Composable, HeaderValue } from '../engine/outbox.ts'
import { fileHeaders } from './compose/file-headers.ts'

/** A file of the mail; `open` may be called once a composing. */
export type MailFile = {
  filename: string
  type: string
  inline: boolean
  contentId: string | null
  open(): AsyncIterable<Buffer>
}

/** The mail as a stream of Buffers. Memory does not grow with its files; read it once, compose again for a second time. */
export function compose(row: Composable, files: MailFile[]): Readable {
  const root = body(row, files)
  for (const [name, value] of allHeaders(row)) root.setHeader(name, value)
  return root.createReadStream()
}

type Maker = { node(type: string, parent: MimeNode | null): MimeNode }

const SAFE = { disableFileAccess: true, disableUrlAccess: true }

/** mixed(related(alternative(plain, html), inline...), attached...), without the levels that are not needed. */
function body(row: Composable, files: MailFile[]): MimeNode {
  const inline = row.html === null ? [] : files.filter((file) => file.inline && file.contentId)
  const attached = files.filter((file) => !inline.includes(file))
  const baseBoundary = createHash('sha256').update(`${row.message_id}\n${row.id}`).digest('hex').slice(0, 24)
  const make: Maker = {
    node: (type, parent) =>
      parent
        ? parent.createChild(type, SAFE)
        : new MimeNode(type, { ...SAFE, baseBoundary, boundaryPrefix: '=_postroom' }),
  }
  const mixed = attached.length > 0 ? make.node('multipart/mixed', null) : null
  const related = inline.length > 0 ? make.node('multipart/related', mixed) : null
  const words = addWords(make, row, related ?? mixed)
  for (const file of inline) addFile(make, file, related!)
  for (const file of attached) addFile(make, file, mixed!)
  return mixed ?? related ?? words
}

function addWords(make: Maker, row: Composable, parent: MimeNode | null): MimeNode {
  if (row.html === null) return addText(make.node('text/plain; charset=utf-8', parent), row.text)
  const alternative = make.node('multipart/alternative', parent)
  addText(make.node('text/plain; charset=utf-8', alternative), row.text)
  addText(make.node('text/html; charset=utf-8', alternative), row.html)
  return alternative
}

function addText(node: MimeNode, text: string): MimeNode {
  const lines = text.replace(/\r\n?|\n/g, '\r\n')
  const encoding = encodingOf(lines)
  if (encoding !== '7bit') node.setHeader('Content-Transfer-Encoding', encoding)
  return node.setContent(lines)
}

function addFile(make: Maker, file: MailFile, parent: MimeNode): void {
  const node = make.node('application/octet-stream', parent)
  for (const [name, value] of fileHeaders(file)) node.setHeader(name, { prepared: true, value })
  node.setHeader('Content-Transfer-Encoding', 'base64')
  node.setContent(Readable.from(file.open(), { objectMode: false }))
}

/** Quoted-printable where most letters are Latin, base64 for other scripts; ASCII with short lines as it is. */
function encodingOf(text: string): '7bit' | 'quoted-printable' | 'base64' {
  if (/^[\t\r\n\x20-\x7e]*$/.test(text) && text.split('\r\n').every((line) => line.length <= 76)) return '7bit'
  const latin = text.match(/[a-z]/gi)?.length ?? 0
  return (text.match(/[^\x00-\x7f]/g)?.length ?? 0) > latin ? 'base64' : 'quoted-printable'
}

/** In the order that people expect to find them; From, To and Cc as the desk wrote them. */
function allHeaders(row: Composable): [string, HeaderValue][] {
  const people = row.headers.filter(([, value]) => Array.isArray(value))
  const rest = row.headers.filter(([, value]) => !Array.isArray(value))
  return [
    ['Date', row.date_at.toUTCString().replace('GMT', '+0000')],
    ...people.map(([name, value]): [string, HeaderValue] => [name, structuredClone(value)]),
    ['Subject', row.subject],
    ['Message-ID', `<${row.message_id}>`],
    ...rest,
    ['MIME-Version', '1.0'],
  ]
}
