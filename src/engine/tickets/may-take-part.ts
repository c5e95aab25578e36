/** Whose address may stand among a ticket's people (MAIL 6.10). */
import type { Desk } from '../desk.ts'
import { matchRecipient } from '../recipients.ts'

/**
 * MAIL 6.10: own inboxes, agents, machines and lists never take part.
 * @param address case-folded
 * @param lists addresses of the lists that the mail came through
 */
export const mayTakePart = (desk: Desk, address: string, lists: string[]): boolean =>
  !matchRecipient(desk, address) &&
  !desk.agents.has(address) &&
  !lists.includes(address) &&
  !desk.settings.own_lists.includes(address.replace('@', '.')) &&
  !MACHINE.test(address) &&
  !LIST.test(address)

const MACHINE =
  /^(?:mailer-daemon|postmaster|(?:[^@]{0,30}[-_.+])?(?:no|do-?_?not|ne)[-_.]?reply(?:[-_.+][^@]{0,60})?|bounces?)@/i

/** The administrative addresses of RFC 2142 section 6 and of Mailman, and the two largest hosts of lists. */
const LIST =
  /^(?:owner-[^@]{1,64}|[^@]{1,64}-(?:request|bounces|owner|subscribe|unsubscribe)|listserv|majordomo)@|@(?:googlegroups\.com|groups\.io)$/i
