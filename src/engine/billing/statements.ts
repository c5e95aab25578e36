/**
 * Statements (C11): a customer's approved time of a month by mail, once a customer and month, from a ticket of theirs. An
 * admin may send it before its day, and again after it was objected to or reopened; each mail has a reply address of its
 * own, and only the newest approves. What an answer does is in statements/answer.ts.
 *
 * Locks: the statement's ticket, the customer's months, the row.
 */
import { type Sql, type Tx, transaction } from '../../database.ts'
import type { Days } from '../../days.ts'
import { Refusal } from '../../errors.ts'
import type { Organization } from '../desk.ts'
import { type Actor, record, system } from '../events.ts'
import { clearNotice, raiseNotice } from '../notices.ts'
import { reserveComment } from '../tickets/rows.ts'
import { setStatus } from '../tickets.ts'
import { reopenEntries } from '../time-entries/billed.ts'
import { holdMonths } from '../time-entries/period.ts'
import { actorOf, type Worker } from '../time-entries/rows.ts'
import type { Tools } from '../tools.ts'
import { requireBilling } from './invoices.ts'
import { type Content, contentOf, fingerprint, readContent } from './statements/content.ts'
import { dueMonth, inboxFor, isOver } from './statements/due.ts'
import { mailStatement } from './statements/mail.ts'
import { daysOfMonth } from './statements/read.ts'
import { joinReaders, openTicket, type Reader, readersOf, readsIn, standingTicket } from './statements/ticket.ts'
import { statementWords } from './statements/words.ts'
import type { StatementState } from './tables.ts'

/** Sends the statements that are due at `now`; to be called at least once an hour. One customer's trouble is no other's. */
export async function sendDueStatements(
  sql: Sql,
  tools: Tools,
  now: Date,
): Promise<{ statements: number; failed: number }> {
  const done = { statements: 0, failed: 0 }
  const { desk } = tools
  const broken: unknown[] = []
  for (const organization of desk.organizations.values()) {
    const days = organization.statement === 'monthly' ? dueMonth(desk, organization, now) : null
    if (!days) continue
    const [is] = await sql`
      select from statements where organization_id = ${organization.id} and period_from = ${days.from}`
    if (is) continue
    try {
      if (await transaction(sql, (tx) => sendByItself(tx, { organization, days, tools }, now))) done.statements++
      await clearNotice(sql, 'statement_failed', organization.key, now)
    } catch (error) {
      done.failed++
      if (!(error instanceof Refusal)) {
        broken.push(error)
        continue
      }
      const words = `The statement of ${organization.name} for ${days.from.slice(0, 7)} could not be sent: ${error.message}`
      await raiseNotice(sql, { kind: 'statement_failed', subject: organization.key, words }, now)
    }
  }
  if (broken.length > 0) throw broken[0] // the schedule logs it, and tries again
  return done
}

/**
 * Sends a statement now, for the first time or again.
 * @param input.month `2026-10`
 * @param input.seen the fingerprint of what the admin saw; anything else is refused
 * @throws Refusal `may_not_bill`, `unknown_organization`, `bad_month`, `month_not_over`, `no_statement_contact`,
 * `statement_approved`, `empty_statement`, `statement_changed`, `long_invoice`, `nobody_to_answer`
 */
