/** The words of a statement's table, in seven languages. Whole sentences stand in its template. */
import { LOCALES } from '../../../render.ts'

export type StatementPhrases = {
  date: string
  agent: string
  note: string
  time: string
  amount: string
  /** Instead of an amount. */
  free: string
  unpriced: string
  /** The word that approves. */
  yes: string
}

/** English for a language that has none. */
export const statementPhrases = (locale: string): StatementPhrases =>
  PHRASES[LOCALES.find((one) => one === locale.toLowerCase().split(/[-_]/)[0]) ?? 'en']

const PHRASES: Record<(typeof LOCALES)[number], StatementPhrases> = {
  en: {
    date: 'Date',
    agent: 'Who',
    note: 'What was done',
    time: 'Time',
    amount: 'Amount',
    free: 'free of charge',
    unpriced: 'no price yet',
    yes: 'yes',
  },
  de: {
    date: 'Datum',
    agent: 'Wer',
    note: 'Was getan wurde',
    time: 'Zeit',
    amount: 'Betrag',
    free: 'kostenlos',
    unpriced: 'noch ohne Preis',
    yes: 'Ja',
  },
  fr: {
    date: 'Date',
    agent: 'Qui',
    note: 'Travail effectué',
    time: 'Durée',
    amount: 'Montant',
    free: 'gratuit',
    unpriced: 'pas encore de prix',
    yes: 'oui',
  },
  es: {
    date: 'Fecha',
    agent: 'Quién',
    note: 'Trabajo realizado',
    time: 'Tiempo',
    amount: 'Importe',
    free: 'sin cargo',
    unpriced: 'aún sin precio',
    yes: 'sí',
  },
  pl: {
    date: 'Data',
    agent: 'Kto',
    note: 'Co wykonano',
    time: 'Czas',
    amount: 'Kwota',
    free: 'bezpłatnie',
    unpriced: 'jeszcze bez ceny',
    yes: 'tak',
  },
  uk: {
    date: 'Дата',
    agent: 'Хто',
    note: 'Що зроблено',
    time: 'Час',
    amount: 'Сума',
    free: 'безкоштовно',
    unpriced: 'ще без ціни',
    yes: 'так',
  },
  ru: {
    date: 'Дата',
    agent: 'Кто',
    note: 'Что сделано',
    time: 'Время',
    amount: 'Сумма',
    free: 'бесплатно',
    unpriced: 'пока без цены',
    yes: 'да',
  },
}
