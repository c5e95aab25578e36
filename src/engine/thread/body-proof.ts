/**
 * Secrets of a ticket that stand in a mail's text, in a quotation or a footer (MAIL 6.1 (5)): a signed reply address or
 * a Message-ID of ours. Only what customers are sent counts, and only with its MAC: text without one says nothing (6.5).
 */
import { parse as limits, threading } from '../../limits.ts'
import { type Keys, looksSigned, readMessageId, readSignedAddress, type Token } from '../../tokens.ts'

export type BodyProof = { ticket: number; generation?: number }

/**
 * The tickets that the first 64 KB of a text prove to know, in the order they stand there. Linear; at most
 * limits.threading.proofs candidates are checked.
 * @param bases our inboxes' addresses and aliases
 */
export function readBodyProofs(text: string, bases: string[], keys: Keys): BodyProof[] {
  const seen = text.slice(0, threading.text)
  if (!seen.includes('@')) return []
  const proofs = new Map<string, BodyProof>()
  let checked = 0
  for (const [word] of seen.matchAll(CANDIDATE)) {
    if (checked >= threading.proofs) break
    const one = word.replace(/[.-]+$/, '') // the end of a sentence
    if (proofs.has(one)) continue
    checked++
    const proof = looksSigned(one) ? addressProof(one, bases, keys) : idProof(one, keys)
    if (proof) proofs.set(one, proof)
  }
  return [...proofs.values()].slice(0, limits.ids)
}

/** One run of address characters around an `@`; each is looked at once. */
const CANDIDATE = /(?<![a-z0-9._+=-])[a-z0-9._+=-]{20,64}@[a-z0-9.-]{1,253}/gi

function addressProof(address: string, bases: string[], keys: Keys): BodyProof | null {
  const token = bases.map((base) => readSignedAddress(keys, base, address)).find((one): one is Token => one !== null)
  return token?.purpose === 'c' ? { ticket: token.ticket, generation: token.generation } : null
}

/** Ids of answers and acknowledgements and the conversation's root; those of agents' mail open nothing (0.7). */
function idProof(id: string, keys: Keys): BodyProof | null {
  const read = readMessageId(keys, id)
  return read && (read.kind === 'c' || read.kind === 'a' || read.kind === 't') ? { ticket: read.ticket } : null
}