export async function sendStatement(
  tx: Tx,
  input: { organization: string; month: string; seen: string; agent: Worker; tools: Tools },
  now: Date,
): Promise<{ statementId: number; ticketId: number }> {
  requireBilling(input.agent)
  const { desk } = input.tools
  const organization = desk.organizations.get(input.organization)
  if (!organization) throw new Refusal('unknown_organization', `There is no organization "${input.organization}".`)
  const days = daysOfMonth(input.month)
  if (!isOver(desk, organization, days, now))
    throw new Refusal('month_not_over', `${input.month} is not over yet where ${organization.name} is.`)
  if (organization.statement_to.length === 0)
    throw new Refusal('no_statement_contact', `Nobody of ${organization.name} gets it: name them with statement_to.`)
  const sending = { organization, days, tools: input.tools }
  const held = await hold(tx, sending)
  if (held?.state === 'approved')
    throw new Refusal('statement_approved', `${organization.name} has approved ${input.month}: reopen it first.`)
  const content = contentFrom(await readContent(tx, { ...speaking(sending), period: periodOf(organization, days) }))
  if (content.rows.length === 0)
    throw new Refusal('empty_statement', `Nobody has approved time of ${organization.name} in ${input.month}.`)
  if (fingerprint(content) !== input.seen)
    throw new Refusal('statement_changed', 'The time has changed since you saw it: look at it again.')
  return await send(tx, { ...sending, held, content, actor: actorOf(input.agent), agentId: input.agent.id }, now)
}

/**
 * Opens an approved statement again: its time may be changed until it is sent and approved anew. The reason stays.
 * @throws Refusal `may_not_bill`, `unknown_statement`, `not_approved`, `no_reason`
 */
export async function reopenStatement(
  tx: Tx,
  input: { statementId: number; why: string; agent: Worker },
  now: Date,
): Promise<void> {
  requireBilling(input.agent)
  const why = input.why.trim().slice(0, 1000)
  if (!why) throw new Refusal('no_reason', 'Say why: the reason stays with the statement.')
  const row = await holdStatement(tx, input.statementId)
  if (row.state !== 'approved')
    throw new Refusal('not_approved', 'Only a statement that the customer has approved can be reopened.')
  await tx`
    update statements set state = 'reopened', reopened_at = ${now}, reopened_by = ${input.agent.id}, reopened_why = ${why},
      updated_at = ${now}
    where id = ${row.id}`
  await reopenEntries(tx, row.id)
  if (row.ticket_id === null) return
  const events = [{ type: 'statement_reopened', data: { statement: row.id, month: row.month }, why }]
  await record(tx, { ticketId: row.ticket_id, actor: actorOf(input.agent), events }, now)
}

export type HeldStatement = {
  id: number
  organization_id: number
  state: StatementState
  revision: number
  ticket_id: number | null
  /** `2026-10`. */
  month: string
  content: Content | null
}

/** A statement with its ticket, its customer's months and its row held, in this order. Throws Refusal `unknown_statement`. */
export async function holdStatement(tx: Tx, statementId: number): Promise<HeldStatement> {
  const [seen] = await tx<HeldStatement[]>`
    select ticket_id, organization_id from statements where id = ${statementId}`
  if (!seen) throw new Refusal('unknown_statement', `There is no statement ${statementId}.`)
  if (seen.ticket_id !== null) await tx`select from tickets where id = ${seen.ticket_id} for update`
  await holdMonths(tx, seen.organization_id)
  const [row] = await tx<HeldStatement[]>`
    select ${heldColumns(tx)} from statements where id = ${statementId} for update`
  return row!
}

const heldColumns = (tx: Tx) => tx`
  id, organization_id, state, revision, ticket_id, to_char(period_from, 'YYYY-MM') as month, content`

type Sending = { organization: Organization; days: Days; tools: Tools }

/** What reading the month needs of a sending. */
export const speaking = ({ organization, tools: { desk } }: Pick<Sending, 'organization' | 'tools'>) => ({
  organization,
  desk,
  inbox: inboxFor(desk, organization),
})

export const periodOf = ({ id }: Organization, { from, to }: Days) => ({ organizationId: id, from, to })

/** Of a draft, what is sent and kept. */
const contentFrom = ({ rows }: Content): Content => contentOf(rows)

/** The statement of the month, held; null: there is none yet, and nobody else makes one meanwhile. */
async function hold(tx: Tx, { organization, days }: Sending): Promise<HeldStatement | null> {
  const find = async () =>
    (
      await tx<{ id: number }[]>`
        select id from statements where organization_id = ${organization.id} and period_from = ${days.from}`
    )[0]
  const there = await find()
  if (there) return await holdStatement(tx, there.id)
  await holdMonths(tx, organization.id)
  const made = await find()
  return made ? await holdStatement(tx, made.id) : null
}

