/**
 * Whether a mail comes from whom its From says (MAIL 5), after acceptance and outside of any transaction, on the bytes
 * as received. SPF where the client's address is known, DKIM and trusted ARC on every path, the results of a server in
 * front where its name is configured. Decides nothing: what a verdict allows is the engine's.
 */
import { Readable } from 'node:stream'
import { domainToASCII } from 'node:url'
import { type DKIMResult, dkimVerify, dmarc as findPolicy, arc as verifyArc, spf as verifySpf } from 'mailauth'
import { wordsOf } from '../errors.ts'
import type { Auth, IncomingMail, MailAddress } from '../incoming.ts'
import { authenticate as limits } from '../limits.ts'
import { readHead, withFewSignatures, withLineEnds } from './authenticate/head.ts'
import { forOneMail, isAnswer, type Resolver } from './authenticate/resolver.ts'
import { methodNamed, type Results, readResults, registrable, trustedResults } from './authenticate/results.ts'
import { type Evidence, judge, type Policy, type Signature } from './authenticate/verdict.ts'
import { type Field, parseHeaders } from './parse/headers.ts'

/** The mail as received; opened at most once, and only where something in it is to be verified. */
export type Raw = Buffer | (() => AsyncIterable<Buffer>)

export type Journey = {
  mail: IncomingMail
  /** Null where it is unknown or a relay's of our own. */
  ip: string | null
  helo: string | null
  /** '' is the null sender. */
  envelopeFrom: string | null
  /** Whose Authentication-Results are believed; `m365` for accounts there (5.4). */
  authservId: string | null
  /** Domains whose ARC seals are believed. */
  sealers: readonly string[]
  /** When the desk took it: signatures that were good then are good. */
  receivedAt: Date
}

/** A verdict without a look, such as for a mail that could not be parsed. */
export const unchecked = (code: string, words: string): Auth => ({
  verdict: 'none',
  spf: 'unchecked',
  dkim: 'none',
  dmarc: 'none',
  reasons: [{ code, words }],
})

/**
 * Authenticates one mail. Rejects only with what reading `raw` rejects with; whatever DNS or a signature does, there is
 * a verdict, within 20 s (5.2).
 */
export async function authenticate(raw: Raw, journey: Journey, resolver: Resolver): Promise<Auth> {
  const { mail } = journey
  const bounded = forOneMail(resolver)
  const source = watch(raw)
  try {
    const from = mail.from && domainOf(mail.from)
    const [spf, policy, signed] = await Promise.all([
      spfOf(journey, bounded.resolver),
      from ? policyOf(from, bounded.resolver) : NO_POLICY,
      signaturesOf(source.open, journey, bounded.resolver).catch((error: unknown) => {
        if (source.failure !== null) throw error
        const dkim = [{ domain: '', result: 'neutral', partial: null, words: `not looked at: ${wordsOf(error)}` }]
        return { ...UNSIGNED, dkim }
      }),
    ])
    const evidence: Evidence = {
      from,
      irregular: irregularity(mail) ?? (from && signed.from && signed.from !== from ? OTHER_READING : null),
      spf,
      dkim: signed.dkim,
      policy,
      unknownDomain: false,
      arc: signed.sealer,
      trusted: signed.trusted,
    }
    const auth = judge(evidence)
    if (auth.verdict !== 'none' || !from || !(await isUnknown(from, bounded.resolver))) return auth
    return judge({ ...evidence, unknownDomain: true })
  } catch (error) {
    if (source.failure !== null) throw source.failure.error
    return unchecked('not_verified', `it could not be verified: ${wordsOf(error)}`)
  } finally {
    bounded.done()
  }
}

const OTHER_READING = 'its From can be read in two ways'
const NO_POLICY: Policy = { result: 'none', policy: null, strictDkim: false, strictSpf: false }

function irregularity(mail: IncomingMail): string | null {
  if (mail.fromIrregular) return 'it names several authors, or hides the one it has'
  return mail.truncated.includes('headers') ? 'it has more header fields than are read' : null
}

const domainOf = ({ address }: MailAddress): string => asciiOf(address.slice(address.lastIndexOf('@') + 1))
const asciiOf = (domain: string): string => (domainToASCII(domain) || domain).toLowerCase().replace(/\.$/, '')

/** Remembers what reading failed with, so that an outage is told from a broken signature. */
function watch(raw: Raw) {
  const state: { failure: { error: unknown } | null; open: () => AsyncIterable<Buffer> } = { failure: null, open }
  async function* open(): AsyncGenerator<Buffer> {
    if (Buffer.isBuffer(raw)) return yield raw
    try {
      yield* raw()
    } catch (error) {
      state.failure = { error }
      throw error
    }
  }
  return state
}

async function spfOf({ ip, helo, envelopeFrom }: Journey, resolver: Resolver): Promise<Evidence['spf']> {
  if (!ip || envelopeFrom === null) return { result: 'unchecked', domain: null }
  const found = await verifySpf({
    ip,
    helo: helo ?? ip,
    sender: envelopeFrom,
    resolver: resolver as never,
    maxElapsedTime: limits.all,
    mta: 'desk',
  })
  return { result: found.status.result, domain: found.domain ? asciiOf(found.domain) : null }
}

/** What the domain asks for. Only looked up here: what aligns is judged from the evidence. */
async function policyOf(domain: string, resolver: Resolver): Promise<Policy> {
  const found = await findPolicy({ headerFrom: domain, spfDomains: [], dkimDomains: [], resolver: resolver as never })
  if (!found) return NO_POLICY
  const { policy, alignment, status } = found
  if (policy === undefined || !alignment)
    return { ...NO_POLICY, result: status.result === 'temperror' ? 'temperror' : 'none' }
  return {
    result: 'found',
    policy: policy as Policy['policy'],
    strictDkim: alignment.dkim.strict,
    strictSpf: alignment.spf.strict,
  }
}

