/**
 * From evidence to verdict (MAIL 5.1). Pure. Alignment is that of DMARC, by the Public Suffix List; a name that does not
 * align counts for nothing more than that somebody is behind it.
 */
import type { Auth, Verdict } from '../../incoming.ts'
import { methodNamed, type Results, registrable } from './results.ts'

/** One DKIM signature. `partial`: it passes and does not cover all that is shown (5.1, RFC 6376 8.2 and 8.15). */
export type Signature = { domain: string; result: string; partial: string | null; words: string }

/** What the domain of From publishes; `policy` null: nothing that counts. `temperror`: it could not be asked. */
export type Policy = {
  result: 'found' | 'none' | 'temperror'
  policy: 'none' | 'quarantine' | 'reject' | null
  strictDkim: boolean
  strictSpf: boolean
}

export type Evidence = {
  /** Domain of the From that is shown, A-labels, lower case; null: there is no author. */
  from: string | null
  /** Why no From can be believed more than `none` (4.5, 4.9), or null. */
  irregular: string | null
  /** `unchecked` where the client's address is unknown. */
  spf: { result: string; domain: string | null }
  dkim: Signature[]
  policy: Policy
  /** DNS says that the domain of From does not exist. */
  unknownDomain: boolean
  /** Who sealed, where a trusted chain says that DMARC passed before it was forwarded. */
  arc: string | null
  trusted: Results | null
}

type Found = { verdict: Verdict; code: string; words: string }

/** The verdict with all that it rests on. */
export function judge(evidence: Evidence): Auth {
  const found = cap(evidence, verdictOf(evidence))
  const pass = passes(evidence)
  const dmarc =
    evidence.policy.result !== 'found' ? evidence.policy.result : pass.dkim.length || pass.spf ? 'pass' : 'fail'
  const reasons = [{ code: found.code, words: found.words }]
  for (const signature of evidence.dkim)
    if (signature.result !== 'pass' || signature.partial)
      reasons.push({
        code: 'dkim',
        words: `${signature.domain && `${signature.domain}: `}${signature.partial ?? signature.words}`,
      })
  if (evidence.spf.result !== 'pass' && evidence.spf.result !== 'unchecked')
    reasons.push({ code: 'spf', words: `SPF of ${evidence.spf.domain ?? 'the sender'}: ${evidence.spf.result}` })
  if (evidence.unknownDomain) reasons.push({ code: 'unknown_domain', words: `DNS knows no domain ${evidence.from}` })
  const hint = evidence.trusted && methodNamed(evidence.trusted, 'compauth')
  if (hint)
    reasons.push({ code: 'compauth', words: `Microsoft 365 says compauth=${hint.result}, which is a hint only` })
  return { verdict: found.verdict, spf: spfResult(evidence), dkim: dkimResult(evidence), dmarc, reasons }
}

/** 4.5, 4.9: who cannot be named with certainty cannot be proven either. */
function cap({ irregular }: Evidence, found: Found): Found {
  if (!irregular || (found.verdict !== 'strong' && found.verdict !== 'weak')) return found
  return { verdict: 'none', code: 'irregular_from', words: irregular }
}

function verdictOf(evidence: Evidence): Found {
  const { from, policy, dkim, spf } = evidence
  if (from === null) return { verdict: 'none', code: 'no_from', words: 'there is no From address' }
  const pass = passes(evidence)
  const whole = pass.dkim.find((one) => !one.partial)
  const said = trustedDmarc(evidence)
  if (said === 'mismatch')
    return whole
      ? strongBy(whole, policy)
      : { verdict: 'none', code: 'other_from', words: 'the server in front judged another From than is shown' }
  if (whole && policy.result !== 'temperror') return strongBy(whole, policy)
  // aligned in whichever mode, so what the policy says does not matter
  const exact = dkim.find((one) => one.result === 'pass' && !one.partial && one.domain === from)
  if (exact) return strongBy(exact, policy)
  if (pass.spf && policy.result === 'found')
    return { verdict: 'strong', code: 'dmarc_pass', words: `DMARC pass: SPF of ${pass.spf}` }
  // a signature that leaves words out may be all that the server in front saw
  if (said === 'pass' && pass.dkim.length === 0)
    return {
      verdict: 'strong',
      code: 'trusted_pass',
      words: `${evidence.trusted?.id ?? 'the server in front'} says dmarc=pass`,
    }
  if (policy.result === 'temperror')
    return { verdict: 'none', code: 'temperror', words: `DNS gave no answer about ${from}` }
  const enforced = policy.policy === 'quarantine' || policy.policy === 'reject'
  if (policy.result === 'found' && enforced && pass.dkim.length === 0 && said !== 'pass') {
    const open = unanswered(evidence)
    if (open) return { verdict: 'none', code: 'temperror', words: open }
    if (evidence.arc)
      return {
        verdict: 'weak',
        code: 'arc',
        words: `DMARC fails here, and ${evidence.arc} vouches that it passed before`,
      }
    const unseen = spf.result === 'unchecked' ? ' by DKIM; SPF cannot be checked on this path' : ''
    return { verdict: 'fail', code: 'dmarc_fail', words: `DMARC fails${unseen}, and ${from} asks for ${policy.policy}` }
  }
  return unaligned(evidence, pass)
}

