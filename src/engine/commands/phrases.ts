/** Words of receipts in the reader's language. */
import type { Phrase } from './command.ts'
import { de } from './phrases/de.ts'
import { en, type PhraseKey, type Phrases } from './phrases/en.ts'
import { es } from './phrases/es.ts'
import { fr } from './phrases/fr.ts'
import { pl } from './phrases/pl.ts'
import { REFUSALS } from './phrases/refusals.ts'
import { ru } from './phrases/ru.ts'
import { uk } from './phrases/uk.ts'

export const PHRASES: Record<string, Phrases> = { en, de, fr, es, pl, uk, ru }

/** A phrase with its values filled in; English where a language has none. A value `@key` is a phrase itself. */
export function say(locale: string, phrase: Phrase): string {
  if (phrase.key === 'refused') return refusal(locale, phrase)
  const words = wordsOf(locale, phrase.key)
  const data = Object.entries(phrase.data).map(([key, value]): [string, string] => {
    const named = typeof value === 'string' && /^@\w+$/.test(value) ? value.slice(1) : null
    return [key, named && Object.hasOwn(en, named) ? wordsOf(locale, named as PhraseKey) : String(value ?? '')]
  })
  return fill(words, new Map(data))
}

/** A verb's refusal in the reader's language, where there are words for its code, and in its own. */
function refusal(locale: string, { data }: Phrase): string {
  const words = String(data.words ?? '')
  const language = languageOf(locale)
  const known = Object.hasOwn(REFUSALS, language) ? REFUSALS[language]! : {}
  const code = String(data.code ?? '')
  return Object.hasOwn(known, code) ? `${known[code]} (${words})` : words
}

const languageOf = (locale: string): string => /^[a-z]+/.exec(locale.toLowerCase())?.[0] ?? ''

function wordsOf(locale: string, key: PhraseKey): string {
  const language = languageOf(locale)
  return (Object.hasOwn(PHRASES, language) ? PHRASES[language]![key] : undefined) ?? en[key]
}

/** Values are data: braces in them are left alone. */
const fill = (words: string, data: Map<string, string>): string =>
  words.replace(/\{(\w+)\}/g, (place, key: string) => data.get(key) ?? place)
