/**
 * Mail to agents about tickets (MAIL 8.32): news that waited a minute become one mail to each agent they concern, at most
 * one a ticket and agent in two minutes, never to who caused them. Who is concerned, what they chose and whether they may
 * be disturbed is asked when the mail goes, so whoever took the ticket meanwhile is the one who hears.
 */
import type { Tx } from '../database.ts'
import { wordsOf } from '../errors.ts'
import { notifying as limits } from '../limits.ts'
import { after, SECOND } from '../time.ts'
import type { Agent } from './desk.ts'
import { raiseNotice } from './notices.ts'
import { loadChoices } from './notify/choices.ts'
import { concerns, listenersOf, type NewsRow } from './notify/concerns.ts'
import { addToDigests, type ForDigest } from './notify/digest-news.ts'
import { gatherTicket } from './notify/gather.ts'
import { type Choices, topicOf } from './notify/kinds.ts'
import { prepareNotification } from './notify/mail.ts'
import { deleteNews, isOnlyTeller, markTold, putOff, readDue, type Standing, type Told } from './notify/rows.ts'
import { isAddress } from './outbox/address.ts'
import { countMailed } from './outbox/budget.ts'
import { queueMail } from './outbox.ts'
import { awakeAt } from './reminders/quiet.ts'
import type { Tools } from './tools.ts'

/** `url` is where the web view is. */
export type Telling = { tools: Tools; url: string }

/** `digest`: told in the next digest instead, as chosen or because it was too much. `more`: call again. */
export type Outcome = { mails: number; digest: number; failed: number; more: boolean }

/** One batch of tickets with news that are due. Any number of daemons may call this; one at a time does it. */
export async function tellNews(tx: Tx, telling: Telling, now: Date): Promise<Outcome> {
  const outcome: Outcome = { mails: 0, digest: 0, failed: 0, more: false }
  if (!(await isOnlyTeller(tx))) return outcome
  const { desk } = telling.tools
  const { standing, unreachable, more } = await readDue(tx, after(now, -desk.settings.notify_seconds * SECOND), now)
  const choices = await loadChoices(tx)
  const isReached = (agent: Agent) => isAddress(agent.address) && !unreachable.has(agent.address)
  const budget = startBudget(tx, now)
  const done: Done = { told: [], forDigest: [], over: [], later: [] }
  for (const ticket of standing) {
    if (outcome.mails >= limits.mails) return { ...(await finish(tx, done, outcome, now)), more: true }
    const steps = listenersOf(desk, ticket, ticket.news)
      .filter(isReached)
      .flatMap((agent) => stepFor(telling.tools, { agent, ticket, choices: choices(agent) }, now) ?? [])
    const due = steps.filter((step) => step.way === 'instant')
    const mailed: Step[] = []
    for (const step of due) {
      if (await budget.take(step.agent.id)) mailed.push(step)
      else done.forDigest.push(...forDigest(step))
    }
    if (mailed.length > 0) {
      const failure = await mailAll(tx, { ticket, steps: mailed, ...telling }, now)
      if (failure === null) outcome.mails += mailed.length
      else outcome.failed++
    }
    for (const step of steps) if (step.way === 'digest') done.forDigest.push(...forDigest(step))
    close(done, { ticket, steps, mailed })
  }
  return { ...(await finish(tx, done, outcome, now)), more }
}

/** What is to be done about one agent and ticket. */
type Step = { agent: Agent; ticketId: number; news: NewsRow[]; way: 'instant' | 'digest' | 'later'; at: Date }

type Done = {
  told: Told[]
  forDigest: ForDigest[]
  /** News that nobody waits for any more. */
  over: number[]
  later: { newsIds: number[]; at: Date }[]
}

