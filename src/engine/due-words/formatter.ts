/** Formatters of dates, kept: making one takes longer than all else, and a page or a burst asks for the same few. */
import { hours } from '../../limits.ts'
import { remember } from '../business-hours/remember.ts'

const formatters = new Map<string, Intl.DateTimeFormat>()

/** The formatter of a language Intl knows, with these options. */
export function formatter(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale} ${JSON.stringify(options)}`
  return remember(formatters, key, hours.cachedFormatters, () => new Intl.DateTimeFormat(locale, options))
}
