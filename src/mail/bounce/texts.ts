/**
 * Bounces that are nothing but text (4a.1): qmail, Exim, Exchange, old Postfix and sendmail. Each names an address on
 * a line of its own, or at the start of one, and says why on the lines below.
 */
import type { ReportedRecipient } from '../../incoming.ts'
import { report as limits } from '../../limits.ts'
import { plainAddress } from './addresses.ts'

/** Behind one of these comes the mail that was sent back: its addresses are no recipients. */
const ORIGINAL =
  /^(?:-+ ?below this line is a copy|-+ ?this is a copy of|-+ ?(?:the )?(?:header of the )?original message|original message headers|-+ ?(?:unsent|returned) message|-+ ?forwarded message)/i

const ADDRESS = /[^\s<>(),;:"'@[\]]{1,64}@[^\s<>(),;:"'@[\]]{1,255}/

const ENHANCED = /\b[245]\.\d{1,3}\.\d{1,3}\b/

const DELAYED =
  /\bnot yet been delivered|\bwarning message only|\bwill (?:be retried|continue to (?:try|retry)|keep trying)|\bdelivery (?:is|has been|was) delayed|\bmessage delayed/i

/** The recipients that the words name, with the reason below each; those of X-Failed-Recipients in any case. */
export function recipientsInText(text: string, failed: string[]): ReportedRecipient[] {
  const lines = linesAbove(text.slice(0, limits.text))
  const action = DELAYED.test(lines.join('\n')) ? 'delayed' : 'failed'
  const found = new Map<string, string>()
  for (const [n, line] of lines.entries()) {
    const address = addressOn(line)
    if (address === null || found.size >= limits.recipients) continue
    const reason = reasonBelow(lines, n, line)
    const before = found.get(address)
    // Exchange says it twice: in words, and with its code
    if (!before || (!ENHANCED.test(before) && ENHANCED.test(reason))) found.set(address, reason)
  }
  for (const address of failed.join(',').split(',').flatMap(plain)) if (!found.has(address)) found.set(address, '')
  return [...found].map(([recipient, reason]) => ({
    recipient,
    original: null,
    action,
    status: ENHANCED.exec(reason)?.[0] ?? null,
    diagnostic: reason === '' ? null : reason.slice(0, limits.diagnostic),
    remoteMta: null,
  }))
}

const plain = (text: string) => plainAddress(text) ?? []

function linesAbove(text: string): string[] {
  const lines = text.split('\n')
  const end = lines.findIndex((line) => ORIGINAL.test(line.trim()))
  return end < 0 ? lines : lines.slice(0, end)
}

/** `<a@b>: ...`, `a@b`, `Name (a@b)`, `a@b on 3/3/2026`: an address that the line begins with, or is. */
function addressOn(line: string): string | null {
  const bare = line.trim()
  if (bare.length > 500 || !bare.includes('@')) return null
  const found = ADDRESS.exec(bare)
  if (!found) return null
  const before = bare.slice(0, found.index)
  const after = bare.slice(found.index + found[0].length)
  const starts = /^[<'"]?(?:mailto:)?$/.test(before) && /^[>'"]?(?:$|\s*[:(<]|\s+on\s)/.test(after)
  const inBrackets = /^[^@.:]{1,100}[(<]$/.test(before) && /^[)>]\s*:?$/.test(after)
  return starts || inBrackets ? plainAddress(found[0]) : null
}

/** The rest of the line and the lines up to a blank one; one blank line may stand in between. */
function reasonBelow(lines: string[], n: number, line: string): string {
  const rest = /:\s*(\S.*)$/.exec(line.trim())?.[1] ?? ''
  const words = rest.includes('@') && rest.length < 10 ? [] : [rest]
  let at = n + 1
  if (rest === '' && /^\s*$/.test(lines[at] ?? '')) at++
  for (; at < lines.length && words.join(' ').length < limits.diagnostic; at++) {
    const next = lines[at]!.trim()
    if (next === '' || addressOn(next) !== null) break
    words.push(next)
  }
  return words.join(' ').replace(/\s+/g, ' ').trim()
}
