/**
 * "My notifications": what an agent is told of by mail, topic by topic, and the regular mails. And the link that each
 * digest carries: whoever has it may stop that mail and nothing else; looking at it changes nothing (MAIL 8.11).
 */
import { Hono } from 'hono'
import { html } from 'hono/html'
import { transaction } from '../database.ts'
import type { Agent } from '../engine/desk.ts'
import { choose, loadChoices } from '../engine/notify/choices.ts'
import { type Choices, REGULAR, type Regular, TOPICS, type Topic, WAYS, type Way } from '../engine/notify/kinds.ts'
import { readStopToken } from '../tokens.ts'
import type { Env, Pages, Web } from './context.ts'
import { readForm } from './form.ts'
import { followedForm, listFollowed } from './notifications/projects.ts'
import { agentPage, type Html, plainPage } from './page.ts'

export function notificationPages(web: Web): Pages {
  return new Hono<Env>()
    .get('/notifications', async (c) => {
      const agent = findAgent(web, c.get('agent').id)
      if (!agent) return c.notFound()
      const [choices, followed] = await Promise.all([loadChoices(web.sql), listFollowed(web.sql, agent.id)])
      return c.html(
        agentPage(web, c.get('agent'), {
          title: 'My notifications',
          current: '/notifications',
          layout: 'text',
          body: html`${choicesForm(choices(agent))} ${followedForm(web.tools().desk, followed)}`,
          done: c.req.query('done') === undefined ? null : 'Kept.',
        }),
      )
    })
    .post('/notifications', async (c) => {
      const form = await readForm(c)
      const given = [...TOPICS, ...REGULAR].map((topic) => [topic, form.text(topic)] as const)
      const choices = Object.fromEntries(given.filter(([, choice]) => choice !== ''))
      await transaction(web.sql, (tx) => choose(tx, { agentId: c.get('agent').id, choices }))
      return c.redirect('/notifications?done', 303)
    }) as Pages
}

/** Before sign-in: the link in a digest. Mail servers fetch links, so only a POST stops anything. */
export function stopPages(web: Web): Pages {
  const find = (token: string) => {
    const stop = readStopToken(web.tools().keys, token)
    const agent = stop && findAgent(web, stop.agent)
    return agent && REGULAR.includes(stop.topic as Regular) ? { agent, topic: stop.topic as Regular } : null
  }
  return new Hono<Env>()
    .get('/notifications/stop/:token', (c) => {
      const found = find(c.req.param('token'))
      return found ? c.html(askPage(found)) : c.notFound()
    })
    .post('/notifications/stop/:token', async (c) => {
      const found = find(c.req.param('token'))
      if (!found) return c.notFound()
      await transaction(web.sql, (tx) => choose(tx, { agentId: found.agent.id, choices: { [found.topic]: 'off' } }))
      return c.html(stoppedPage(found))
    }) as Pages
}

type Stop = { agent: Agent; topic: Regular }

const findAgent = (web: Web, id: number): Agent | null =>
  [...web.tools().desk.agents.values()].find((one) => one.id === id) ?? null

const choicesForm = (chosen: Choices): Html => html`<h1>My notifications</h1>
  <p class="muted">What happens in a ticket within a minute is one mail, and there are two minutes between two mails about
    the same ticket. You never hear of what you did yourself.</p>
  <form method="post" action="/notifications" class="topics">
    ${TOPICS.map(
      (topic) => html`<fieldset>
      <legend>${TOPIC_WORDS[topic]}</legend>
      ${WAYS.map((way) => option(topic, way, WAY_WORDS[way], chosen[topic]))}
    </fieldset>`,
    )}
    ${REGULAR.map(
      (topic) => html`<fieldset>
      <legend>${REGULAR_WORDS[topic]}</legend>
      ${(['on', 'off'] as const).map((one) => option(topic, one, one === 'on' ? 'Yes' : 'No', chosen[topic]))}
    </fieldset>`,
    )}
    <button class="primary">Keep</button>
  </form>`

const option = (name: string, value: string, words: string, chosen: string): Html =>
  html`<label><input type="radio" name="${name}" value="${value}"${value === chosen && html` checked`}> ${words}</label>`

const TOPIC_WORDS: Record<Topic, string> = {
  assigned: 'A ticket is given to me',
  new: 'A new ticket for my team',
  reply: 'The customer writes in a ticket that is mine, or nobody’s in my team',
  note: 'A colleague leaves a note in it',
  answered: 'A colleague answers the customer of my ticket',
  warning: 'A ticket is due soon, or late',
}

const WAY_WORDS: Record<Way, string> = { instant: 'At once', digest: 'In the morning', none: 'Not by mail' }

const REGULAR_WORDS: Record<Regular, string> = {
  digest: 'My queue by mail each morning',
  timesheet: 'My time of the week by mail each Friday',
}

const askPage = ({ agent, topic }: Stop): Html =>
  plainPage({
    title: 'Stop this mail',
    body: html`<h1>Stop this mail?</h1>
      <p>${REGULAR_WORDS[topic]}, to <strong>${agent.address}</strong>.</p>
      <form method="post" class="stack"><button class="primary">Stop it</button></form>`,
  })

const stoppedPage = ({ agent, topic }: Stop): Html =>
  plainPage({
    title: 'Stopped',
    body: html`<h1>Stopped</h1>
      <p>${agent.address} does not get this mail any more: ${REGULAR_WORDS[topic]}. You can have it back under
        <a href="/notifications">My notifications</a>.</p>`,
  })
