/**
 * A ticket that an agent opens for somebody: out of a mail that they forward, or of what they were told (MAIL 10, "agent
 * forward on behalf"). It is routed and promised as the customer's own mail would be; nobody is written to.
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import type { MailAddress } from '../../incoming.ts'
import { tickets as limits } from '../../limits.ts'
import { type Attachment, attach } from '../attachments.ts'
import type { Inbox, Organization } from '../desk.ts'
import type { Actor } from '../events.ts'
import { addNews } from '../notify/news.ts'
import { ensureContact, findContact, findOrganization, groupsOf, organizationById, sameAddress } from '../people.ts'
import { matchRecipient } from '../recipients.ts'
import type { RuleFacts } from '../rules.ts'
import { route } from '../rules.ts'
import { clockRows, promise, selectPolicy } from '../sla.ts'
import type { AgentAuthor } from '../tickets.ts'
import type { Tools } from '../tools.ts'
import { mayTakePart } from './may-take-part.ts'
import { addComment, createTicket, reserveComment, reserveTicket } from './rows.ts'

export type Opened = {
  subject: string
  requester: MailAddress
  /** The customer's own words; null: the agent's are all there are. */
  text: string | null
  /** What the agent adds, for agents alone. */
  note: string
  /** Key; null: where the rules lead, else the inbox's. */
  project: string | null
  inbox: Inbox
  agent: AgentAuthor
  channel: 'web' | 'mail'
  files: Attachment[]
  tools: Tools
}

/**
 * Opens it. Its first comment is the customer's text, shown as theirs, else the agent's note.
 * @throws Refusal `own_address`, `not_a_person`, `unknown_project`, `empty_text`
 */
export async function openFor(tx: Tx, input: Opened, now: Date): Promise<{ ticketId: number; commentId: number }> {
  const address = requireCustomer(input)
  const body = (input.text ?? input.note).trim()
  if (!body) throw new Refusal('empty_text', 'There is no text: write what it is about, or forward their mail.')
  const { desk } = input.tools
  const known = await findContact(tx, address)
  const organization = organizationOf(input, known?.organizationId ?? null)
  const subject = (input.subject.trim() || body.split('\n')[0]!).slice(0, limits.subject)
  const { project, team, routed, sla } = placeOf(input, { address, subject, body, organization }, now)
  const { type, product, priority, priorityRule, tags, status, assignee } = routed
  const name = input.requester.name || known?.name || ''
  const person = { address: input.requester.address, name }
  const contactId = await ensureContact(tx, { person, organizationId: organization?.id ?? null }, now)
  const { ticketId, commentId } = await reserveTicket(tx)
  const actor: Actor = { kind: 'agent', id: input.agent.id, name: input.agent.name }
  await createTicket(
    tx,
    {
      id: ticketId,
      subject,
      baseSubject: subject,
      status,
      priority,
      assessed: priorityRule === null ? null : now,
      type,
      product,
      tags,
      automatic: false,
      inboxId: input.inbox.id,
      projectId: project.id,
      organizationId: organization?.id ?? null,
      teamId: (team && desk.teams.get(team)?.id) || null,
      assigneeId: (assignee && desk.agents.get(assignee)?.id) || null,
      requester: { contactId, address: input.requester.address, name },
      locale: organization?.locale ?? input.inbox.locale,
      zone: organization?.zone ?? input.inbox.zone,
      sla,
      ackPromise: null,
    },
    { actor, why: `opened by ${input.agent.name || input.agent.address} for ${address}` },
    now,
  )
  await clockRows(tx, ticketId, sla)
  await writeFirst(tx, input, { ticketId, commentId, contactId, name }, now)
  await addNews(tx, { ticketId, kind: 'new', commentId, actor }, now)
  return { ticketId, commentId }
}

function requireCustomer({ requester, tools: { desk } }: Opened): string {
  const address = sameAddress(requester.address)
  if (matchRecipient(desk, address)) throw new Refusal('own_address', `${address} is an address of this desk.`)
  if (!desk.agents.has(address) && !mayTakePart(desk, address, []))
    throw new Refusal('not_a_person', `${address} belongs to a machine or to a list, and cannot be a customer.`)
  return address
}

/** Where it belongs and what is promised, as of a mail of the customer's own. */
function placeOf(
  input: Opened,
  seen: { address: string; subject: string; body: string; organization: Organization | null },
  now: Date,
) {
  const { desk } = input.tools
  const { organization } = seen
  const facts = factsOf(input, { ...seen, organization: organization?.key ?? null })
  const routed = route(desk, facts, { project: input.inbox.project, type: desk.settings.types[0]! }, now)
  const project = desk.projects.get(input.project ?? routed.project)
  if (!project) throw new Refusal('unknown_project', 'There is no such project in the desk.')
  const { type, product, priority, priorityRule, tags, status, assignee } = routed
  const unassessed = priorityRule === null
  const team = input.project === null ? routed.team : project.team
  const selection = selectPolicy(
    desk,
    {
      facts: { ...facts, project: project.key, type, product, priority, unassessed, tags, status },
      organization,
      requester: seen.address,
      inboxPolicy: input.inbox.policy,
      project,
      automatic: false,
    },
    now,
  )
  const sla = promise(desk, selection, { status, priority, team, assignee, origin: 'agent_for_customer' }, now)
  return { project, team, routed, sla }
}

async function writeFirst(
  tx: Tx,
  input: Opened,
  made: { ticketId: number; commentId: number; contactId: number; name: string },
  now: Date,
): Promise<void> {
  const { agent, channel, text, note, requester } = input
  const { ticketId, commentId, contactId, name } = made
  const byAgent = { role: 'agent', agentId: agent.id, name: agent.name, address: agent.address } as const
  const base = { ticketId, channel } as const
  const internal = (id: number, words: string) =>
    addComment(tx, { ...base, id, author: byAgent, visibility: 'internal', text: words, visible: words }, now)
  if (text === null) await internal(commentId, note.trim())
  else {
    const author = { role: 'contact', contactId, name, address: requester.address } as const
    const words = text.trim()
    await addComment(
      tx,
      { ...base, id: commentId, author, visibility: 'public', text: words, visible: words, flags: ['on_behalf'] },
      now,
    )
  }
  await attach(tx, { ticketId, commentId }, input.files)
  if (text !== null && note.trim()) await internal(await reserveComment(tx), note.trim())
}

const organizationOf = ({ tools: { desk }, requester }: Opened, id: number | null) =>
  organizationById(desk, id) ?? findOrganization(desk, requester.address)

/** What rules see: the customer's words as if they had written to the inbox. */
function factsOf(
  { tools: { desk }, requester, inbox, files }: Opened,
  seen: { subject: string; body: string; organization: string | null },
): RuleFacts {
  const address = sameAddress(requester.address)
  const organization = (seen.organization !== null && desk.organizations.get(seen.organization)) || null
  return {
    from_address: address,
    from_name: requester.name,
    recipients: [inbox.address],
    inboxes: [inbox.key],
    subject: seen.subject,
    body: seen.body,
    headers: [],
    has_attachment: files.some((file) => !file.inline),
    size: 0,
    language: null,
    organization: seen.organization,
    groups: groupsOf(desk, organization, address).map((group) => group.key),
    project: null,
    product: null,
    type: null,
    priority: null,
    unassessed: true,
    status: null,
    tags: [],
    kind: 'human',
  }
}
