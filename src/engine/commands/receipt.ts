/** What a receipt is made of, and what is kept of it; and which commands are answered with how to correct them. */
import type { Inbox } from '../desk.ts'
import type { Channel, Effect, Inverse, Problem, Values, Who } from './command.ts'
import { type Name, SPECS } from './names.ts'
import { en, type PhraseKey } from './phrases/en.ts'
import type { Outcome } from './tables.ts'

/** An effect as it is kept. */
export type Kept = {
  line: number | null
  source: string
  command: Name | null
  ticket: number | null
  key: PhraseKey
  data: Values
  inverse: Inverse | null
}

export type Receipt = {
  outcome: Outcome
  who: Who
  ticketId: number | null
  inbox: Inbox
  locale: string
  zone: string
  channel: Channel
  /** The mail with the commands. */
  mail: {
    /** Its row; null: it is not stored. */
    id: number | null
    messageId: string | null
    references: string[]
    /** As it was written, without quotation and signature. */
    text: string
  }
  /** `none`: a plain answer, which gets no mail where all went well. */
  commands: 'some' | 'none'
  ran: (Effect & Omit<Kept, 'key' | 'data' | 'inverse'>)[]
  problems: (Problem & { line: number; source: string })[]
  /** What a correction of the agent's goes to: the purpose of the address that they used, and what that one showed. */
  answers: { purpose: 'a' | 'n'; shown: number } | null
}

/** How to correct what a command did where it cannot be taken back; null where it only reads or is undone. */
export function correctionOf(command: Name | null): PhraseKey | null {
  const key = `correct_${command}`
  const isCorrected = SPECS.some((spec) => spec.name === command && spec.reversal === 'correct')
  return isCorrected && Object.hasOwn(en, key) ? (key as PhraseKey) : null
}
