/** A desk with its web view for tests: the demo desk in a real database, signed-in people, tickets by the engine's verbs. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { putBlob } from '../../src/blobs.ts'
import { type Sql, transaction } from '../../src/database.ts'
import { attach } from '../../src/engine/attachments.ts'
import { applyDesk, BUILT_IN } from '../../src/engine/desk/apply.ts'
import { loadDesk } from '../../src/engine/desk/load.ts'
import type { Agent } from '../../src/engine/desk.ts'
import { clockRows, promise, selectPolicy } from '../../src/engine/sla.ts'
import type { Priority, Status } from '../../src/engine/tables.ts'
import {
  addComment,
  createTicket,
  type NewComment,
  reserveComment,
  reserveTicket,
} from '../../src/engine/tickets/rows.ts'
import { SANITISER_VERSION } from '../../src/html.ts'
import { silent } from '../../src/log.ts'
import { readMail } from '../../src/mail/parse/read.ts'
import { loadTemplates } from '../../src/render.ts'
import { loadKeys } from '../../src/tokens.ts'
import { createWeb } from '../../src/web/app.ts'
import type { Web } from '../../src/web/context.ts'
import { createLoginLink } from '../../src/web/session.ts'

/** Tuesday, 14:00 in Berlin. */
export const NOON = new Date('2026-03-03T13:00:00Z')

const root = path.join(import.meta.dirname, '..', '..')

export type WebDesk = Awaited<ReturnType<typeof webDesk>>

export type TicketWish = {
  subject?: string
  text?: string
  html?: string | null
  status?: Status
  priority?: Priority
  project?: string
  organization?: string | null
  requester?: { name: string; address: string | null }
  assignee?: string | null
  automatic?: boolean
  /** When it came; promises count from there. */
  at?: Date
}

/** `clock.now` may be moved; everything reads it. */
export async function webDesk(sql: Sql) {
  const clock = { now: NOON }
  await transaction(sql, (tx) =>
    applyDesk(tx, { text: readFileSync(path.join(root, 'config', 'demo-desk.yml'), 'utf8'), author: BUILT_IN }, NOON),
  )
  const tools = {
    desk: await loadDesk(sql),
    keys: await loadKeys(sql, Buffer.alloc(32, 7), NOON),
    templates: loadTemplates(path.join(root, 'templates')),
  }
  const logged: string[] = []
  const web: Web = {
    sql,
    async parse(source) {
      const folder = mkdtempSync(path.join(os.tmpdir(), 'postroom-read-'))
      return {
        mail: await readMail(source, folder),
        dispose: async () => rmSync(folder, { recursive: true, force: true }),
      }
    },
    tools: () => tools,
    now: () => clock.now,
    log: { ...silent, error: (event, fields) => void logged.push(`${event} ${fields?.words} ${fields?.stack}`) },
    config: { url: 'http://desk.example', secureCookies: false },
    parts: () => ({ database: 'ok', smtp: 'ok' }),
  }
  const app = createWeb(web)
  const agent = (address: string): Agent => tools.desk.agents.get(address)!
  return {
    clock,
    tools,
    web,
    app,
    logged,
    ada: agent('ada@desk.example'),
    bo: agent('bo@desk.example'),
    /** A browser that is signed in. */
    async signIn(who: Agent) {
      const secret = await createLoginLink(sql, { agentId: who.id, lifetime: 60_000 }, clock.now)
      const answer = await app.request(`/sign-in/${secret}`, {
        method: 'POST',
        headers: { origin: 'http://localhost' },
      })
      return browser(app, answer.headers.get('set-cookie')!.split(';')[0]!)
    },
    addTicket: (wish: TicketWish = {}) => addTicket(sql, { tools, wish, at: wish.at ?? clock.now }),
    async addComment(ticketId: number, wish: Partial<NewComment>) {
      return transaction(sql, async (tx) => {
        const id = await reserveComment(tx)
        const author = { role: 'contact', name: 'Eva Brandt', address: 'eva@acme.example' } as const
        const text = wish.text ?? 'Hello'
        await addComment(
          tx,
          { id, ticketId, author, visibility: 'public', channel: 'mail', visible: text, ...wish, text },
          clock.now,
        )
        return id
      })
    },
    async attach(
      place: { ticketId: number; commentId: number },
      file: { name: string; bytes: Buffer; type?: string; contentId?: string; original?: boolean },
    ) {
      return transaction(sql, async (tx) => {
        const blob = await putBlob(tx, file.bytes)
        const type = file.type ?? 'application/octet-stream'
        await attach(tx, place, [
          {
            blobId: blob.id,
            filename: file.name,
            type,
            size: file.bytes.length,
            inline: !!file.contentId,
            contentId: file.contentId ?? null,
            original: file.original ?? false,
          },
        ])
        const [row] = await tx`select max(id) as id from attachments`
        return row!.id as number
      })
    },
  }
}

