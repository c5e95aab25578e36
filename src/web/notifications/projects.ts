/** Projects that an agent follows: told of all their tickets, whoever has them (`#follow` in a mail). */
import { Hono } from 'hono'
import { html } from 'hono/html'
import { type Queryable, transaction } from '../../database.ts'
import type { Desk } from '../../engine/desk.ts'
import { follow, unfollow } from '../../engine/tickets/follow.ts'
import type { Env, Pages, Web } from '../context.ts'
import { readForm } from '../form.ts'
import { buttonForm, type Html } from '../page.ts'
import { actingOn, keepReceipt } from '../ticket/acting.ts'
import { did } from '../ticket/changes.ts'

export function followedPages(web: Web): Pages {
  /** With the receipt that a mail's `#follow` leaves. */
  const act = (path: string, does: 'follow' | 'unfollow') =>
    new Hono<Env>().post(path, async (c) => {
      const agent = c.get('agent')
      const now = web.now()
      const project = (await readForm(c)).text('project')
      const input = { agentId: agent.id, project, desk: web.tools().desk }
      await transaction(web.sql, async (tx) => {
        const { changed } = await (does === 'follow' ? follow : unfollow)(tx, input, now)
        const args = { agentId: agent.id, project, ticketId: null }
        const inverse = changed ? { verb: does === 'follow' ? 'unfollow' : 'follow', args } : null
        const key = does === 'follow' ? 'follows' : 'follows_not'
        const { acting } = await actingOn(tx, web, { ticketId: null, agent }, now)
        const ran = [did(null, 'follow', { key, data: { who: agent.name, to: project }, inverse })]
        await keepReceipt(tx, { acting, ran }, now)
      })
      return c.redirect('/notifications?done#projects', 303)
    })
  return new Hono<Env>()
    .route('/', act('/notifications/projects', 'follow'))
    .route('/', act('/notifications/projects/removal', 'unfollow')) as Pages
}

/** Keys of the projects that somebody follows. */
export async function listFollowed(sql: Queryable, agentId: number): Promise<string[]> {
  const rows = await sql<{ key: string }[]>`
    select p.key from agent_followers f join projects p on p.id = f.project_id where f.agent_id = ${agentId} order by 1`
  return rows.map((row) => row.key)
}

export function followedForm(desk: Desk, followed: readonly string[]): Html {
  const others = [...desk.projects.keys()].filter((key) => !followed.includes(key))
  return html`<section aria-labelledby="projects">
    <h2 id="projects">Projects I follow</h2>
    ${
      followed.length > 0 &&
      html`<ul class="rows">${followed.map(
        (key) =>
          html`<li><div>${key}</div>${buttonForm('/notifications/projects/removal', 'Stop', { name: key, fields: { project: key } })}</li>`,
      )}</ul>`
    }
    ${
      others.length > 0 &&
      html`<form method="post" action="/notifications/projects" class="stack">
      <label for="follow-project">I am told of all tickets of</label>
      <select id="follow-project" name="project">${others.map((key) => html`<option>${key}</option>`)}</select>
      <p><button class="small">Follow</button></p>
    </form>`
    }
  </section>`
}
