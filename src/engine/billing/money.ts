/**
 * Money as text (SLA U3): amounts are integers of a currency's minor unit, and no float comes near them. It refuses
 * nothing; what is no amount or no currency is null or false.
 */

import { hours } from '../../limits.ts'
import { remember } from '../business-hours/remember.ts'

/** Digits after the point by ISO 4217, where they are not two; what Intl says is made for showing and differs. */
const EXPONENTS: Record<number, readonly string[]> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' '),
  3: 'BHD IQD JOD KWD LYD OMR TND'.split(' '),
  4: 'CLF UYW'.split(' '),
}
const exponents = new Map(Object.entries(EXPONENTS).flatMap(([digits, codes]) => codes.map((one) => [one, +digits])))
const currencies = new Set(Intl.supportedValuesOf('currency'))
const formats = new Map<string, Intl.NumberFormat>()

export const isCurrency = (code: string): boolean => currencies.has(code)

/** Digits after the point: JPY 0, EUR 2, KWD 3. */
export const exponentOf = (currency: string): number => exponents.get(currency) ?? 2

/** `120`, `120.5` or `120.50` as minor units; null when it is no such number or too fine for the currency. */
export function parseMoney(text: string, currency: string): number | null {
  const match = /^(\d{1,9})(?:\.(\d{1,4}))?$/.exec(text)
  if (!match) return null
  const digits = exponentOf(currency)
  const [whole = '', fraction = ''] = match.slice(1)
  return fraction.length > digits ? null : Number(whole + fraction.padEnd(digits, '0'))
}

/** Minor units as a plain decimal with a point, `-120.50`: for machines, and exact. */
export function decimalText(minor: number, currency: string): string {
  const exponent = exponentOf(currency)
  const digits = String(Math.abs(minor)).padStart(exponent + 1, '0')
  const cut = digits.length - exponent
  return `${minor < 0 ? '-' : ''}${digits.slice(0, cut)}${exponent > 0 ? `.${digits.slice(cut)}` : ''}`
}

/** Minor units as people of a locale write money: `120,50 €`. */
export function moneyText(minor: number, currency: string, locale: string): string {
  const digits = exponentOf(currency)
  const format = remember(formats, `${locale} ${currency}`, hours.cachedFormatters, () =>
    Intl.NumberFormat(locale, {
      style: 'currency',
      currency,
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }),
  )
  return format.format(decimalText(minor, currency) as Intl.StringNumericLiteral)
}
