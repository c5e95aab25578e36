/**
 * A reminder as a mail (SLA E3): which ticket, what is promised, when it is due in the reader's language and zone, and
 * how much working time is left. Plain automatic mail: nothing signed in it, answers go to the inbox.
 */
import type { Tx } from '../../database.ts'
import { localeFor, render, spokenLocale } from '../../render.ts'
import { seconds } from '../../time.ts'
import { makeMessageId } from '../../tokens.ts'
import type { Inbox } from '../desk.ts'
import { dueText, remainingText } from '../due-words.ts'
import { gatherTicket, type ToldTicket } from '../notify/gather.ts'
import { agentHeaders, customerOf, lastExchange, noteLink } from '../notify/mail.ts'
import { notifyPhrases } from '../notify/phrases.ts'
import { takeTurn } from '../notify/rows.ts'
import { oneLine } from '../outbox/address.ts'
import { domainOf } from '../outbox/headers.ts'
import { queueMail } from '../outbox.ts'
import type { Waiting } from '../sla/fired.ts'
import type { Tools } from '../tools.ts'
import { awakeAt } from './quiet.ts'
import type { Reader } from './readers.ts'

export type Notice = {
  reminder: Waiting
  reader: Reader
  ticket: { id: number; subject: string; generation: number; customer: string; assignee: string | null; inbox: Inbox }
  tools: Tools
  /** Of the web view. */
  url: string
}

/** Queues it for when its reader may be disturbed; the words are true at that moment. */
export async function queueNotice(tx: Tx, notice: Notice, now: Date): Promise<void> {
  const { reader, ticket, tools } = notice
  const { inbox } = ticket
  const { agent } = reader
  const awake = agent ? awakeAt(tools.desk, agent, reader.zone, now) : now
  const at = agent ? await takeTurn(tx, { ticketId: ticket.id, agentId: agent.id }, awake) : now
  const to = { name: oneLine(reader.name), address: reader.address }
  const told = agent && (await gatherTicket(tx, { ticketId: ticket.id, commentIds: [], tools }, now))
  await queueMail(
    tx,
    {
      kind: 'notification',
      ticketId: ticket.id,
      commentId: null,
      inboxId: inbox.id,
      generation: ticket.generation,
      // the id of one that anybody may get names no ticket: it would prove that they read mail of it
      messageId: makeMessageId(tools.keys, 'n', agent ? ticket.id : 0, domainOf(inbox.address), now),
      recipients: [to],
      headers:
        agent && told
          ? agentHeaders({ agent, ticket: told, tools })
          : [
              ['From', [{ name: inbox.name, address: inbox.address }]],
              ['To', [to]],
              ['Reply-To', [{ name: inbox.name, address: inbox.address }]],
            ],
      ...wordsFor(notice, told, at),
      attachmentIds: [],
      notBefore: at > now ? at : null,
    },
    tools,
    now,
  )
}

function wordsFor({ reminder, reader, ticket, tools, url }: Notice, told: ToldTicket | null, at: Date) {
  const locale = spokenLocale(tools.templates, reader.locale)
  const phrases = notifyPhrases(localeFor(tools.templates, locale))
  const note = reader.agent && told && noteLink({ agent: reader.agent, ticket: told, tools })
  const left = reminder.left(at)
  return render(tools.templates, 'reminder', locale, {
    desk: ticket.inbox.name,
    number: ticket.id,
    subject: oneLine(ticket.subject),
    what: phrases.metricNames[reminder.metric],
    left: remainingText(reminder.breached ? Math.min(left, -1) : left, locale), // late is late, by however little
    due: reminder.due && dueText({ at: seconds(reminder.due), zone: reader.zone, locale }),
    customer: oneLine(ticket.customer),
    assignee: ticket.assignee && oneLine(ticket.assignee),
    link: new URL(`/tickets/${ticket.id}`, url).href,
    answers_to: note && told?.requester_address ? customerOf(told) : null,
    note,
    comments: told && lastExchange(told, { phrases, locale, zone: reader.zone, url }),
  })
}