/** False: another daemon was quicker, or there was nothing to send, which is remembered too. */
async function sendByItself(tx: Tx, sending: Sending, now: Date): Promise<boolean> {
  if (await hold(tx, sending)) return false
  const { organization, days } = sending
  const content = contentFrom(await readContent(tx, { ...speaking(sending), period: periodOf(organization, days) }))
  if (content.rows.length > 0) {
    await send(tx, { ...sending, held: null, content, actor: system('cron'), agentId: null }, now)
    return true
  }
  await tx`
    insert into statements ${tx({
      organization_id: organization.id,
      period_from: days.from,
      period_to: days.to,
      state: 'empty',
      created_at: now,
      updated_at: now,
    })} on conflict do nothing`
  return false
}

type Whole = Sending & { held: HeldStatement | null; content: Content; actor: Actor; agentId: number | null }

/** Row, ticket, comment with its file, and the mail. */
async function send(tx: Tx, whole: Whole, now: Date): Promise<{ statementId: number; ticketId: number }> {
  const { organization, days, tools, held, content, actor } = whole
  const { desk, templates } = tools
  const inbox = inboxFor(desk, organization)
  const readers = await readersOf(tx, organization, now)
  const standing = held?.ticket_id ? await standingTicket(tx, held.ticket_id) : null
  const revision = (held?.revision ?? 0) + 1
  const words = statementWords({
    templates,
    desk: inbox.name,
    customer: organization.name,
    from: days.from,
    locale: standing?.locale ?? readsIn(readers, organization, inbox, desk).locale,
    content,
    answers: inbox.reply_addresses === 'off' ? 'none' : 'approve',
    revision,
  })
  const why = `the statement of ${organization.name} for ${days.from.slice(0, 7)}`
  const opening = { organization, inbox, readers, subject: words.subject, actor, why, desk }
  const opened = standing ? null : await openTicket(tx, opening, now)
  const ticket = opened?.ticket ?? standing!
  const commentId = opened?.commentId ?? (await reserveComment(tx))
  const statementId = await writeRow(tx, { ...whole, revision, ticketId: ticket.id, readers }, now)
  if (!opened) {
    await joinReaders(tx, ticket.id, readers, now)
    const again = { ticketId: ticket.id, status: 'waiting_customer', actor, why: 'its statement was sent again' }
    await setStatus(tx, again, now)
  }
  const mailed = { ...whole, inbox, readers, ticket, commentId, statementId, revision, words }
  await mailStatement(tx, mailed, now)
  const month = days.from.slice(0, 7)
  const data = { statement: statementId, month, revision, entries: content.rows.length, comment: commentId }
  await record(tx, { ticketId: ticket.id, actor, events: [{ type: 'statement_sent', data }] }, now)
  return { statementId, ticketId: ticket.id }
}

async function writeRow(
  tx: Tx,
  row: Whole & { revision: number; ticketId: number; readers: Reader[] },
  now: Date,
): Promise<number> {
  const { organization, days, held, content, agentId, revision, ticketId, readers } = row
  const columns = {
    state: 'sent',
    revision,
    ticket_id: ticketId,
    people: tx.json(readers.map(({ address, name }) => ({ address, name }))),
    content: tx.json(content as never),
    sent_at: now,
    sent_by: agentId,
    answered_at: null,
    answered_by: null,
    answer: null,
    updated_at: now,
  }
  if (held) {
    await tx`update statements set ${tx(columns)} where id = ${held.id}`
    return held.id
  }
  const [made] = await tx<{ id: number }[]>`
    insert into statements ${tx({
      ...columns,
      organization_id: organization.id,
      period_from: days.from,
      period_to: days.to,
      created_at: now,
    })} returning id`
  return made!.id
}
