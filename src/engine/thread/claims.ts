/** What a mail itself says about its conversation (MAIL 6.1, 6.2, 6.6). Nothing is looked up; what it leads to says thread.ts. */
import type { IncomingMail } from '../../incoming.ts'
import { type Keys, looksSignedFor, readMessageId, readSignedAddress, type Token } from '../../tokens.ts'
import type { Desk } from '../desk.ts'
import { sameAddress } from '../people.ts'
import { type BodyProof, readBodyProofs } from './body-proof.ts'

export type Claims = {
  /** Tokens of our signed addresses, valid by their MAC. */
  tokens: Token[]
  /** Those of them that stand in To or Cc, where a signature covers them. */
  written: Token[]
  /** An address that looks signed and is not valid (1.8). */
  badToken: boolean
  /** Too many of those came from there: a valid one lets nobody in who takes no part (5.8). */
  guessed: boolean
  /** Referred ids in the order of 6.1: In-Reply-To, then References right to left; ours only when the MAC is good. */
  ids: string[]
  /** Ticket numbers of ids that are ours. */
  ours: Map<string, number>
  /** Those of them that only agents were sent: they are a secret of agents, and `insider` says whether one wrote. */
  inside: Set<string>
  insider: boolean
  /** The last `[<prefix>#n]` of the subject (6.6). */
  tag: number | null
  /** The mail's own Message-ID: an earlier one may have referred to it. */
  messageId: string | null
  baseSubject: string
  /** Secrets of tickets that stand in its text. */
  proofs: BodyProof[]
  /** Numbers of another system (6.24). */
  external: string[]
  /** The thread that a mail provider counts it to. */
  provider: string | null
}

/** A mail that nothing can be read of claims nothing. */
export const NO_CLAIMS: Claims = {
  tokens: [],
  written: [],
  badToken: false,
  guessed: false,
  ids: [],
  ours: new Map(),
  inside: new Set(),
  insider: false,
  tag: null,
  messageId: null,
  baseSubject: '',
  proofs: [],
  external: [],
  provider: null,
}

/**
 * Reads the claims of a mail (6.1, 6.2, 6.6). Pure.
 * @param given.addresses envelope recipients, then Delivered-To, X-Original-To, To and Cc
 * @param given.insider an agent who is proven to have written it
 */
export function readClaims(
  mail: IncomingMail,
  given: { addresses: string[]; external: string[]; provider: string | null; insider: boolean },
  desk: Desk,
  keys: Keys,
): Claims {
  const tokens: Token[] = []
  const written: Token[] = []
  const inHeader = new Set([...mail.to, ...mail.cc].map((one) => sameAddress(one.address)))
  let badToken = false
  const bases = desk.inboxes.flatMap((inbox) => [inbox.address, ...inbox.aliases])
  for (const address of new Set(given.addresses.map(sameAddress))) {
    if (!MAY_BE_SIGNED.test(address)) continue
    const read = bases.map((base) => readSignedAddress(keys, base, address)).find((token) => token)
    if (read) {
      tokens.push(read)
      if (inHeader.has(address)) written.push(read)
    } else if (bases.some((base) => looksSignedFor(base, address))) badToken = true
  }
  const ids = [...new Set([...mail.inReplyTo, ...mail.references.toReversed()])]
  const ours = new Map<string, number>()
  const inside = new Set<string>()
  for (const id of ids) {
    const read = readMessageId(keys, id)
    if (read) ours.set(id, read.ticket)
    if (read?.kind === 'w') inside.add(id)
  }
  return {
    tokens,
    written,
    badToken,
    guessed: false,
    ids,
    ours,
    inside,
    insider: given.insider,
    tag: readTag(mail.subject, desk.settings.subject_prefix),
    messageId: mail.messageId,
    baseSubject: mail.baseSubject,
    proofs: readBodyProofs(mail.text, bases, keys),
    external: given.external,
    provider: given.provider,
  }
}

/** The ticket number of `[<prefix>#<digits>]`; the last one wins, text may touch it (6.6). */
function readTag(subject: string, prefix: string): number | null {
  const literal = prefix.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const tags = [...subject.matchAll(new RegExp(`\\[${literal}#(\\d{1,12})\\]`, 'gi'))]
  return tags.length ? Number(tags.at(-1)![1]) : null
}

/** Most addresses are not, and need not be compared with those of every inbox. */
const MAY_BE_SIGNED = /\+r[a-z2-7]|@reply\./
