/**
 * An agent's queue as one mail each morning (C14): what is new for them, what is theirs, and what is nobody's yet in
 * their teams, in their order. Answering it with lines such as `412 take` works on many tickets at once, so no line of it
 * begins with a number. All daemons together write each agent one a day; nothing where the queue is empty, and none on a
 * day on which their calendar is closed.
 */

import { type Queryable, type Sql, type Tx, transaction } from '../../database.ts'
import { escapeHtml } from '../../html.ts'
import { digest as daily, agentDigest as limits } from '../../limits.ts'
import { localeFor, type Rendered, type Rich, render } from '../../render.ts'
import { after, seconds, Temporal } from '../../time.ts'
import { stopToken } from '../../tokens.ts'
import { workingSecondsBetween } from '../business-hours.ts'
import { say } from '../commands/phrases.ts'
import { unmailedReceipts } from '../commands/receipts.ts'
import type { Agent, Desk, Inbox } from '../desk.ts'
import { formatter } from '../due-words/formatter.ts'
import { regional } from '../due-words.ts'
import { isAddress, oneLine } from '../outbox/address.ts'
import { isFirstOfDay } from '../outbox/budget.ts'
import { plainMail } from '../outbox/plain.ts'
import { signFor } from '../outbox/signed.ts'
import { type HeaderValue, queueMail } from '../outbox.ts'
import type { Tools } from '../tools.ts'
import { loadChoices } from './choices.ts'
import { takeDigestNews } from './digest-news.ts'
import { type Choices, type Regular, TOPICS, type Topic } from './kinds.ts'
import { readsIn } from './mail.ts'
import { type NotifyPhrases, notifyPhrases } from './phrases.ts'
import { type Line, readQueue } from './queue.ts'

export type Digesting = { tools: Tools; url: string }

/** Queues the digests that are due at `now`; to be called at least once an hour. */
export async function queueAgentDigests(sql: Sql, given: Digesting, now: Date): Promise<{ digests: number }> {
  const { desk } = given.tools
  let digests = 0
  if (desk.inboxes.length === 0) return { digests }
  const choices = await loadChoices(sql)
  for (const agent of await reachable(sql, desk)) {
    const day = workday(desk, agent, now)
    if (day === null) continue
    const chosen = choices(agent)
    const isSent = await transaction(
      sql,
      async (tx) =>
        (await isFirstOfDay(tx, { scope: `digest/queue/${agent.id}`, day })) &&
        (await queueDigest(tx, { agent, choices: chosen, ...given }, now)),
    )
    if (isSent) digests++
  }
  return { digests }
}

/** Agents who can be written to. */
export async function reachable(sql: Queryable, desk: Desk): Promise<Agent[]> {
  const rows = await sql<{ subject: string }[]>`
    select subject from notices where kind = 'agent_unreachable' and settled_at is null` // MAIL 4a.8
  const silent = new Set(rows.map((row) => row.subject))
  return [...desk.agents.values()].filter((agent) => isAddress(agent.address) && !silent.has(agent.address))
}

/** Writes it now, whatever the day; false where there is nothing to say. */
export async function queueDigest(
  tx: Tx,
  given: Digesting & { agent: Agent; choices: Choices },
  now: Date,
): Promise<boolean> {
  const { agent, choices, tools, url } = given
  const inbox = tools.desk.inboxes[0]!
  const teams = [...tools.desk.teams.values()].filter((team) => team.members.includes(agent.address))
  const [news, queue, done] = await Promise.all([
    takeDigestNews(tx, agent.id, limits.news),
    choices.digest === 'on' ? readQueue(tx, { agentId: agent.id, teamIds: teams.map((one) => one.id) }, now) : NOTHING,
    (agent.receipts ?? tools.desk.settings.receipts) === 'digest' ? receiptsOf(tx, agent, now) : [],
  ])
  if (news.count + queue.mineCount + queue.freeCount + done.length === 0) return false
  const { locale, zone } = readsIn(agent, inbox, tools)
  const phrases = notifyPhrases(localeFor(tools.templates, locale))
  const answer = commandsAddress(tools, { agent, inbox })
  const words = wordsFor({ news, queue, done, phrases, locale, zone, url, tools, desk: inbox.name, answer, now })
  const headers = regularHeaders(tools, { agent, topic: 'digest', answer, name: phrases.commandsTo }, url)
  await queueMail(tx, plainMail(tools, { kind: 'notification', inbox, to: agent, headers, words }, now), tools, now)
  return true
}

/** Where an agent sends lines of commands, or a table: their own address of no ticket. Null where there is none (5.10). */
export const commandsAddress = ({ keys }: Tools, { agent, inbox }: { agent: Agent; inbox: Inbox }): string | null =>
  signFor(keys, inbox, { purpose: 'a', inbox: inbox.id, ticket: 0, person: agent.id, generation: 0, comment: 0 })

/** One click, or one POST of the mail program, ends a regular mail (8.11); who answers it gives commands. */
export function regularHeaders(
  { keys }: Tools,
  mail: { agent: Agent; topic: Regular; answer: string | null; name: string },
  url: string,
): [string, HeaderValue][] {
  const { agent, topic, answer, name } = mail
  const link = new URL(`/notifications/stop/${stopToken(keys, { agent: agent.id, topic })}`, url).href
  const headers: [string, HeaderValue][] = [
    ['List-Unsubscribe', `<${link}>`],
    ['List-Unsubscribe-Post', 'List-Unsubscribe=One-Click'],
  ]
  return answer === null ? headers : [...headers, ['Reply-To', [{ name, address: answer }]]]
}

