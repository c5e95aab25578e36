/** The facts that rules see, put together from what a mail itself says and what the desk knows of its sender. */
import type { MailKind, ParsedMail } from '../../incoming.ts'
import type { Desk } from '../desk.ts'
import { findOrganization, groupsOf, sameAddress } from '../people.ts'
import { matchRecipient } from '../recipients.ts'
import type { RuleFacts } from './conditions.ts'

/** What the mail alone says. */
export type MailFacts = Pick<
  RuleFacts,
  | 'from_address'
  | 'from_name'
  | 'recipients'
  | 'subject'
  | 'body'
  | 'headers'
  | 'has_attachment'
  | 'size'
  | 'language'
  | 'kind'
>

export const KINDS: readonly MailKind[] = [
  'human',
  'autoreply',
  'autogen',
  'list',
  'dsn',
  'mdn',
  'arf',
  'calendar_reply',
  'own',
  'empty',
]

/**
 * What rules see of a mail; of one that could not be parsed, what a scan found.
 * @param envelope its recipients as the wire knows them, and the sender where the From header names nobody
 */
export function mailFactsOf(
  mail: ParsedMail,
  envelope: { recipients: readonly string[]; from: string | null; kind: MailKind },
): MailFacts {
  const whole = mail.error === null ? mail : null
  const to = [...(whole?.to ?? []), ...(whole?.cc ?? [])].map((one) => one.address)
  return {
    from_address: sameAddress(mail.from?.address ?? envelope.from ?? ''),
    from_name: mail.from?.name ?? '',
    recipients: [...new Set([...envelope.recipients, ...to].map(sameAddress))],
    subject: mail.subject,
    body: whole?.text ?? '',
    headers: whole?.headers ?? [],
    has_attachment: whole?.parts.some((part) => !part.inline) ?? false,
    size: mail.bytes,
    language: whole?.language ?? null,
    kind: envelope.kind,
  }
}

/** Adds inboxes, organization and groups; the ticket's own fields are still null. */
export function factsOf(desk: Desk, mail: MailFacts): RuleFacts {
  const organization = mail.from_address ? findOrganization(desk, mail.from_address) : null
  const inboxes = mail.recipients.flatMap((address) => matchRecipient(desk, address)?.inbox.key ?? [])
  return {
    ...mail,
    inboxes: [...new Set(inboxes)],
    organization: organization?.key ?? null,
    groups: groupsOf(desk, organization, mail.from_address || null).map((group) => group.key),
    project: null,
    type: null,
    product: null,
    priority: null,
    unassessed: true,
    status: null,
    tags: [],
  }
}
