/** What is said to agents about a ticket, in the languages of the templates; whole sentences stand in those. */
import { de } from './phrases/de.ts'
import { en } from './phrases/en.ts'
import { es } from './phrases/es.ts'
import type { NotifyPhrases } from './phrases/forms.ts'
import { fr } from './phrases/fr.ts'
import { pl } from './phrases/pl.ts'
import { ru } from './phrases/ru.ts'
import { uk } from './phrases/uk.ts'

export type { NotifyPhrases } from './phrases/forms.ts'

/** The phrases of a template locale; English where it has none. */
export const notifyPhrases = (locale: string): NotifyPhrases =>
  PHRASES[locale.toLowerCase().split(/[-_]/)[0] as keyof typeof PHRASES] ?? en

const PHRASES = { en, de, fr, es, pl, uk, ru }