/** Somebody is behind it, but not provably the author; or nobody is. */
function unaligned(evidence: Evidence, pass: Passes): Found {
  const some = pass.dkim[0] ?? evidence.dkim.find((one) => one.result === 'pass')
  if (some)
    return {
      verdict: 'weak',
      code: some.partial ? 'dkim_partial' : 'dkim_unaligned',
      words: `signed by ${some.domain}${some.partial ? `, but ${some.partial}` : ', which is not the domain of From'}`,
    }
  const spf = spfPass(evidence)
  if (spf)
    return {
      verdict: 'weak',
      code: pass.spf ? 'spf_only' : 'spf_unaligned',
      words: `SPF of ${spf} passes, ${pass.spf ? 'and its domain publishes no DMARC policy' : 'which is not the domain of From'}`,
    }
  const open = unanswered(evidence)
  if (open) return { verdict: 'none', code: 'temperror', words: open }
  const policy = evidence.policy.result === 'found' ? ', and its DMARC policy asks for nothing' : ''
  return { verdict: 'none', code: 'no_pass', words: `nothing proves ${evidence.from}${policy}` }
}

const strongBy = ({ domain }: Signature, policy: Policy): Found => ({
  verdict: 'strong',
  code: policy.result === 'found' ? 'dmarc_pass' : 'dkim_pass',
  words: `${policy.result === 'found' ? 'DMARC pass: ' : ''}signed by ${domain}`,
})

type Passes = { dkim: Signature[]; spf: string | null }

/** What passes and aligns with From. */
function passes(evidence: Evidence): Passes {
  const { from, dkim, policy } = evidence
  if (from === null) return { dkim: [], spf: null }
  const spf = spfPass(evidence)
  return {
    dkim: dkim
      .filter((one) => one.result === 'pass' && aligns(one.domain, from, policy.strictDkim))
      .sort((a, b) => Number(a.partial !== null) - Number(b.partial !== null)),
    spf: spf && aligns(spf, from, policy.strictSpf) ? spf : null,
  }
}

const aligns = (domain: string, from: string, strict: boolean): boolean =>
  domain === from || (!strict && registrable(domain) === registrable(from))

/** The domain whose SPF passes, by our own look or by that of the trusted server in front, which saw the client. */
function spfPass({ spf, trusted }: Evidence): string | null {
  if (spf.result === 'pass') return spf.domain
  const said = spf.result === 'unchecked' && trusted ? methodNamed(trusted, 'spf') : null
  if (said?.result !== 'pass') return null
  const who = said.props['smtp.mailfrom'] ?? said.props['smtp.helo'] ?? ''
  return domainOf(who) || null
}

/** 5.5: what a trusted server says of DMARC counts only for the From that is shown. */
function trustedDmarc({ trusted, from }: Evidence): 'pass' | 'mismatch' | null {
  const said = trusted && methodNamed(trusted, 'dmarc')
  if (!said) return null
  const judged = domainOf(said.props['header.from'] ?? '')
  if (judged && judged !== from) return 'mismatch'
  return judged && said.result === 'pass' ? 'pass' : null
}

/** Only an answer of DNS can make a `fail`: what may still turn out to be a pass keeps it from being one. */
function unanswered({ from, dkim, spf, policy }: Evidence): string | null {
  const signature = dkim.find((one) => one.result === 'temperror' && aligns(one.domain, from!, policy.strictDkim))
  if (signature) return `DNS gave no answer about the key of ${signature.domain}`
  const open = spf.result === 'temperror' && spf.domain !== null && aligns(spf.domain, from!, policy.strictSpf)
  return open ? `DNS gave no answer about the SPF record of ${spf.domain}` : null
}

function spfResult({ spf, trusted }: Evidence): string {
  if (spf.result !== 'unchecked') return spf.result
  return (trusted && methodNamed(trusted, 'spf')?.result) ?? 'unchecked'
}

/** Of several the best: a pass that aligns and covers all, any pass, then the first. */
function dkimResult(evidence: Evidence): string {
  if (evidence.dkim.some((one) => one.result === 'pass')) return 'pass'
  return evidence.dkim[0]?.result ?? 'none'
}

/** The domain of an address, or of what stands for one. */
const domainOf = (address: string): string =>
  address
    .slice(address.lastIndexOf('@') + 1)
    .replace(/[<>.]+$/, '')
    .toLowerCase()
