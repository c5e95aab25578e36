/** What agents read of a mail: its text as it was parted, and the marks beside it. Pure. */
import { joinRanges } from '../../ranges.ts'
import { readThread } from '../outbox/thread-index.ts'
import type { NewComment } from '../tickets/rows.ts'
import type { Arrival } from './facts.ts'
import type { Plan } from './plan.ts'

/** The mail as a comment; a mail that could not be read says so, and what the scan found. */
export function commentOf(
  { plan, arrival }: { plan: Plan; arrival: Arrival },
  ids: { id: number; ticketId: number; contactId: number | null },
): NewComment {
  const { mail } = arrival
  const whole = mail.error === null ? mail : null
  const failed = `This mail could not be read: ${arrival.poison ?? mail.error?.words ?? ''}\nThe original is attached as it came.`
  const text = whole ? whole.text : failed
  const flags = [
    ...(whole?.truncated.length ? ['truncated'] : []),
    ...(whole?.flags.filter((flag) => PARSED.has(flag)) ?? ['unparsable']),
    ...(arrival.oversize ? ['oversize'] : []),
    ...plan.reasons.flatMap((one) => (SHOWN.has(one.code) ? [one.code] : [])),
  ]
  return {
    id: ids.id,
    ticketId: ids.ticketId,
    author: {
      role: plan.author.role === 'unknown' ? 'unknown' : 'contact',
      contactId: ids.contactId,
      name: plan.author.name,
      address: plan.author.address,
    },
    visibility: 'public',
    channel: 'mail',
    text,
    visible: whole ? joinRanges(text, whole.ranges, 'visible').trim() : text,
    html: whole?.html ?? null,
    sanitiser: whole?.sanitiserVersion ?? null,
    messageId: mail.messageId,
    flags,
    calendar: whole?.calendar ?? null,
    thread: whole && readThread(whole.headers),
  }
}

/** Reasons that stand beside the comment as words of their own. */
const SHOWN: ReadonlySet<string> = new Set([
  'bad_token',
  'pending_person',
  'perhaps_automatic',
  'thanks',
  'unverified_sender',
  'unknown_domain',
  'reply_to',
  'via_form',
  'spam_flagged',
  'storm',
  'reopen_guard',
  'side_answer',
  'on_behalf',
  'set_requester',
])

/** What parsing found that a reader must know of (4.19, 4.21). */
const PARSED: ReadonlySet<string> = new Set([
  'encrypted',
  'signature_not_verified',
  'smime_unreadable',
  'tnef_unreadable',
])
