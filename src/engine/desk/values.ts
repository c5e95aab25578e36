/** The forms of single values in the desk file, each with the words that help whoever wrote another. */
import { domainToASCII } from 'node:url'
import { z } from 'zod'
import { isZone, parseDuration } from '../../time.ts'

/** Languages that templates exist for. */
export const LOCALES = ['en', 'de', 'fr', 'es', 'pl', 'uk', 'ru'] as const

const KEY_REMEDY =
  'write a key of lower-case letters, digits, "-", "_" and ".", at most 60, beginning with a letter or digit'
const KEY = '[a-z0-9][a-z0-9._-]{0,59}'
export const key = z
  .string()
  .regex(new RegExp(`^${KEY}$`))
  .meta({ remedy: KEY_REMEDY })
export const projectKey = z
  .string()
  .regex(new RegExp(`^${KEY}(?:/${KEY})?$`))
  .meta({ remedy: 'write organization/name, or a plain name for a project of no organization' })
export const name = z
  .string()
  .trim()
  .regex(/^[^\p{Cc}\p{Cf}<>]{1,100}$/u)
  .meta({ remedy: 'write a name of at most 100 characters, without < and >' })
export const zone = z.string().refine(isZone).meta({ remedy: 'write an IANA zone such as Europe/Berlin' })
export const locale = z.enum(LOCALES).meta({ remedy: `write one of: ${LOCALES.join(', ')}` })
export const list = <S extends z.ZodType>(item: S, remedy: string) =>
  z
    .preprocess((value) => value ?? [], z.array(item))
    .optional()
    .default([])
    .meta({ remedy })

/** Lower case, domain as A-label; null when it is no mail address. */
export function toAddress(text: string): string | null {
  const at = text.lastIndexOf('@')
  const local = text.slice(0, at).toLowerCase()
  const domain = toDomain(text.slice(at + 1))
  const fits =
    at > 0 && local.length <= 64 && /^[^\s"(),:;<>@[\]\\\p{Cc}]+$/u.test(local) && !/^\.|\.\.|\.$/.test(local)
  return fits && domain ? `${local}@${domain}` : null
}

/** Lower case as A-label; null when it is no domain of at least two labels. */
export function toDomain(text: string): string | null {
  const domain = domainToASCII(text.trim().replace(/\.$/, ''))
  const labels = domain.split('.')
  const fits =
    domain.length <= 253 && labels.length > 1 && labels.every((label) => /^(?!-)[a-z0-9-]{1,63}(?<!-)$/.test(label))
  return fits && !/^\d+$/.test(labels.at(-1)!) ? domain : null
}

export const converted = (convert: (text: string) => string | null, what: string, remedy: string) =>
  z
    .string()
    .transform((text, context) => {
      const value = convert(text)
      if (value !== null) return value
      context.addIssue({ code: 'custom', message: `"${text.slice(0, 60)}" is no ${what}`, params: { remedy } })
      return z.NEVER
    })
    .meta({ remedy })

export const address = converted(toAddress, 'mail address', 'write an address such as support@desk.example')
export const domain = converted(toDomain, 'domain', 'write a domain such as acme.example')
export const domainPattern = converted(
  (text) => (text.startsWith('*.') ? prefixed('*.', toDomain(text.slice(2))) : toDomain(text)),
  'domain',
  'write acme.example, or "*.acme.example" for its subdomains',
)
const prefixed = (prefix: string, value: string | null): string | null => value && prefix + value

/** A stretch of the day, which may end on the next one. */
export const quiet = z
  .string()
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d-(?:[01]\d|2[0-3]):[0-5]\d$/)
  .refine((span) => span.slice(0, 5) !== span.slice(6))
  .meta({ remedy: 'write a stretch of the day such as "20:00-07:00"' })

const LONGEST = 315_360_000 // M1: ten years
export const duration = converted(
  (text) => {
    const value = parseDuration(text)
    return value && value <= LONGEST ? String(value) : null
  },
  'length of time from 1 s to 10 years',
  'write it as 4h, 90m, 2h30m or 1d (24 h)',
).transform(Number)
