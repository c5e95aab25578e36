/**
 * Who wrote a mail and where answers to it go (MAIL 4.8, 4.11, 4.13). Pure. The writer is From; another header makes it
 * somebody else only where From is proven to be a form or a list of ours.
 */
import { getDomain } from 'tldts'
import type { Auth, IncomingMail, MailAddress, ParsedMail } from '../../incoming.ts'
import type { Desk } from '../desk.ts'
import { sameAddress } from '../people.ts'
import { matchRecipient } from '../recipients.ts'

/** As much of an arrival as says who wrote it. */
type Letter = { mail: ParsedMail; auth: Auth; envelopeFrom: string | null }

export type Identity = {
  /** Null: nobody is named, not even by the envelope. */
  author: MailAddress | null
  /** The author's own address, or a Reply-To that may stand for it. */
  writeTo: MailAddress | null
  /** The author stands for From: a web form's customer, or the writer behind a list of ours. */
  via: 'form' | 'list' | null
  /** A Reply-To that is not followed: a warning for whoever answers. */
  strayReplyTo: string | null
}

/** Reads the writer out of the header; another than From needs the verdict `strong`. */
export function identify(arrival: Letter, desk: Desk): Identity {
  const { mail, auth } = arrival
  const author = senderOf(arrival)
  if (mail.error !== null || mail.from === null) return { author, writeTo: author, via: null, strayReplyTo: null }
  const from = mail.from
  const replyTo = replyToOf(mail, desk)
  const proven = auth.verdict === 'strong'
  if (proven && replyTo && desk.settings.form_senders.includes(sameAddress(from.address)))
    return { author: replyTo, writeTo: replyTo, via: 'form', strayReplyTo: null }
  if (proven && isOwnList(from.address, desk)) {
    const behind = behindList(mail, desk)
    if (behind) return { author: behind, writeTo: behind, via: 'list', strayReplyTo: null }
  }
  if (!replyTo || sameAddress(replyTo.address) === sameAddress(from.address))
    return { author: from, writeTo: from, via: null, strayReplyTo: null }
  const mayWrite = isNoReply(from.address) || isSameHouse(from.address, replyTo.address)
  return {
    author: from,
    writeTo: mayWrite ? { address: replyTo.address, name: replyTo.name || from.name } : from,
    via: null,
    strayReplyTo: mayWrite ? null : replyTo.address,
  }
}

/** Whether the author is who they say. That a form or a list is proven says nothing of whom it names. */
export const isProven = (auth: Auth, { via }: Identity): boolean => auth.verdict === 'strong' && via === null

/** The writer, as far as the bytes say: From, else Sender, else the envelope (4.8). Null: nobody. */
function senderOf(arrival: Letter): MailAddress | null {
  const { mail } = arrival
  if (mail.from) return mail.from
  if (mail.error === null && mail.sender) return mail.sender
  return arrival.envelopeFrom ? { name: '', address: arrival.envelopeFrom } : null
}

/**
 * The first Reply-To that is neither an address of ours nor of the list that the mail came through: answers go to the
 * person (4a.20). Empty ones were dropped when the list was read.
 */
function replyToOf(mail: IncomingMail, desk: Desk): MailAddress | null {
  const lists = postingAddresses(mail)
  return (
    mail.replyTo.find((one) => !matchRecipient(desk, one.address) && !lists.includes(sameAddress(one.address))) ?? null
  )
}

/** Where one writes to the lists that a mail came through: List-Post, and List-Id `a.b` as `a@b`. */
export function postingAddresses(mail: IncomingMail): string[] {
  return mail.headers.flatMap(([name, value]) => {
    if (/^list-post$/i.test(name))
      return [...value.matchAll(/<mailto:([^<>?\s]{3,320})/gi)].map((match) => sameAddress(match[1]!))
    if (!/^list-id$/i.test(name)) return []
    const id = /<([^<>]{1,255})>/.exec(value)?.[1] ?? value.slice(0, 255)
    return [id.trim().toLowerCase().replace('.', '@')]
  })
}

/** Whether an address is that of an inbox or of a list in front of one; a list `a@b` has the List-Id `a.b`. */
const isOwnList = (address: string, desk: Desk): boolean =>
  matchRecipient(desk, address) !== null || desk.settings.own_lists.includes(sameAddress(address).replace('@', '.'))

/** MAIL 4.13: the writer whom two of three headers name, each of which a list writes by itself. */
function behindList(mail: IncomingMail, desk: Desk): MailAddress | null {
  const header = (name: string) => mail.headers.find(([key]) => key.toLowerCase() === name)?.[1] ?? ''
  const named = [header('x-original-sender'), header('x-original-from')].map(addressIn)
  const reply = mail.replyTo[0]
  if (reply) named.push(sameAddress(reply.address))
  const address = named.find((one, n) => one !== null && named.indexOf(one) !== n)
  if (!address || matchRecipient(desk, address)) return null
  const name = mail.from!.name.replace(/\s+via\s.*$/i, '').replace(/^'(.*)'$/, '$1')
  return { address, name: reply?.name || name }
}

function addressIn(value: string): string | null {
  const found =
    /<([^<>\s@]{1,256}@[^<>\s@]{1,256})>/.exec(value)?.[1] ?? /^\s*([^<>\s@]+@[^<>\s@]+)\s*$/.exec(value)?.[1]
  return found ? sameAddress(found) : null
}

const isNoReply = (address: string): boolean => /^(no|do-?not|ne)[-_.]?reply/i.test(address)

/** Under the same registrable domain; private suffixes count, so that two customers of one host are two houses. */
function isSameHouse(a: string, b: string): boolean {
  const [one, other] = [a, b].map((address) => getDomain(address.slice(address.lastIndexOf('@') + 1), PRIVATE))
  return one !== null && one !== undefined && one === other
}

const PRIVATE = { allowPrivateDomains: true }