/** Null where nothing of it concerns them, or they want to hear of none of it. */
function stepFor(
  tools: Tools,
  { agent, ticket, choices }: { agent: Agent; ticket: Standing; choices: Choices },
  now: Date,
): Step | null {
  const { desk } = tools
  const told = ticket.told.get(agent.id)
  const news = ticket.news.filter((one) => one.id > (told?.newsId ?? 0) && concerns(desk, ticket, one, agent))
  const wayOf = (one: NewsRow) => choices[topicOf(one.kind)]
  const first = news.find((one) => wayOf(one) === 'instant')
  const step = { agent, ticketId: ticket.id, news, at: now }
  if (!first) return news.some((one) => wayOf(one) === 'digest') ? { ...step, way: 'digest' } : null
  const gathered = after(first.at, desk.settings.notify_seconds * SECOND)
  const spaced = told ? after(told.at, limits.every) : gathered
  const due = new Date(Math.max(gathered.getTime(), spaced.getTime(), now.getTime()))
  const zone = agent.zone ?? desk.inboxes[0]!.zone
  const at = awakeAt(desk, agent, zone, due)
  return { ...step, at, way: at > now ? 'later' : 'instant' }
}

/** A ticket that cannot be told of stops nobody: the admins hear of it. Returns what went wrong. */
async function mailAll(
  tx: Tx,
  given: Telling & { ticket: Standing; steps: Step[] },
  now: Date,
): Promise<string | null> {
  const { ticket, steps, tools, url } = given
  const commentIds = ticket.news.flatMap((one) => one.comment_id ?? [])
  try {
    await tx.savepoint(async (inner) => {
      const told = await gatherTicket(inner, { ticketId: ticket.id, commentIds, tools }, now)
      for (const { agent, news } of steps)
        await queueMail(inner, prepareNotification({ agent, ticket: told, news, tools, url }, now), tools, now)
    })
    return null
  } catch (error) {
    const words = wordsOf(error)
    const notice = `Agents could not be told of ticket #${ticket.id}: ${words}`
    await raiseNotice(tx, { kind: 'notify_failed', subject: String(ticket.id), words: notice }, now)
    return words
  }
}

const forDigest = ({ agent, ticketId, news }: Step): ForDigest[] =>
  news.map((one) => ({ agentId: agent.id, ticketId, topic: topicOf(one.kind) }))

/** What stays of a ticket's news: nothing, unless somebody is to be told later. */
function close(done: Done, { ticket, steps, mailed }: { ticket: Standing; steps: Step[]; mailed: Step[] }): void {
  const newsIds = ticket.news.map((one) => one.id)
  const last = newsIds.at(-1)!
  const later = steps.filter((step) => step.way === 'later')
  for (const step of steps)
    if (mailed.includes(step))
      done.told.push({ ticketId: ticket.id, agentId: step.agent.id, newsId: last, mailed: true })
    else if (step.way !== 'later' && later.length > 0)
      done.told.push({ ticketId: ticket.id, agentId: step.agent.id, newsId: last, mailed: false })
  if (later.length === 0) done.over.push(...newsIds)
  else done.later.push({ newsIds, at: new Date(Math.min(...later.map((step) => step.at.getTime()))) })
}

async function finish(tx: Tx, done: Done, outcome: Outcome, now: Date): Promise<Outcome> {
  await markTold(tx, done.told, now)
  await addToDigests(tx, done.forDigest, now)
  await deleteNews(tx, done.over)
  await putOff(tx, done.later)
  return { ...outcome, digest: outcome.digest + done.forDigest.length }
}

/** So that a storm of tickets is no storm of mails: each agent gets so many in ten minutes. */
function startBudget(tx: Tx, now: Date) {
  const spent = new Map<number, number>()
  return {
    async take(agentId: number): Promise<boolean> {
      const known = spent.get(agentId)
      if (known !== undefined && known >= limits.flood) return false
      const count = await countMailed(tx, { scope: `notify/${agentId}`, window: limits.window }, now)
      spent.set(agentId, count)
      return count <= limits.flood
    },
  }
}
