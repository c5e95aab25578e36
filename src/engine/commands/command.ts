/**
 * What a command of a mail is: its place in the registry, what reading it yields, and what running it leaves. Types and
 * the two constructors of a problem; no command stands here.
 */
import type { Tx } from '../../database.ts'
import type { Forwarded, MailAddress, ReleasedAs } from '../../incoming.ts'
import type { Attachment } from '../attachments.ts'
import type { Agent, Desk, Inbox } from '../desk.ts'
import type { Actor } from '../events.ts'
import type { Tools } from '../tools.ts'
import type { Arg } from './grammar.ts'
import type { Level, Name, Reversal } from './names.ts'
import type { PhraseKey } from './phrases/en.ts'

export type Values = Record<string, string | number | null | undefined>

/** Words for a reader, in whose language is decided where they are said. */
export type Phrase = { key: PhraseKey; data: Values }

/** Why a line cannot be executed. Columns count from 1, in the line as it was written. */
export type Problem = { words: Phrase; column: number | null; nearest: string[]; allowed: string[] }

/** Who wrote the commands. A customer's answer goes to `address` alone (MAIL 9.8). */
export type Who =
  | { kind: 'agent'; agent: Agent }
  | { kind: 'customer'; contactId: number | null; address: string; name: string }

/** What a block is read against. */
export type Reading = {
  desk: Desk
  who: Who
  ticket: number | null
  /** Of the writer: `fri 17:00` is theirs. */
  zone: string
  now: Date
}

/** How a person's words came. */
export type Channel = 'mail' | 'web'

/** What a command acts in. */
export type Acting = {
  tools: Tools
  who: Who
  actor: Actor
  /** That the mail came to: whom it speaks as. */
  inbox: Inbox
  /** Null: the mail names no ticket, as a digest's answer or `#new`. */
  ticketId: number | null
  /** How it came to the desk: comments, events and receipts say so. */
  channel: Channel
  /** What came with the commands; of the web what was typed with them. */
  mail: {
    /** Row of the inbound mail; null: there is none. */
    id: number | null
    from: MailAddress
    subject: string
    /** What the agent wrote, without the block. */
    text: string
    /** Message-IDs that it answers, nearest first, without brackets. */
    references: string[]
    forward: Forwarded | null
    /** Stored files of the mail. */
    attachments: Attachment[]
  }
  /** Of the web; '' where nobody said. */
  url: string
  locale: string
  zone: string
}

/** A held mail to be released; `by` is the name of who lets it in, `as` null: into the ticket that it claims. */
export type LetIn = { mail: number; by: string; as: ReleasedAs | null }

/** How an effect is taken back: the name of an inverse (undo.ts) and what it needs; plain JSON, kept with the receipt. */
export type Inverse = { verb: string; args: Record<string, unknown> }

/** What a command did. `inverse` null: it only reads, or the receipt says how to correct it. */
export type Effect = Phrase & {
  inverse: Inverse | null
  /** Further lines of the answer: a report, a list, a help text. Never words of another customer or a note to a customer. */
  lines?: string[]
  /** The ticket that the commands after this one and the text are for, where it is another: `#new`. */
  ticketId?: number
  /** A held mail that whoever runs this releases in the same transaction. */
  letsIn?: LetIn
}

export type Act = (tx: Tx, on: Acting, now: Date) => Promise<Effect>

export type Audience = 'public' | 'internal' | 'private'

/** What a command says about the mail's text or the block as a whole. */
export type Sets = {
  audience?: Audience
  /** The plan comes back and nothing is done. */
  dry?: true
  /** `#reply` and `#send` also release what was held. */
  releases?: true
  /** `#close quiet`: no mail to the customer; the text, if any, is a note. */
  quiet?: true
  /** A macro whose text goes ahead of what the agent wrote (macros.ts). */
  text?: { key: string; values: Readonly<Record<string, string>> }
  /** The commands that a macro stands for, in its place. */
  macro?: string[]
  /** Needs a confirmation of its own, whatever the command's level (COMMANDS E5.4). */
  strong?: true
  /** The text is the command's own, and no comment: `#ask`. */
  takesText?: true
  /** Opens no ticket itself: a held mail becomes one. */
  letsIn?: true
}

export type Answer =
  | { ok: Act; sets?: Sets; problem?: undefined }
  | { problem: Problem; ok?: undefined; sets?: undefined }

export type Read = (args: Arg[], on: Reading) => Answer

export type Command = {
  name: Name
  aliases: readonly string[]
  level: Level
  /** As `#help` prints it, without the name. */
  usage: string
  reversal: Reversal
  read: Read
}

export const problem = (
  key: PhraseKey,
  data: Values = {},
  more: { column?: number | null; nearest?: string[]; allowed?: string[] } = {},
): { problem: Problem } => ({
  problem: {
    words: { key, data },
    column: more.column ?? null,
    nearest: more.nearest ?? [],
    allowed: more.allowed ?? [],
  },
})
