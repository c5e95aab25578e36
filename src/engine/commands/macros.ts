/** The text of a macro for the customer of a ticket: in their language, with the ticket's own facts filled in as data. */
import type { Queryable } from '../../database.ts'
import type { Agent, Desk } from '../desk.ts'
import { filled } from './words.ts'

export type MacroText = { key: string; values: Readonly<Record<string, string>> }

/** @returns the text; '' where the macro has none, or there is no such ticket */
export async function macroText(
  sql: Queryable,
  asked: { macro: MacroText; ticketId: number; agent: Pick<Agent, 'name'>; desk: Desk },
): Promise<string> {
  const macro = asked.desk.macros.get(asked.macro.key)
  const [ticket] = await sql<{ subject: string; name: string; locale: string; inbox_id: number | null }[]>`
    select subject, requester_name as name, locale, inbox_id from tickets where id = ${asked.ticketId}`
  if (!macro || !ticket) return ''
  const language = /^[a-z]+/.exec(ticket.locale.toLowerCase())?.[0] ?? 'en'
  const inbox = asked.desk.inboxes.find((one) => one.id === ticket.inbox_id) ?? asked.desk.inboxes[0]
  const facts = new Map([
    ...Object.entries(asked.macro.values),
    ['customer', ticket.name],
    ['number', String(asked.ticketId)],
    ['subject', ticket.subject],
    ['agent', asked.agent.name],
    ['inbox', inbox?.name ?? ''],
  ] as [string, string][])
  const text = Object.hasOwn(macro.text, language) ? macro.text[language] : macro.text.en
  return filled(text ?? '', facts).trim()
}
