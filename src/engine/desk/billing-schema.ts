/** The desk file's keys for time and money: price lists, how customers are billed, how time is kept and approved. */
import { z } from 'zod'
import { isCurrency } from '../billing/money.ts'
import { PRIORITIES } from '../tables.ts'
import { address, converted, duration, key, list, name } from './values.ts'

/** Lines of an address or of terms, for print. */
const lines = z
  .string()
  .trim()
  .regex(/^(?:[^\p{Cc}\p{Cf}]|\n){0,500}$/u)
  .default('')
  .meta({ remedy: 'write at most 500 characters; lines are kept with "|"' })
const currency = z.string().refine(isCurrency).meta({ remedy: 'write the three letters of a currency such as EUR' })
const tax = converted(
  (text) => {
    const [, whole, fraction = ''] = /^(\d{1,2})(?:\.(\d{1,2}))? ?%$/.exec(text.trim()) ?? []
    return whole === undefined ? null : whole + fraction.padEnd(2, '0')
  },
  'rate of tax below 100 %',
  'write a rate such as 19% or 8.1%',
).transform(Number)
const day = z.iso.date().meta({ remedy: 'write a day such as 2026-01-31' })
const step = duration
  .refine((seconds) => seconds <= 86_400)
  .optional()
  .meta({ remedy: 'write it as 15m or 1h, at most a day' })

const rounding = z
  .strictObject({
    scope: z.enum(['entry', 'ticket_day', 'line']).default('entry').meta({ remedy: 'write entry, ticket_day or line' }),
    increment: step,
    mode: z.enum(['up', 'nearest', 'down']).default('up').meta({ remedy: 'write up, nearest or down' }),
    minimum: step,
  })
  .prefault({})

const priceItem = z.strictObject({
  work_type: key.optional(),
  priority: z.enum(PRIORITIES).optional(),
  price: z
    .union([z.string(), z.number()])
    .transform(String)
    .meta({ remedy: 'write the price of an hour, such as 120 or "120.50"' }),
  from: day.optional(),
  to: day.optional(),
})

/** `price_lists[]` */
export const priceList = z.strictObject({
  key,
  name: name.optional(),
  currency,
  default: z.boolean().default(false),
  rounding,
  organizations: list(key, 'write a list of keys of organizations'),
  contacts: list(address, 'write a list of addresses'),
  items: z.array(priceItem).min(1).meta({ remedy: 'write a list such as [{work_type: support, price: 120}]' }),
})

/** `organizations[].billing` */
export const billing = z
  .strictObject({
    name: name.optional(),
    address: lines,
    tax_id: lines,
    currency: currency.optional(),
    tax: tax.optional(),
    tax_mode: z
      .enum(['standard', 'reverse_charge'])
      .default('standard')
      .meta({ remedy: 'write standard, or reverse_charge' }),
  })
  .prefault({})

/** `organizations[].statement` and `groups[].statement`: whether they are mailed their time of a month. */
export const statement = z.enum(['monthly', 'off']).optional().meta({ remedy: 'write monthly, or off' })

/** `settings.time` */
export const timeSettings = z
  .strictObject({
    overlap: z.enum(['allow', 'warn', 'reject']).default('warn').meta({ remedy: 'write allow, warn or reject' }),
    midnight: z.enum(['one', 'split']).default('one').meta({ remedy: 'write one, or split' }),
    approvers: list(address, 'write a list of the addresses of agents'),
    own: z.enum(['refuse', 'allow']).default('refuse').meta({ remedy: 'write refuse, or allow' }),
  })
  .prefault({})

/** `settings.billing` */
export const billingSettings = z
  .strictObject({
    name: name.optional(),
    address: lines,
    tax_id: lines,
    terms: lines,
    prefix: z
      .string()
      .regex(/^[\p{L}\p{N}_./-]{0,20}$/u)
      .default('')
      .meta({ remedy: 'write at most 20 letters, digits, "_", ".", "/" and "-"' }),
    currency: currency.default('EUR'),
    tax: tax.default(0),
  })
  .prefault({})
