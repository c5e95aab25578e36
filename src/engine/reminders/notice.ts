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
import { oneLine } from '../outbox/address.ts'
import { domainOf } from '../outbox/headers.ts'
import { queueMail } from '../outbox.ts'
import type { ClockMetric } from '../sla/account.ts'
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
  const at = reader.agent ? awakeAt(tools.desk, reader.agent, reader.zone, now) : now
  const to = { name: oneLine(reader.name), address: reader.address }
  await queueMail(
    tx,
    {
      kind: 'notification',
      ticketId: ticket.id,
      commentId: null,
      inboxId: inbox.id,
      generation: ticket.generation,
      // names no ticket: agents answer by mail with a later version, and until then an answer proves nothing
      messageId: makeMessageId(tools.keys, 'n', 0, domainOf(inbox.address), now),
      recipients: [to],
      headers: [
        ['From', [{ name: inbox.name, address: inbox.address }]],
        ['To', [to]],
        ['Reply-To', [{ name: inbox.name, address: inbox.address }]],
      ],
      ...wordsFor(notice, at),
      attachmentIds: [],
      notBefore: at > now ? at : null,
    },
    tools,
    now,
  )
}

function wordsFor({ reminder, reader, ticket, tools, url }: Notice, at: Date) {
  const locale = spokenLocale(tools.templates, reader.locale)
  const left = reminder.left(at)
  return render(tools.templates, 'reminder', locale, {
    desk: ticket.inbox.name,
    number: ticket.id,
    subject: oneLine(ticket.subject),
    what: WHAT[localeFor(tools.templates, locale) as keyof typeof WHAT]?.[reminder.metric] ?? WHAT.en[reminder.metric],
    left: remainingText(reminder.breached ? Math.min(left, -1) : left, locale), // late is late, by however little
    due: reminder.due && dueText({ at: seconds(reminder.due), zone: reader.zone, locale }),
    customer: oneLine(ticket.customer),
    assignee: ticket.assignee && oneLine(ticket.assignee),
    link: new URL(`/tickets/${ticket.id}`, url).href,
  })
}

const WHAT: Record<'en' | 'de' | 'fr' | 'es' | 'pl' | 'uk' | 'ru', Record<ClockMetric, string>> = {
  en: { first_response: 'first answer', next_response: 'next answer', resolution: 'solution', ola: "team's part" },
  de: {
    first_response: 'erste Antwort',
    next_response: 'nächste Antwort',
    resolution: 'Lösung',
    ola: 'Teil des Teams',
  },
  fr: {
    first_response: 'première réponse',
    next_response: 'réponse suivante',
    resolution: 'solution',
    ola: 'part de l’équipe',
  },
  es: {
    first_response: 'primera respuesta',
    next_response: 'siguiente respuesta',
    resolution: 'solución',
    ola: 'parte del equipo',
  },
  pl: {
    first_response: 'pierwsza odpowiedź',
    next_response: 'następna odpowiedź',
    resolution: 'rozwiązanie',
    ola: 'część zespołu',
  },
  uk: {
    first_response: 'перша відповідь',
    next_response: 'наступна відповідь',
    resolution: 'вирішення',
    ola: 'частина команди',
  },
  ru: {
    first_response: 'первый ответ',
    next_response: 'следующий ответ',
    resolution: 'решение',
    ola: 'часть команды',
  },
}
