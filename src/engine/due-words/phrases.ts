/** The few phrases about working time that Intl does not have, in the languages Postroom answers in. */

export type Phrases = {
  locale: string
  /** Whole working hours with their plural: `8 working hours`. */
  workingHours: (hours: number) => string
  /** `1 hour 30 minutes` as working time. */
  ofWorkingTime: (length: string) => string
  aroundTheClock: string
  /** `40 hours` in a week. */
  aWeek: (length: string) => string
  closed: string
  /** Working time that did not count: `paused 35 minutes`. */
  paused: (length: string) => string
  left: (length: string) => string
  overdue: (length: string) => string
}

/** The phrases of a locale's language; English where there are none. `en-GB` and `de_AT` find `en` and `de`. */
export function phrasesFor(locale: string): Phrases {
  const language = /^[a-z]+/.exec(locale.toLowerCase())?.[0] ?? ''
  return Object.hasOwn(PHRASES, language) ? PHRASES[language as keyof typeof PHRASES] : PHRASES.en
}

type Forms = { one: string; few?: string; many?: string; other: string }

/** A number with the form its language asks for. */
function counted(locale: string, forms: Forms): (count: number) => string {
  const rules = new Intl.PluralRules(locale)
  const number = new Intl.NumberFormat(locale, { useGrouping: false })
  return (count) => {
    const form = rules.select(count) as keyof Forms
    return `${number.format(count)} ${forms[form] ?? forms.other}`
  }
}

const PHRASES = {
  en: {
    locale: 'en',
    workingHours: counted('en', { one: 'working hour', other: 'working hours' }),
    ofWorkingTime: (length) => `${length} of working time`,
    aroundTheClock: 'around the clock',
    aWeek: (length) => `${length} a week`,
    closed: 'closed',
    paused: (length) => `paused ${length}`,
    left: (length) => `${length} left`,
    overdue: (length) => `${length} overdue`,
  },
  de: {
    locale: 'de',
    workingHours: counted('de', { one: 'Arbeitsstunde', other: 'Arbeitsstunden' }),
    ofWorkingTime: (length) => `${length} Arbeitszeit`,
    aroundTheClock: 'rund um die Uhr',
    aWeek: (length) => `${length} pro Woche`,
    closed: 'geschlossen',
    paused: (length) => `${length} angehalten`,
    left: (length) => `noch ${length}`,
    overdue: (length) => `${length} überfällig`,
  },
  fr: {
    locale: 'fr',
    workingHours: counted('fr', { one: 'heure ouvrée', other: 'heures ouvrées' }),
    ofWorkingTime: (length) => `${length} de temps ouvré`,
    aroundTheClock: '24 heures sur 24',
    aWeek: (length) => `${length} par semaine`,
    closed: 'fermé',
    paused: (length) => `${length} en pause`,
    left: (length) => `reste ${length}`,
    overdue: (length) => `en retard de ${length}`,
  },
  es: {
    locale: 'es',
    workingHours: counted('es', { one: 'hora laborable', other: 'horas laborables' }),
    ofWorkingTime: (length) => `${length} de tiempo laborable`,
    aroundTheClock: 'las 24 horas del día',
    aWeek: (length) => `${length} por semana`,
    closed: 'cerrado',
    paused: (length) => `${length} en pausa`,
    left: (length) => `tiempo restante: ${length}`,
    overdue: (length) => `retraso: ${length}`,
  },
  // With a colon the length keeps its nominative: no verb that would have to agree with it.
  pl: {
    locale: 'pl',
    workingHours: counted('pl', {
      one: 'godzina robocza',
      few: 'godziny robocze',
      many: 'godzin roboczych',
      other: 'godziny roboczej',
    }),
    ofWorkingTime: (length) => `${length} czasu pracy`,
    aroundTheClock: 'całodobowo',
    aWeek: (length) => `${length} tygodniowo`,
    closed: 'zamknięte',
    paused: (length) => `wstrzymano: ${length}`,
    left: (length) => `pozostało: ${length}`,
    overdue: (length) => `po terminie: ${length}`,
  },
  uk: {
    locale: 'uk',
    workingHours: counted('uk', {
      one: 'робоча година',
      few: 'робочі години',
      many: 'робочих годин',
      other: 'робочої години',
    }),
    ofWorkingTime: (length) => `${length} робочого часу`,
    aroundTheClock: 'цілодобово',
    aWeek: (length) => `${length} на тиждень`,
    closed: 'зачинено',
    paused: (length) => `призупинено: ${length}`,
    left: (length) => `залишилося: ${length}`,
    overdue: (length) => `прострочено: ${length}`,
  },
  ru: {
    locale: 'ru',
    workingHours: counted('ru', {
      one: 'рабочий час',
      few: 'рабочих часа',
      many: 'рабочих часов',
      other: 'рабочего часа',
    }),
    ofWorkingTime: (length) => `${length} рабочего времени`,
    aroundTheClock: 'круглосуточно',
    aWeek: (length) => `${length} в неделю`,
    closed: 'закрыто',
    paused: (length) => `приостановлено: ${length}`,
    left: (length) => `осталось: ${length}`,
    overdue: (length) => `просрочено: ${length}`,
  },
} as const satisfies Record<string, Phrases>
