/** The facts that rules see, put together from what a mail itself says and what the desk knows of its sender. */
import type { MailKind } from '../../incoming.ts'
import type { Desk } from '../desk.ts'
import { findOrganization, groupsOf } from '../people.ts'
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
    priority: null,
    status: null,
    tags: [],
  }
}
