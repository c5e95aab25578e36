/**
 * Who wrote: the contact by address, the organization by the sender's domain. Knows nothing of mail headers; a contact's
 * data is never changed by a mail, except that an empty name may be filled and an organization found (MAIL 5.12, 6.22).
 */
import { ask, type Change, change, each, type Queryable, type Statement, type Tx } from '../database.ts'
import { Refusal } from '../errors.ts'
import type { MailAddress } from '../incoming.ts'
import type { Desk, Group, Organization } from './desk.ts'
import { checkAddress } from './outbox/address.ts'
import { matchRecipient } from './recipients.ts'

export type Contact = {
  id: number
  name: string
  organizationId: number | null
  locale: string | null
  zone: string | null
  /** A person here has answered them before (MAIL 4a.25). */
  answeredAt: Date | null
  /** A mail of theirs was proven to be theirs; an agent's word or a form's is no proof. */
  verifiedAt: Date | null
}

/** Local part case-folded, for comparing people; dots and plus tags are kept (MAIL 6.21). */
export const sameAddress = (address: string): string => address.toLowerCase()

/** The contact who holds this address, or null. */
export async function findContact(sql: Queryable, address: string): Promise<Contact | null> {
  const [contact] = await ask<Contact>(sql, CONTACT, { address: sameAddress(address) })
  return contact ?? null
}

const CONTACT = each(
  'address text',
  `select c.id, c.name, c.organization_id as "organizationId", c.locale, c.zone, c.answered_at as "answeredAt",
     c.verified_at as "verifiedAt"
   from contact_addresses a join contacts c on c.id = a.contact_id where a.address = given.address offset 0`,
)

/**
 * The organization of a sender (MAIL 6.23): an exact address first, then the longest domain that covers theirs; a
 * public mail provider's domain never maps. Domains are A-labels on both sides.
 */
export function findOrganization(desk: Desk, address: string): Organization | null {
  const { byAddress, byDomain } = directoryOf(desk)
  const who = sameAddress(address)
  const exact = byAddress.get(who)
  if (exact) return exact
  const domain = who.slice(who.lastIndexOf('@') + 1)
  if (desk.settings.public_domains.has(domain)) return null
  const labels = domain.split('.')
  for (let from = 0; from < labels.length; from++) {
    const covering = byDomain.get(labels.slice(from).join('.'))
    if (covering) return covering
  }
  return null
}

/** The organization of this row, as far as the desk file still names it. */
export const organizationById = (desk: Desk, id: number | null | undefined): Organization | null =>
  (id && directoryOf(desk).byId.get(id)) || null

/** The customer groups of an organization or an exact address, smallest rank first (SLA S1). */
export function groupsOf(desk: Desk, organization: Organization | null, address: string | null): Group[] {
  return desk.groups
    .filter(
      (group) =>
        (organization && group.organizations.includes(organization.key)) ||
        (address && group.addresses.some((member) => sameAddress(member) === sameAddress(address))),
    )
    .toSorted((a, b) => a.rank - b.rank)
}

/** The next contact's id, so that what refers to it can be sent in the same round trip. */
async function reserveContact(tx: Tx): Promise<number> {
  const [row] = await tx`select nextval(pg_get_serial_sequence('contacts', 'id')) as id`
  return row!.id
}

/**
 * The statements that create a contact with one address. The caller holds the address's advisory lock (MAIL FEATURES 0.2: exactly once,
 * also under parallel first mails), so the address is known to be free.
 */
export function contactRows(
  tx: Tx,
  contact: { id: number; person: MailAddress; organizationId: number | null; verifiedAt: Date | null },
  now: Date,
): Statement[] {
  const { id, person, organizationId, verifiedAt } = contact
  return [
    change(tx, NEW_CONTACTS, [
      { id, name: nameOf(person), organization_id: organizationId, verified_at: verifiedAt, created_at: now },
    ]),
    change(tx, NEW_ADDRESSES, [{ address: sameAddress(person.address), contact_id: id }]),
  ]
}

const NEW_CONTACTS: Change = {
  columns: 'id bigint, name text, organization_id bigint, verified_at timestamptz, created_at timestamptz',
  sql: `
    insert into contacts (id, name, organization_id, verified_at, created_at) overriding system value select * from given`,
}

const NEW_ADDRESSES: Change = {
  columns: 'address text, contact_id bigint',
  sql: 'insert into contact_addresses (address, contact_id) select * from given',
}

/** The contact who holds an address; created where nobody does yet. Returns the contact's id. */
export async function ensureContact(
  tx: Tx,
  contact: { person: MailAddress; organizationId: number | null; verifiedAt?: Date },
  now: Date,
): Promise<number> {
  const { person, organizationId, verifiedAt = null } = contact
  await tx`select pg_advisory_xact_lock(hashtextextended(${`from/${sameAddress(person.address)}`}, 0))`
  const found = await findContact(tx, person.address)
  if (found) return found.id
  const id = await reserveContact(tx)
  for (const row of contactRows(tx, { id, person, organizationId, verifiedAt }, now)) await row
  return id
}

