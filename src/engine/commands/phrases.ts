/** Words of receipts in the reader's language. */
import type { Phrase, Values } from './command.ts'
import { en, type PhraseKey } from './phrases/en.ts'

export type Phrases = Readonly<Record<PhraseKey, string>>

const PHRASES: Record<string, Partial<Phrases>> = { en }

/** A phrase with its values filled in; English where a language has none. */
export function say(locale: string, phrase: Phrase): string {
  const language = /^[a-z]+/.exec(locale.toLowerCase())?.[0] ?? ''
  const words = (Object.hasOwn(PHRASES, language) ? PHRASES[language]![phrase.key] : undefined) ?? en[phrase.key]
  return fill(words, phrase.data)
}

/** Values are data: braces in them are left alone. */
const fill = (words: string, data: Values): string =>
  words.replace(/\{(\w+)\}/g, (place, key: string) => (Object.hasOwn(data, key) ? String(data[key] ?? '') : place))
