/** What of an agent's mail may go out: their words alone, nothing that only agents may read. Pure. */
import { agentMail as limits } from '../../limits.ts'
import { looksSigned } from '../../tokens.ts'
import type { Desk, Inbox } from '../desk.ts'

/** Why words must not go to a customer as they stand; `sure`: `#send` does not help. */
export type Leak = { words: string; sure: boolean }

/**
 * What a public answer would give away: a reply address, which only its reader may use, or a line of a note (0.7). Both
 * stand in a quotation that was not recognised as one.
 * @param notes internal and private texts of the ticket
 */
export function leakIn(text: string, notes: readonly string[]): Leak | null {
  if (text.split(/[\s<>"'(),;:[\]]+/).some(looksSigned))
    return { words: 'it quotes a reply address that is for one person only', sure: true }
  const lines = new Set(notes.flatMap(longLines))
  return longLines(text).some((line) => lines.has(line))
    ? { words: 'a line of it stands in a note that customers do not read', sure: false }
    : null
}

/** The address of an agent is nobody's business (8.6): where their words name one, the desk's stands. */
export function withoutPrivate(text: string, desk: Desk, inbox: Pick<Inbox, 'address'>): string {
  let public_ = text
  for (const { address } of desk.agents.values()) {
    const literal = address.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    public_ = public_.replace(new RegExp(`(?<![\\w.+-])${literal}(?![\\w-])`, 'giu'), inbox.address)
  }
  return public_
}

/** Without quotation marks and spacing, so that a quoted or rewrapped line is the line that it was. */
const longLines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) =>
      line
        .replace(/^[\s>|]+/, '')
        .replace(/\s+/g, ' ')
        .trim()
        .toLowerCase(),
    )
    .filter((line) => line.length >= limits.copied)