/**
 * Gives a contact one more address, confirmed by whoever asks for it: an agent, or a link that was sent there (MAIL 5.12,
 * 6.21). From now on mail from it is theirs.
 * @throws Refusal `unknown_contact`, `own_address`, `address_taken` where another contact holds it
 */
export async function linkAddress(
  tx: Tx,
  input: { contactId: number; address: string; desk: Desk },
  now: Date,
): Promise<void> {
  const address = sameAddress(checkAddress(input.address.trim()))
  if (matchRecipient(input.desk, address)) throw new Refusal('own_address', `${address} is an address of this desk.`)
  await tx`select pg_advisory_xact_lock(hashtextextended(${`from/${address}`}, 0))`
  const [contact] = await tx`select id from contacts where id = ${input.contactId} for key share`
  if (!contact) throw new Refusal('unknown_contact', 'There is no such contact.')
  const holder = await findContact(tx, address)
  if (holder && holder.id !== input.contactId)
    throw new Refusal('address_taken', `${address} belongs to another contact${holder.name && `, ${holder.name}`}.`)
  await tx`
    insert into contact_addresses (address, contact_id, confirmed_at) values (${address}, ${input.contactId}, ${now})
    on conflict (address) do update set confirmed_at = coalesce(contact_addresses.confirmed_at, excluded.confirmed_at)`
}

/** Fills what a contact lacks, and changes nothing else: the organization found since they first wrote, name, proof. */
export function completeContact(
  tx: Tx,
  id: number,
  { organizationId, name, verifiedAt }: { organizationId: number | null; name: string; verifiedAt: Date | null },
): Statement {
  return change(tx, KNOWN_CONTACTS, [{ id, organization_id: organizationId, name, verified_at: verifiedAt }])
}

const KNOWN_CONTACTS: Change = {
  columns: 'id bigint, organization_id bigint, name text, verified_at timestamptz',
  sql: `
    update contacts c set organization_id = coalesce(c.organization_id, given.organization_id),
      name = case when c.name = '' then given.name else c.name end,
      verified_at = coalesce(c.verified_at, given.verified_at)
    from given where c.id = given.id`,
}

/** A person here answered these contacts: from now on their words may stand in automatic mail (MAIL 4a.25). */
export async function markAnswered(tx: Tx, contactId: number, now: Date): Promise<void> {
  await tx`update contacts set answered_at = ${now} where id = ${contactId} and answered_at is null`
}

/** MAIL 6.22: a display name that is an address, or that a list rewrote ("Jane via Support"), is no name. */
export function nameOf(person: MailAddress): string {
  const name = person.name.trim().slice(0, 200)
  return name.includes('@') || /\svia\s/i.test(name) ? '' : name
}

/** Creates or re-enables an agent at run time; the desk file owns only those it names. Returns the row's id. */
export async function addAgent(
  tx: Tx,
  agent: { address: string; name: string; admin: boolean },
  now: Date,
): Promise<number> {
  const [row] = await tx`
    insert into agents (address, name, admin, created_at)
    values (${sameAddress(agent.address)}, ${agent.name}, ${agent.admin}, ${now})
    on conflict (address) do update
      set name = case when excluded.name = '' then agents.name else excluded.name end,
          admin = agents.admin or excluded.admin, disabled_at = null
    returning id`
  return row!.id
}

/** An active agent by address, or null. */
export async function findAgent(
  sql: Queryable,
  address: string,
): Promise<{ id: number; address: string; name: string; admin: boolean } | null> {
  const [row] = await sql`
    select id, address, name, admin from agents where address = ${sameAddress(address)} and disabled_at is null`
  return row ? { id: row.id, address: row.address, name: row.name, admin: row.admin } : null
}

type Directory = {
  byId: Map<number, Organization>
  byAddress: Map<string, Organization>
  byDomain: Map<string, Organization>
}
const directories = new WeakMap<Desk, Directory>()

/** All organizations and their senders, indexed once per desk version. */
function directoryOf(desk: Desk): Directory {
  let directory = directories.get(desk)
  if (!directory) {
    const organizations = [...desk.organizations.values()]
    directory = {
      byId: new Map(organizations.map((one) => [one.id, one])),
      byAddress: new Map(organizations.flatMap((one) => one.addresses.map((address) => [sameAddress(address), one]))),
      byDomain: new Map(organizations.flatMap((one) => one.domains.map((own) => [own.replace(/^\*\./, ''), one]))),
    }
    directories.set(desk, directory)
  }
  return directory
}