/** Requests with one cookie, forms with our own origin; nothing is followed. */
export function browser(
  app: { request: (path: string, init?: RequestInit) => Response | Promise<Response> },
  cookie: string,
) {
  return {
    cookie,
    get: async (path: string, headers: Record<string, string> = {}) =>
      app.request(path, { headers: { cookie, ...headers } }),
    page: async (path: string) => (await app.request(path, { headers: { cookie } })).text(),
    post: async (path: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}) =>
      app.request(path, {
        method: 'POST',
        body: new URLSearchParams(fields),
        headers: { cookie, origin: 'http://localhost', ...headers },
      }),
  }
}

async function addTicket(
  sql: Sql,
  { tools, wish, at }: { tools: ReturnType<Web['tools']>; wish: TicketWish; at: Date },
) {
  const { desk } = tools
  const project = desk.projects.get(wish.project ?? 'triage')!
  const organization = wish.organization ? desk.organizations.get(wish.organization)! : null
  const requester = wish.requester ?? { name: 'Eva Brandt', address: 'eva@acme.example' }
  const selection = selectPolicy(
    desk,
    {
      facts: { from: [] } as never,
      organization,
      requester: requester.address,
      inboxPolicy: null,
      project,
      automatic: wish.automatic ?? false,
    },
    at,
  )
  const { status = 'new', priority = 'normal', assignee = null } = wish
  const made = promise(desk, selection, { status, priority, team: 'support', assignee }, at)
  const subject = wish.subject ?? 'The printer is down'
  return transaction(sql, async (tx) => {
    const { ticketId, commentId } = await reserveTicket(tx)
    await createTicket(
      tx,
      {
        id: ticketId,
        subject,
        baseSubject: subject,
        status: wish.status ?? 'new',
        priority: wish.priority ?? 'normal',
        type: 'question',
        tags: [],
        automatic: wish.automatic ?? false,
        inboxId: desk.inboxes[0]!.id,
        projectId: project.id,
        organizationId: organization?.id ?? null,
        teamId: desk.teams.get('support')!.id,
        assigneeId: wish.assignee ? desk.agents.get(wish.assignee)!.id : null,
        requester: { contactId: null, ...requester },
        locale: 'en',
        zone: 'Europe/Berlin',
        sla: made,
        ackPromise: null,
      } as never,
      { actor: { kind: 'contact', id: null, name: requester.name }, why: 'a mail without a known ticket' },
      at,
    )
    await clockRows(tx, ticketId, made)
    const text = wish.text ?? 'Hello, nothing comes out of it any more.'
    const author = { role: 'contact', ...requester } as const
    await addComment(
      tx,
      {
        id: commentId,
        ticketId,
        author,
        visibility: 'public',
        channel: 'mail',
        text,
        visible: text,
        html: wish.html ?? null,
        sanitiser: wish.html ? SANITISER_VERSION : null,
      },
      at,
    )
    return { id: ticketId, commentId }
  })
}

/** The words of a page. */
export const textOf = (page: string): string => page.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ')
