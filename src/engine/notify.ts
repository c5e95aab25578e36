/**
 * Mail to agents about tickets (MAIL 8.32): news that waited a minute become one mail to each agent they concern, at most
 * one a ticket and agent in two minutes, never to who caused them. Who is concerned, what they chose and whether they may
 * be disturbed is asked when the mail goes, so whoever took the ticket meanwhile is the one who hears.
 */
import { isOutage, type Tx } from '../database.ts'
import { wordsOf } from '../errors.ts'
import { notifying as limits } from '../limits.ts'
import { after, SECOND } from '../time.ts'
import type { Agent } from './desk.ts'
import { raiseNotice } from './notices.ts'
import { loadChoices } from './notify/choices.ts'
import { concerns, listenersOf, type NewsRow } from './notify/concerns.ts'
import { queueDigest } from './notify/digest.ts'
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

/** `digest`: news told in a digest instead, as chosen or because it was too much. `more`: call again. */
export type Outcome = { mails: number; digest: number; failed: number; more: boolean }

/** One batch of tickets with news that are due. Any number of daemons may call this; one at a time does it. */
export async function tellNews(tx: Tx, telling: Telling, now: Date): Promise<Outcome> {
  const outcome: Outcome = { mails: 0, digest: 0, failed: 0, more: false }
  if (!(await isOnlyTeller(tx))) return outcome
  const { desk } = telling.tools
  const due = await readDue(tx, after(now, -desk.settings.notify_seconds * SECOND), now)
  if (due.standing.length === 0) return { ...outcome, more: due.more }
  const choices = await loadChoices(tx)
  const isReached = (agent: Agent) => isAddress(agent.address) && !due.unreachable.has(agent.address)
  const budget = startBudget(tx, now)
  const done: Done = { told: [], forDigest: [], over: [], later: [] }
  let rest = due.standing
  while (rest.length > 0 && outcome.mails < limits.mails) {
    const [ticket, ...others] = rest as [Standing, ...Standing[]]
    rest = others
    const steps = listenersOf(desk, ticket, ticket.news)
      .filter(isReached)
      .flatMap((agent) => stepFor(telling.tools, { agent, ticket, choices: choices(agent) }, now) ?? [])
    const mailed: Step[] = []
    for (const step of steps) {
      if (step.way === 'instant' && (await budget.take(step.agent))) mailed.push(step)
      else if (step.way !== 'later') done.forDigest.push(...forDigest(step))
    }
    if (mailed.length > 0) {
      const isDone = await mailAll(tx, { ticket, steps: mailed, ...telling }, now)
      if (isDone) outcome.mails += mailed.length
      else outcome.failed++
    }
    close(done, { ticket, steps, mailed })
  }
  await write(tx, done, now)
  for (const agent of budget.flooded) await queueDigest(tx, { agent, choices: choices(agent), ...telling }, now)
  return { ...outcome, digest: done.forDigest.length, more: due.more || rest.length > 0 }
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

/** A ticket that cannot be told of stops nobody: the admins hear of it, and false is returned. */
async function mailAll(tx: Tx, given: Telling & { ticket: Standing; steps: Step[] }, now: Date): Promise<boolean> {
  const { ticket, steps, tools, url } = given
  const commentIds = ticket.news.flatMap((one) => one.comment_id ?? [])
  try {
    await tx.savepoint(async (inner) => {
      const told = await gatherTicket(inner, { ticketId: ticket.id, commentIds, tools }, now)
      for (const { agent, news } of steps)
        await queueMail(inner, prepareNotification({ agent, ticket: told, news, tools, url }, now), tools, now)
    })
    return true
  } catch (error) {
    if (isOutage(error)) throw error
    const words = `Agents could not be told of ticket #${ticket.id}: ${wordsOf(error)}`
    await raiseNotice(tx, { kind: 'notify_failed', subject: String(ticket.id), words }, now)
    return false
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

async function write(tx: Tx, done: Done, now: Date): Promise<void> {
  await markTold(tx, done.told, now)
  await addToDigests(tx, done.forDigest, now)
  await deleteNews(tx, done.over)
  await putOff(tx, done.later)
}

/**
 * So that a storm of tickets is no storm of mails: each agent gets so many in ten minutes. Whoever is `flooded` for the
 * first time in them gets a digest at once, which names what was too much; the rest waits for the next.
 */
function startBudget(tx: Tx, now: Date) {
  const counts = new Map<number, number>()
  const flooded: Agent[] = []
  return {
    flooded,
    async take(agent: Agent): Promise<boolean> {
      const known = counts.get(agent.id) ?? 0
      if (known > limits.flood) return false
      const count = await countMailed(tx, { scope: `notify/${agent.id}`, window: limits.window }, now)
      counts.set(agent.id, count)
      if (count === limits.flood + 1) flooded.push(agent)
      return count <= limits.flood
    },
  }
}