/** The start of the agent's day, from their seven o'clock on; null before it, and where their calendar is closed all day. */
export function workday(desk: Desk, agent: Agent, now: Date): Date | null {
  const zone = agent.zone ?? desk.inboxes[0]!.zone
  const local = Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(zone)
  if (local.hour < daily.hour) return null
  const start = local.startOfDay()
  const key = agent.calendar ?? desk.settings.calendar
  const calendar = key === null ? undefined : desk.calendars.get(key)?.calendar
  const [from, to] = [start, start.add({ days: 1 })].map((one) => seconds(new Date(one.epochMilliseconds)))
  if (calendar && workingSecondsBetween(calendar, from!, to!) === 0) return null
  return new Date(start.epochMilliseconds)
}

type News = Awaited<ReturnType<typeof takeDigestNews>>
type Queue = Awaited<ReturnType<typeof readQueue>>
type Done = Awaited<ReturnType<typeof unmailedReceipts>>

const NOTHING: Queue = { mine: [], mineCount: 0, free: [], freeCount: 0, waiting: 0 }

type Words = {
  news: News
  queue: Queue
  done: Done
  phrases: NotifyPhrases
  locale: string
  zone: string
  url: string
  tools: Tools
  desk: string
  answer: string | null
  now: Date
}

function wordsFor(given: Words): Rendered {
  const { news, queue, done, phrases, locale, zone, url, tools, desk } = given
  const first = queue.free[0] ?? queue.mine[0] ?? news.tickets[0]
  const tickets = (lines: Line[], count: number) =>
    count === 0
      ? null
      : listOf(
          lines.map((line) => lineOf(line, given)),
          count,
          phrases,
        )
  return render(tools.templates, 'queue', locale, {
    desk,
    count: queue.mineCount,
    number: given.answer && first ? first.id : null,
    news:
      news.count === 0
        ? null
        : listOf(
            news.tickets.map((one) => newsLine(one, phrases)),
            news.count,
            phrases,
          ),
    done:
      done.length === 0
        ? null
        : listOf(
            done.map((one) => doneLine(one, locale)),
            done.length,
            phrases,
          ),
    mine: tickets(queue.mine, queue.mineCount),
    mine_count: queue.mineCount,
    free: tickets(queue.free, queue.freeCount),
    free_count: queue.freeCount,
    waiting: queue.waiting || null,
    link: new URL('/queues/mine', url).href,
    zone,
  })
}

/** `#412: The printer is on fire – Eva Beispiel, Acme; open, high; 27/11/2026, 17:00`. */
function lineOf(line: Line, { phrases, locale, zone, now }: Words): string {
  const dates = formatter(regional(locale, zone), { dateStyle: 'short', timeStyle: 'short', timeZone: zone })
  const who = [line.requester, line.organization]
    .filter(Boolean)
    .map((one) => oneLine(one!))
    .join(', ')
  const state = [phrases.statuses[line.status], phrases.priorities[line.priority]].join(', ')
  const due = line.due ? [`${dates.format(line.due)}${line.due < now ? ` (${phrases.late})` : ''}`] : []
  return `${subjectOf(line)} – ${[who || '–', state, ...due].join('; ')}`
}

function newsLine(one: News['tickets'][number], phrases: NotifyPhrases): string {
  const counts = TOPICS.filter((topic) => one.counts[topic]).map((topic: Topic) => {
    const count = one.counts[topic]!
    return count > 1 ? `${phrases.topics[topic]} (${count})` : phrases.topics[topic]
  })
  return `${subjectOf(one)} – ${counts.join(', ')}`
}

/** `12: #412: resolved · mail to 2 people` */
function doneLine({ id, ticketId, effects }: Done[number], locale: string): string {
  const what = effects.map((one) => say(locale, one)).join(' · ')
  return oneLine(`${id}: ${ticketId === null ? '' : `#${ticketId}: `}${what}`)
}

/** Receipts that this agent wants to read here, since the last digest. */
async function receiptsOf(tx: Tx, { id, address }: Agent, now: Date): Promise<Done> {
  const [last] = await tx<{ at: Date | null }[]>`
    select max(created_at) as at from outbox
    where recipient = ${address} and created_at > ${after(now, -limits.back)} and kind = 'notification'
      and headers::text like '%/notifications/stop/digest.%'`
  return await unmailedReceipts(tx, { agentId: id, since: last?.at ?? after(now, -limits.back) })
}

/** A colon behind the number: `412 take` is a command in an answer, and a subject may begin with any word. */
const subjectOf = (one: { id: number; subject: string }): string =>
  `#${one.id}: ${oneLine(one.subject).slice(0, daily.subject) || '–'}`

function listOf(lines: string[], count: number, phrases: NotifyPhrases): Rich {
  const all = count > lines.length ? [...lines, phrases.more(count - lines.length)] : lines
  return {
    text: all.map((line) => `- ${line}`).join('\n'),
    html: `<ul>\n${all.map((line) => `<li>${escapeHtml(line)}</li>`).join('\n')}\n</ul>`,
  }
}
