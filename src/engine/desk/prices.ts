/** The desk file's price lists and billing: whether prices are amounts and nothing is priced twice, and what they become. */
import { isDeepStrictEqual } from 'node:util'
import { parseMoney } from '../billing/money.ts'
import type { DeskPriceList, Group, Organization } from '../desk.ts'
import type { Complain, Refer } from './names.ts'
import type { DeskFile } from './schema.ts'

type FileList = DeskFile['price_lists'][number]
type FileItem = FileList['items'][number]
type FileOrganization = DeskFile['organizations'][number]

/** Reports what is wrong with work types and price lists through `complain` and every dead reference through `refer`. */
export function checkPrices(file: DeskFile, complain: Complain, refer: Refer): void {
  const keys = (list: readonly { key: string }[]) => list.map((one) => one.key)
  const [workTypes, lists, organizations] = [keys(file.work_types), keys(file.price_lists), keys(file.organizations)]
  checkOnce(workTypes, 'work_types', complain)
  checkOnce(lists, 'price_lists', complain)
  for (const [n, one] of file.price_lists.entries()) {
    for (const [m, key] of one.organizations.entries())
      refer(['price_lists', n, 'organizations', m], 'organization', key, organizations)
    for (const [m, item] of one.items.entries())
      refer(['price_lists', n, 'items', m, 'work_type'], 'work type', item.work_type, workTypes)
    checkItems(one, n, complain)
  }
  for (const [n, group] of file.groups.entries())
    for (const [m, { list }] of group.price_lists.entries())
      refer(['groups', n, 'price_lists', m, 'list'], 'price list', list, lists)
}

/** A checked list; its prices in minor units of its currency. */
export function priceListOf(file: FileList): DeskPriceList {
  const { key, name, currency, rounding, organizations, contacts } = file
  return {
    id: 0,
    version: 0,
    key,
    name: name ?? key,
    currency,
    default: file.default,
    rounding: {
      scope: rounding.scope,
      increment_s: rounding.increment ?? 0,
      mode: rounding.mode,
      minimum_s: rounding.minimum ?? 0,
    },
    organizations,
    contacts,
    items: file.items.map((item) => ({
      ...scopeOf(item),
      price_minor: parseMoney(item.price, currency)!,
      to: item.to ?? null,
    })),
  }
}

export const groupListsOf = (group: Pick<DeskFile['groups'][number], 'rank' | 'price_lists'>): Group['price_lists'] =>
  group.price_lists.map(({ list, rank }) => ({ list, rank: rank ?? group.rank }))

export const billingOf = (billing: DeskFile['organizations'][number]['billing']): Organization['billing'] => ({
  name: billing.name ?? null,
  address: billing.address,
  tax_id: billing.tax_id,
  currency: billing.currency ?? null,
  tax_bp: billing.tax ?? null,
  tax_mode: billing.tax_mode,
})

/** Their own word, else that of a group which has them. */
export const statementOf = (
  { key, statement }: Pick<FileOrganization, 'key' | 'statement'>,
  { groups }: Pick<DeskFile, 'groups'>,
): Organization['statement'] =>
  statement ??
  (groups.some((group) => group.statement === 'monthly' && group.organizations.includes(key)) ? 'monthly' : 'off')

/** A statement needs somebody who reads it, and that is never this desk itself. */
export function checkStatements(file: DeskFile, complain: Complain): void {
  const inboxes = file.inboxes.flatMap((one) => [one.address, ...one.aliases])
  for (const [n, one] of file.organizations.entries()) {
    for (const [m, address] of one.statement_to.entries())
      if (inboxes.includes(address))
        complain(
          ['organizations', n, 'statement_to', m],
          `"${address}" is an inbox of this desk`,
          'name a person of the customer',
        )
    if (statementOf(one, file) === 'monthly' && one.statement_to.length === 0)
      complain(
        one.statement ? ['organizations', n, 'statement'] : ['organizations', n],
        `"${one.key}" is to get a statement each month, and nobody there is named for it`,
        'name them: statement_to: [boss@acme.example], or write statement: off',
      )
  }
}

function checkOnce(keys: string[], list: 'work_types' | 'price_lists', complain: Complain): void {
  for (const [n, key] of keys.entries())
    if (keys.indexOf(key) < n)
      complain([list, n, 'key'], `key "${key}" is there twice`, 'remove or rename one of the two')
}

function checkItems({ currency, items }: FileList, n: number, complain: Complain): void {
  for (const [m, item] of items.entries()) {
    const path = ['price_lists', n, 'items', m]
    if (parseMoney(item.price, currency) === null)
      complain(
        [...path, 'price'],
        `"${item.price.slice(0, 40)}" is no price in ${currency}`,
        'write it as 120 or "120.50"',
      )
    if (item.from && item.to && item.to < item.from)
      complain([...path, 'to'], 'the price ends before it begins', 'write the last day on which it holds')
    // P4: of two such prices none would be the right one
    if (items.slice(0, m).some((other) => isDeepStrictEqual(scopeOf(other), scopeOf(item))))
      complain(path, 'the same work has a price from the same day on already', 'remove one, or let it begin later')
  }
}

const scopeOf = (item: FileItem) => ({
  work_type: item.work_type ?? null,
  priority: item.priority ?? null,
  from: item.from ?? null,
})