type Signed = { dkim: Signature[]; from: string | null; sealer: string | null; trusted: Results | null }

const UNSIGNED: Signed = { dkim: [], from: null, sealer: null, trusted: null }

/** Verifies what is signed. A mail with nothing to look at is not opened. */
async function signaturesOf(open: () => AsyncIterable<Buffer>, journey: Journey, resolver: Resolver): Promise<Signed> {
  const { mail, authservId, sealers } = journey
  const has = (name: string) => mail.headers.some(([key]) => key.toLowerCase() === name)
  const isSigned = has('dkim-signature') || (sealers.length > 0 && has('arc-seal'))
  const isJudged = authservId !== null && has('authentication-results')
  if (!isSigned && !isJudged) return UNSIGNED
  const { head, rest, stop } = await readHead(open())
  try {
    const { fields } = parseHeaders(head)
    const trusted = isJudged ? trustedResults(fields, authservId) : null
    if (!isSigned) return { ...UNSIGNED, trusted }
    return { ...(await verify(head, rest, { fields, journey, resolver })), trusted }
  } finally {
    await stop()
  }
}

async function verify(
  head: Buffer,
  rest: AsyncIterable<Buffer>,
  given: { fields: Field[]; journey: Journey; resolver: Resolver },
): Promise<Omit<Signed, 'trusted'>> {
  const { fields, journey, resolver } = given
  const { kept, dropped } = withFewSignatures(
    head,
    journey.mail.bytes > limits.large ? limits.fewSignatures : limits.signatures,
  )
  async function* whole() {
    yield kept
    yield* rest
  }
  const found = await dkimVerify(Readable.from(withLineEnds(whole())), {
    resolver: resolver as never,
    minBitLength: limits.keyBits,
    rejectRsaSha1: true,
    curTime: journey.receivedAt,
    sender: journey.envelopeFrom || 'unknown@invalid',
  })
  const reading = readingOf(journey.mail, head)
  const dkim = found.results.filter((one) => one.signingDomain).map((one) => signatureOf(one, reading))
  if (dropped)
    dkim.push({ domain: '', result: 'none', partial: null, words: `${dropped} more signatures were not looked at` })
  const [only, other] = found.headerFrom
  const sealer =
    journey.sealers.length && found.arc ? await sealerOf(found.arc as never, { fields, journey, resolver }) : null
  return { dkim, from: only && !other ? asciiOf(only.slice(only.lastIndexOf('@') + 1)) : null, sealer }
}

/**
 * A header that stands twice is signed from the bottom and shown from the top (RFC 6376 8.15), and a bare CR ends lines
 * for some readers only: then a signature does not cover what is shown.
 */
function readingOf(mail: IncomingMail, head: Buffer): string | null {
  const twice = mail.flags.find((flag) => flag.startsWith('duplicate_'))
  if (twice) return `${twice.slice('duplicate_'.length).replaceAll('_', '-')} stands there twice`
  return /\r(?!\n|$)/.test(head.toString('latin1')) ? 'its header can be read in two ways' : null
}

function signatureOf(found: DKIMResult, reading: string | null): Signature {
  const { status } = found
  const domain = asciiOf(found.signingDomain!)
  const no = (result: string, words: string): Signature => ({ domain, result, partial: null, words })
  if (status.result !== 'pass')
    return no(status.result, status.comment || status.policy?.['dkim-rules'] || 'the signature does not verify')
  if (status.testing) return no('neutral', 'its key is marked as a test')
  if (found.signatureTimeValid === false) return no('neutral', 'signed in the future, or expired')
  const left = status.underSized ? `${status.underSized} bytes of the text are not signed` : reading
  return { domain, result: 'pass', partial: left, words: 'pass' }
}

/** The last sealer, if all of the chain are trusted and the first of them saw DMARC pass for this From (RFC 8617 7.2). */
async function sealerOf(
  chain: Parameters<typeof verifyArc>[0],
  { fields, journey, resolver }: { fields: Field[]; journey: Journey; resolver: Resolver },
): Promise<string | null> {
  const entries = chain.chain as unknown as
    | { 'arc-seal'?: { parsed?: { d?: { value?: unknown } } } }[]
    | false
    | undefined
  if (!entries || entries.length === 0 || !journey.mail.from) return null
  const trusted = new Set(journey.sealers.map((one) => registrable(one)))
  const sealers = entries.map((one) => asciiOf(String(one['arc-seal']?.parsed?.d?.value ?? '')))
  if (!sealers.every((one) => trusted.has(registrable(one)))) return null
  const found = await verifyArc(chain, { resolver: resolver as never, minBitLength: limits.keyBits })
  if (found.status.result !== 'pass') return null
  const first = fields
    .filter((field) => field.key === 'arc-authentication-results')
    .find((field) => /^\s*i\s*=\s*1\s*;/.test(field.raw))
  const said = first && methodNamed(readResults(first.raw.slice(first.raw.indexOf(';') + 1)), 'dmarc')
  const passed = said?.result === 'pass' && asciiOf(said.props['header.from'] ?? '') === domainOf(journey.mail.from)
  return passed ? sealers.at(-1)! : null
}

async function isUnknown(domain: string, resolver: Resolver): Promise<boolean> {
  try {
    await resolver(domain, 'A')
    return false
  } catch (error) {
    return isAnswer(error) && (error as NodeJS.ErrnoException).code === 'ENOTFOUND'
  }
}
