/** Whom a reminder notifies: roles and addresses as people who can be written to, each once, with language and zone. */
import type { Tx } from '../../database.ts'
import type { Agent, Inbox } from '../desk.ts'
import { findOrganization, groupsOf } from '../people.ts'
import type { Tools } from '../tools.ts'

export type Reader = {
  address: string
  name: string
  locale: string
  zone: string
  /** Null: an address of nobody here, without hours. */
  agent: Agent | null
}

/** As much of a ticket as says who is concerned; keys of the desk. */
export type Concerned = { team: string | null; assignee: string | null; requester: string | null; inbox: Inbox }

/**
 * The people behind `assignee`, `team`, `lead`, `responsible` and addresses. Nobody is lost: where there is no assignee
 * or lead the team is told, where there is no responsible the lead, and where there is no team the admins.
 */
export async function readersOf(
  tx: Tx,
  given: { notify: readonly string[]; ticket: Concerned; tools: Tools },
): Promise<Reader[]> {
  const { notify, ticket, tools } = given
  const found = new Set(notify.flatMap((who) => addressesOf(who, ticket, tools)))
  const unreachable = await tx<{ subject: string }[]>`
    select subject from notices where kind = 'agent_unreachable' and settled_at is null
      and subject = any(${[...found]}::text[])`
  const silent = new Set(unreachable.map((row) => row.subject)) // MAIL 4a.8
  return [...found].filter((address) => !silent.has(address)).map((address) => readerOf(address, ticket.inbox, tools))
}

function addressesOf(who: string, ticket: Concerned, { desk }: Tools): string[] {
  const team = ticket.team === null ? undefined : desk.teams.get(ticket.team)
  const known = (addresses: readonly (string | null | undefined)[]) =>
    addresses.filter((address): address is string => typeof address === 'string' && desk.agents.has(address))
  const admins = [...desk.agents.values()].filter((agent) => agent.admin).map((agent) => agent.address)
  const members = known(team?.members ?? [])
  const all = members.length > 0 ? members : admins
  const orElse = (some: string[], others: string[]) => (some.length > 0 ? some : others)
  const lead = orElse(known([team?.lead]), all)
  if (who === 'assignee') return orElse(known([ticket.assignee]), all)
  if (who === 'team') return all
  if (who === 'lead') return lead
  if (who !== 'responsible') return [who]
  const organization = ticket.requester === null ? null : findOrganization(desk, ticket.requester)
  const groups = groupsOf(desk, organization, ticket.requester)
  return orElse(known(groups.map((group) => group.responsible)).slice(0, 1), lead)
}

function readerOf(address: string, inbox: Inbox, { desk }: Tools): Reader {
  const agent = desk.agents.get(address) ?? null
  return {
    address,
    name: agent?.name ?? '',
    locale: agent?.locale ?? inbox.locale,
    zone: agent?.zone ?? inbox.zone,
    agent,
  }
}
