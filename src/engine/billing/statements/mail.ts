/**
 * A statement's mail, and the comment that shows it in its ticket: one mail to all who are to read it, its CSV attached,
 * under a reply address that names the statement and which mail of it this is (MAIL 5.7, purpose `s`).
 */
import { putBlob } from '../../../blobs.ts'
import { CSV_MARK } from '../../../csv.ts'
import type { Tx } from '../../../database.ts'
import type { Days } from '../../../days.ts'
import { Refusal } from '../../../errors.ts'
import type { Rendered } from '../../../render.ts'
import { makeMessageId, rootId } from '../../../tokens.ts'
import { attach } from '../../attachments.ts'
import type { Inbox, Organization } from '../../desk.ts'
import { domainOf, referencesOf } from '../../outbox/headers.ts'
import { chooseRecipients } from '../../outbox/recipients.ts'
import { signFor } from '../../outbox/signed.ts'
import { type HeaderValue, queueMail } from '../../outbox.ts'
import { knownMails, rememberOutgoing } from '../../thread.ts'
import { addComment } from '../../tickets/rows.ts'
import type { Tools } from '../../tools.ts'
import type { Content } from './content.ts'
import type { Reader, StatementTicket } from './ticket.ts'
import { csvName, statementCsv } from './words.ts'

export type MailedStatement = {
  statementId: number
  /** How often it was mailed, with this time. */
  revision: number
  organization: Organization
  days: Days
  content: Content
  words: Rendered
  inbox: Inbox
  readers: Reader[]
  ticket: StatementTicket
  /** Reserved, for the comment. */
  commentId: number
  tools: Tools
}

/** Throws Refusal `nobody_to_answer`. */
export async function mailStatement(tx: Tx, mailed: MailedStatement, now: Date): Promise<void> {
  const { inbox, ticket, commentId, words, tools } = mailed
  const { id, generation } = ticket
  const people = recipientsOf(mailed)
  const messageId = makeMessageId(tools.keys, 'c', id, domainOf(inbox.address), now)
  const headers = await headersOf(tx, mailed, people) // before its own id is among those of the conversation
  const { text } = words
  const author = { role: 'system', name: inbox.name, address: null } as const
  const comment = { id: commentId, ticketId: id, author, visibility: 'public', channel: 'system' } as const
  await addComment(tx, { ...comment, text, visible: text, messageId }, now)
  const attachmentIds = await attachCsv(tx, mailed)
  await rememberOutgoing(tx, { messageId, ticketId: id, commentId }, now)
  const base = { kind: 'statement', ticketId: id, commentId, inboxId: inbox.id, messageId, generation } as const
  const recipients = [...people.to, ...people.cc]
  await queueMail(tx, { ...base, recipients, headers, ...words, attachmentIds, notBefore: null }, tools, now)
}

type People = ReturnType<typeof chooseRecipients>

function recipientsOf({ readers: [requester, ...participants], tools: { desk } }: MailedStatement): People {
  const people = chooseRecipients(desk, { requester: requester!, participants, suppressed: [] })
  if (people.to.length === 0) throw new Refusal('nobody_to_answer', 'Nobody of statement_to can be written to.')
  return people
}

async function headersOf(
  tx: Tx,
  { inbox, ticket, statementId, revision, tools: { keys } }: MailedStatement,
  { to, cc }: People,
): Promise<[string, HeaderValue][]> {
  const { id, generation } = ticket
  const token = { inbox: inbox.id, ticket: id, person: statementId, generation, comment: revision }
  const replyTo = signFor(keys, inbox, { purpose: 's', ...token })
  const known = (await knownMails(tx, id)).map((one) => one.message_id)
  return [
    ['From', [{ name: inbox.name, address: inbox.address }]],
    ['To', to],
    ...(cc.length > 0 ? ([['Cc', cc]] as [string, HeaderValue][]) : []),
    ...(replyTo ? ([['Reply-To', [{ name: inbox.name, address: replyTo }]]] as [string, HeaderValue][]) : []),
    ['References', referencesOf(rootId(keys, id, domainOf(inbox.address)), known)],
  ]
}

async function attachCsv(tx: Tx, mailed: MailedStatement): Promise<number[]> {
  const { organization, days, content, ticket, commentId } = mailed
  const bytes = Buffer.from(CSV_MARK + [...statementCsv(content)].join(''))
  const { id: blobId } = await putBlob(tx, bytes)
  const filename = csvName(organization.key, days.from)
  return await attach(tx, { ticketId: ticket.id, commentId }, [
    { blobId, filename, type: 'text/csv', size: bytes.length, inline: false, contentId: null },
  ])
}
