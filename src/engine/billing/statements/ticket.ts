/**
 * The ticket that a statement is sent from: a conversation like any other, so that an objection is read and answered as
 * customers' mails are. It waits for the customer from the start; nobody at the desk owes an answer until they write.
 */
import type { Tx } from '../../../database.ts'
import type { Desk, Inbox, Organization, Project } from '../../desk.ts'
import type { Actor } from '../../events.ts'
import { addressKey, type Mailbox } from '../../outbox/address.ts'
import { ensureContact, findContact } from '../../people.ts'
import { factsOf } from '../../rules/facts.ts'
import { clockRows, promise, selectPolicy } from '../../sla.ts'
import { addPeople } from '../../tickets/people.ts'
import { createTicket, reserveTicket } from '../../tickets/rows.ts'
import { zoneOf } from './due.ts'

/** Who reads a statement; the first one is written to, the others have it in copy. */
export type Reader = Mailbox & { contactId: number; locale: string | null; zone: string | null }

/** As much of a ticket as its mails need. */
export type StatementTicket = { id: number; locale: string; zone: string; generation: number }

/** The people of the desk file as contacts, made where they are not yet. */
export async function readersOf(tx: Tx, organization: Organization, now: Date): Promise<Reader[]> {
  const readers: Reader[] = []
  for (const address of organization.statement_to) {
    const contactId = await ensureContact(tx, { person: { address, name: '' }, organizationId: organization.id }, now)
    const { name, locale, zone } = (await findContact(tx, address))!
    readers.push({ contactId, address, name, locale, zone })
  }
  return readers
}

/** The language and the zone that a statement is written in: the first reader's own, else their organization's. */
export const readsIn = ([first]: Reader[], organization: Organization, inbox: Inbox, desk: Desk) => ({
  locale: first?.locale ?? organization.locale ?? inbox.locale,
  zone: first?.zone ?? zoneOf(desk, organization),
})

/** The ticket that an earlier mail of the statement made, held, as far as it stands; null: there is none to go on with. */
export async function standingTicket(tx: Tx, ticketId: number): Promise<StatementTicket | null> {
  const [row] = await tx<StatementTicket[]>`
    select id, locale, zone, token_generation as generation from tickets
    where id = ${ticketId} and merged_into is null and deleted_at is null and spam_at is null for update`
  return row ?? null
}

type Opening = {
  organization: Organization
  inbox: Inbox
  readers: Reader[]
  subject: string
  actor: Actor
  why: string
  desk: Desk
}

/** Opens one; its first comment is the caller's to write. */
export async function openTicket(
  tx: Tx,
  given: Opening,
  now: Date,
): Promise<{ ticket: StatementTicket; commentId: number }> {
  const { organization, inbox, readers, subject, desk } = given
  const requester = readers[0]!
  const { locale, zone } = readsIn(readers, organization, inbox, desk)
  const project = projectOf(given)
  const { ticketId, commentId } = await reserveTicket(tx)
  const sla = promised(given, { project, requester: requester.address }, now)
  await createTicket(
    tx,
    {
      id: ticketId,
      subject,
      baseSubject: subject,
      status: 'waiting_customer',
      priority: 'normal',
      type: desk.settings.types[0]!,
      tags: ['statement'],
      automatic: false,
      inboxId: inbox.id,
      projectId: project.id,
      organizationId: organization.id,
      teamId: (project.team && desk.teams.get(project.team)?.id) || null,
      assigneeId: null,
      requester: { contactId: requester.contactId, address: requester.address, name: requester.name },
      locale,
      zone,
      sla,
      ackPromise: null,
    },
    { actor: given.actor, why: given.why },
    now,
  )
  await clockRows(tx, ticketId, sla)
  await joinReaders(tx, ticketId, readers, now)
  return { ticket: { id: ticketId, locale, zone, generation: 0 }, commentId }
}

/** Who reads a statement takes part in its ticket, beside its requester. */
export async function joinReaders(tx: Tx, ticketId: number, readers: Reader[], now: Date): Promise<void> {
  const [row] = await tx<{ requester_address: string | null }[]>`
    select requester_address from tickets where id = ${ticketId}`
  const requester = addressKey(row!.requester_address ?? '')
  const others = readers
    .filter((one) => addressKey(one.address) !== requester)
    .map(({ address, name, contactId }) => ({ address, name, contactId, role: 'participant' as const }))
  await addPeople(tx, ticketId, others, now)
}

/** The first of the organization's own, else where its mail lands. */
const projectOf = ({ desk, organization, inbox }: Opening): Project =>
  [...desk.projects.values()].find((one) => one.organization === organization.key) ?? desk.projects.get(inbox.project)!

/** What an objection is promised: the policy of the customer's mail, whose clocks begin when they write (SLA N1). */
function promised(
  { desk, organization, inbox, subject }: Opening,
  { project, requester }: { project: Project; requester: string },
  now: Date,
) {
  const beginning = { status: 'waiting_customer', priority: 'normal', team: project.team, assignee: null } as const
  const facts = factsOf(desk, {
    from_address: requester,
    from_name: '',
    recipients: [inbox.address],
    subject,
    body: '',
    headers: [],
    has_attachment: false,
    size: 0,
    language: null,
    kind: 'human',
  })
  const selection = selectPolicy(
    desk,
    {
      facts: { ...facts, organization: organization.key, project: project.key, status: beginning.status },
      organization,
      requester,
      inboxPolicy: inbox.policy,
      project,
      automatic: false,
    },
    now,
  )
  return promise(desk, selection, { ...beginning, origin: 'agent_outbound' }, now)
}
