/**
 * The daily mail to admins about mails that wait for a person (MAIL 2.16, 4a.28), with the number of reminders that came
 * too late to be sent (SLA E4): counts and a list, from their seven o'clock on and in their language. All daemons together
 * write each admin one a day; where nothing waits, none.
 */

import { type Sql, type Tx, transaction } from '../database.ts'
import { formatter } from '../engine/due-words/formatter.ts'
import { isAddress, oneLine } from '../engine/outbox/address.ts'
import { isFirstOfDay } from '../engine/outbox/budget.ts'
import { plainMail } from '../engine/outbox/plain.ts'
import { queueMail } from '../engine/outbox.ts'
import { countDropped } from '../engine/sla/fired.ts'
import type { Tools } from '../engine/tools.ts'
import { escapeHtml } from '../html.ts'
import { kept, digest as limits } from '../limits.ts'
import { localeFor, type Rendered, type Rich, render } from '../render.ts'
import { after, DAY, Temporal } from '../time.ts'
import { type Why, whyIn } from './digest/phrases.ts'
import { findWaiting, type Waiting, type WaitingMail } from './spool/held.ts'

type Admin = { id: number; address: string; name: string; locale: string; zone: string }

/**
 * Queues the digests that are due at `now`; to be called at least once an hour.
 * @param given.url of the web view, for the link
 */
export async function queueDigests(
  sql: Sql,
  { tools, url }: { tools: Tools; url: string },
  now: Date,
): Promise<{ digests: number }> {
  let digests = 0
  if (tools.desk.inboxes.length === 0) return { digests } // nothing to write from, and nothing comes in
  for (const admin of await adminsOf(sql, tools)) {
    const local = Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(admin.zone)
    if (local.hour < limits.hour) continue
    const day = new Date(local.startOfDay().epochMilliseconds)
    if (await transaction(sql, (tx) => queueDigest(tx, { admin, tools, url, day }, now))) digests++
  }
  return { digests }
}

/** Who cannot be written to is left out: their notice says so (4a.8). */
async function adminsOf(sql: Sql, { desk }: Tools): Promise<Admin[]> {
  const rows = await sql<{ id: number; address: string; name: string; locale: string | null; zone: string | null }[]>`
    select id, address, name, locale, zone from agents a where admin and disabled_at is null and not exists (
      select from notices n where n.kind = 'agent_unreachable' and n.subject = a.address and n.settled_at is null)
    order by id`
  return rows
    .filter((row) => isAddress(row.address))
    .map((row) => ({ ...row, locale: row.locale ?? 'en', zone: row.zone ?? desk.inboxes[0]!.zone }))
}

/** False: it was written today, or nothing waits. */
async function queueDigest(
  tx: Tx,
  given: { admin: Admin; tools: Tools; url: string; day: Date },
  now: Date,
): Promise<boolean> {
  const { admin, tools, url, day } = given
  if (!(await isFirstOfDay(tx, { scope: `digest/held/${admin.id}`, day }))) return false
  const waiting = await findWaiting(tx, { limit: limits.mails }, now)
  const dropped = await countDropped(tx, after(now, -DAY))
  if (waiting.held + waiting.failed + waiting.discarded + dropped === 0) return false
  const inbox = tools.desk.inboxes[0]!
  const words = wordsFor(admin, { ...waiting, dropped }, { tools, url, desk: inbox.name })
  await queueMail(tx, plainMail(tools, { kind: 'notice', inbox, to: admin, words }, now), tools, now)
  return true
}

function wordsFor(
  admin: Admin,
  { held, failed, discarded, mails, dropped }: Waiting & { dropped: number },
  { tools, url, desk }: { tools: Tools; url: string; desk: string },
): Rendered {
  const locale = localeFor(tools.templates, admin.locale)
  const more = held + failed - mails.length
  return render(tools.templates, 'digest', locale, {
    desk,
    count: held + failed,
    held: held || null,
    failed: failed || null,
    discarded: discarded || null,
    dropped: dropped || null,
    list: mails.length > 0 ? listOf(mails, { locale, zone: admin.zone }) : null,
    first: mails.find((one) => one.code !== 'poison')?.id ?? null,
    more: more || null,
    link: new URL('/held', url).href,
    days: kept.held / DAY,
    zone: admin.zone,
  })
}

function listOf(mails: WaitingMail[], { locale, zone }: { locale: string; zone: string }): Rich {
  const dates = formatter(locale, { dateStyle: 'short', timeStyle: 'short', timeZone: zone })
  const why = whyIn(locale)
  const lines = mails.map(({ id, at, from, subject, code }) => {
    const words = [`${id}: ${dates.format(at)}`, from ?? '–', oneLine(subject ?? '').slice(0, limits.subject) || '–']
    return `${words.join(', ')} (${why[code as Why] ?? why.other})`
  })
  return {
    text: lines.map((line) => `- ${line}`).join('\n'),
    html: `<ul>\n${lines.map((line) => `<li>${escapeHtml(line)}</li>`).join('\n')}\n</ul>`,
  }
}
