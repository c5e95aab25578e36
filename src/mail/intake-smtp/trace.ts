/**
 * Trace lines: those put in front of a mail (1.18), and those it already carries, which show a loop (1.19). The mail's
 * own bytes are never changed, so that DKIM still verifies.
 */
import { comparable } from './recipients.ts'

export type Arriving = {
  from: string
  recipients: string[]
  /** '' for a unix socket. */
  ip: string
  helo: string
  hostname: string
  /** RFC 3848: ESMTP, ESMTPS, LMTP, ... */
  protocol: string
  smtputf8: boolean
  /** Unique for this mail. */
  id: string
}

/** Return-Path, one Delivered-To for each recipient, Received; CRLF-terminated. */
export function tracePrefix(mail: Arriving, now: Date): string {
  const peer = mail.ip ? `${token(mail.helo)} ([${mail.ip.includes(':') ? 'IPv6:' : ''}${mail.ip}])` : token(mail.helo)
  const one = mail.recipients.length === 1 ? `\r\n\tfor <${path(mail.recipients[0]!)}>` : ''
  const date = now.toUTCString().replace('GMT', '+0000')
  return [
    `Return-Path: <${path(mail.from)}>`,
    ...mail.recipients.map((recipient) => `Delivered-To: ${path(recipient)}`),
    `Received: from ${peer}\r\n\tby ${mail.hostname} with ${protocolOf(mail)} id ${mail.id}${one}; ${date}`,
    '',
  ].join('\r\n')
}

/** How many hops a header block shows, and how often each address of Delivered-To stands in it. */
export function readHops(header: Buffer): { received: number; deliveredTo: Map<string, number> } {
  const text = header.toString('utf8')
  const received = text.match(/^received[ \t]*:/gim)?.length ?? 0
  const deliveredTo = new Map<string, number>()
  for (const [, address] of text.matchAll(/^delivered-to[ \t]*:[ \t]*(?:\r?\n[ \t]+)?<?([^\s<>]{1,1000})/gim)) {
    const key = comparable(address!)
    deliveredTo.set(key, (deliveredTo.get(key) ?? 0) + 1)
  }
  return { received, deliveredTo }
}

/** RFC 6531 4.3. */
const protocolOf = ({ protocol, smtputf8 }: Arriving) =>
  smtputf8 ? protocol.replace(/^E?SMTP/, 'UTF8SMTP').replace(/^LMTP/, 'UTF8LMTP') : protocol

/** What a client says of itself stands in a header: nothing that ends or opens a part of it. */
const token = (text: string) => text.replace(/[^\w.:\-[\]]/g, '?').slice(0, 255) || 'unknown'

const path = (address: string) => address.replace(/[\s<>\p{C}]/gu, '?')
