/**
 * What a command of a mail does is done on the web by the same verb (issue: one implementation). Each command of the
 * registry has its way here, or stands among those that make sense in a mail alone; a new one has to be put somewhere.
 */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { COMMANDS } from '../../src/engine/commands/registry.ts'
import { applyDesk } from '../../src/engine/desk/apply.ts'
import { loadDesk } from '../../src/engine/desk/load.ts'
import { commandOfField } from '../../src/web/ticket/changes.ts'
import { testDatabase } from '../database.ts'
import { demoDesk } from '../desk.ts'
import { NOON, webDesk } from './desk.ts'

/** `verbs`: functions of the engine, each imported by the web and by what runs commands. */
type Way = {
  verbs: string[]
  /** The action of a form, and its field or button; `:n` is the ticket's number. */
  form?: string
  field?: string
  value?: string
  /** Where what the command reads stands, and words of it. */
  page?: string
  words?: RegExp
}

const WORK = '/tickets/:n/work'
const worked = (verb: string, field: string): Way => ({ verbs: [verb], form: WORK, field })
const text = (verb: string, kind: string): Way => ({ verbs: [verb], form: WORK, field: 'kind', value: kind })

const WAYS: Record<string, Way> = {
  note: text('note', 'note'),
  reply: text('reply', 'answer'),
  private: text('privateComment', 'private'),
  ask: text('ask', 'ask'),
  close: worked('setStatus', 'status'),
  open: worked('setStatus', 'status'),
  status: worked('setStatus', 'status'),
  wait: { ...worked('setStatus', 'status'), verbs: ['setStatus', 'snooze'] },
  hold: { ...worked('setStatus', 'status'), verbs: ['setStatus', 'snooze'] },
  snooze: worked('snooze', 'until'),
  assign: worked('assign', 'assignee'),
  take: worked('assign', 'assignee'),
  drop: worked('assign', 'assignee'),
  project: worked('move', 'project'),
  team: worked('setTeam', 'team'),
  priority: worked('prioritise', 'priority'),
  type: worked('setType', 'type'),
  product: worked('setProduct', 'product'),
  field: worked('setField', 'field.site'),
  tag: worked('tag', 'tags'),
  due: worked('setDue', 'due'),
  cc: { ...worked('addCc', 'cc'), verbs: ['addCc', 'removeCc'] },
  customer: worked('changeRequester', 'customer'),
  spam: worked('markSpam', 'spam'),
  dup: worked('markDuplicate', 'duplicate'),
  merge: worked('merge', 'merge'),
  link: worked('linkTickets', 'links'),
  macro: { verbs: ['macroText'], form: WORK, field: 'macro' },
  macros: { verbs: [], page: '/tickets/:n', words: /<option value="restarted">Restarted \(host\)/ },
  types: { verbs: [], page: '/tickets/:n', words: /<option value="incident">incident/ },
  sla: { verbs: ['pinPolicy', 'unpinPolicy'], form: '/tickets/:n/policy', field: 'policy' },
  accept: { verbs: ['admit'], form: '/tickets/:n/people', field: 'address' },
  split: { verbs: ['split'], form: '/tickets/:n/split', field: 'comment' },
  undo: { verbs: ['commandOf'], form: '/tickets/:n/undo', field: 'receipt' },
  block: { verbs: ['blockSender'], form: '/blocked', field: 'sender' },
  follow: { verbs: ['follow'], form: '/notifications/projects', field: 'project' },
  contact: { verbs: ['createContact'], form: '/contacts/new', field: 'address' },
  new: { verbs: ['openFor'], form: '/tickets/new', field: 'customer' },
  time: { verbs: ['enterTime', 'editEntry'], form: '/time/entries', field: 'spent' },
  start: { verbs: ['startTimer'], form: '/time/timer', field: 'ticket' },
  stop: { verbs: ['stopTimer'], form: '/time/timer/stop', field: 'back' },
  submit: { verbs: ['submitEntry'], form: '/time/entries', field: 'finish', value: 'submit' },
  list: { verbs: ['findTickets'], form: '/search', field: 'q' },
  why: { verbs: [], page: '/tickets/:n', words: /Why this is here[\s\S]*Nothing known is meant/ },
  history: { verbs: [], page: '/tickets/:n', words: /<summary>History \(\d+\)/ },
}

/** And why. */
const MAIL_ONLY: Record<string, string> = {
  help: 'a page shows its own fields; docs/commands.md is the list of commands',
  dry: 'a form shows what it would change before it is sent',
  rate: 'customers have no page of ours',
  unsubscribe: 'customers have no page of ours',
}

const root = path.join(import.meta.dirname, '..', '..')
const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
const own = `products: [{key: vpn, name: VPN}]
fields: [{key: site, name: Site, values: [Berlin, Oslo]}]
macros: [{key: restarted, name: Restarted, values: [host], text: {en: "{{host}} runs."}}]
`
await transaction(sql, (tx) => applyDesk(tx, { text: `${demoDesk}\n${own}`, author: 'test' }, NOON))
desk.tools.desk = await loadDesk(sql)
const browser = await desk.signIn(desk.ada)
const ticketId = await prepare()
test.after(database.close)

/** A ticket with everything that has a form of its own: a person who waits, another subject, something to take back. */
async function prepare(): Promise<number> {
  const { id } = await desk.addTicket({ organization: 'acme', project: 'acme/incoming' })
  const commentId = await desk.addComment(id, { text: 'By the way' })
  await sql`
    insert into ticket_participants (ticket_id, address, name, role, added_at)
    values (${id}, 'sly@other.example', 'Sly', 'pending', ${NOON})`
  await sql`
    insert into inbound_mails (received_at, due_at, via, recipients, bytes, state, kind, ticket_id, comment_id, subject, reasons)
    values (${NOON}, ${NOON}, 'mx', '[]', 4312, 'commented', 'human', ${id}, ${commentId}, 'Another',
      ${sql.json([{ code: 'new_subject', words: 'Nothing known is meant.' }])})`
  await browser.post(`/tickets/${id}/work`, { kind: 'note', was_tags: '', tags: 'x' })
  return id
}

const at = (address: string) => address.replace(':n', String(ticketId))

/** `name file` of everything that files import from the engine. */
function importsOf(pattern: string): Set<string> {
  const found = new Set<string>()
  for (const file of globSync(pattern, { cwd: root })) {
    const source = readFileSync(path.join(root, file), 'utf8')
    for (const [, names, from] of source.matchAll(/^import \{([^}]*)\} from '(\.[^']+)'/gm))
      for (const name of names!.split(',').map((one) => one.trim()))
        found.add(`${name} ${path.join(path.dirname(file), from!)}`)
  }
  return found
}

test('every command has its way on the web, or its reason to have none', () => {
  const names = COMMANDS.map((command) => command.name as string).sort()
  assert.equal([...Object.keys(WAYS), ...Object.keys(MAIL_ONLY)].sort(), names)
})

test('the web calls the very verb that the command calls', () => {
  const [web, commands] = [importsOf('src/web/**/*.ts'), importsOf('src/engine/commands/**/*.ts')]
  const face = importsOf('src/engine/commands.ts')
  for (const [name, { verbs }] of Object.entries(WAYS))
    for (const verb of verbs) {
      const files = (imports: Set<string>) => [...imports].filter((one) => one.startsWith(`${verb} src/engine/`))
      const shared = files(web).filter((one) => commands.has(one) || face.has(one))
      assert.ok(shared.length > 0, `${name}: the web has ${files(web)}, commands have ${files(commands)}`)
    }
})

test('each has a form with its field, on a page that agents come to', async () => {
  const timed = await desk.addTicket()
  await browser.post('/time/timer', { ticket: String(timed.id) })
  const addresses = ['/tickets/:n', '/tickets/new', '/contacts/new', '/blocked', '/notifications', '/search', '/time']
  const pages = await Promise.all([...addresses.map(at), `/tickets/${timed.id}`].map((one) => browser.page(one)))
  const forms = pages.flatMap((page) => page.match(/<form[\s\S]*?<\/form>/g) ?? [])
  for (const [name, { form, field, value }] of Object.entries(WAYS)) {
    if (!form) continue
    const mine = forms.filter((one) => one.includes(`action="${at(form)}"`))
    assert.ok(mine.length > 0, `${name}: no form posts to ${form}`)
    const tags = mine.flatMap((one) => one.match(/<(?:input|select|textarea|button)[^>]*>/g) ?? [])
    const has = tags.some((one) => one.includes(`name="${field}"`) && (!value || one.includes(`value="${value}"`)))
    assert.ok(has, `${name}: ${form} has no field ${field} ${value ?? ''}`)
  }
})

test('a field of the ticket’s form is the command that its receipt names', () => {
  const alike: Record<string, string> = { open: 'status', close: 'status', wait: 'status', hold: 'status', take: 'assign', drop: 'assign' } // biome-ignore format: a row
  for (const [name, { form, field = '' }] of Object.entries(WAYS)) {
    if (form !== WORK || ['kind', 'macro'].includes(field)) continue
    assert.is(commandOfField(field.replace(/\..*/, '')), alike[name] ?? name)
  }
})

test('what commands only read stands on a page', async () => {
  for (const [name, { page, words }] of Object.entries(WAYS))
    if (page) assert.match(await browser.page(at(page)), words!, name)
})

test('the search is that of #list: its words, its keys, its refusals', async () => {
  const found = await browser.page('/search?q=printer+-status:closed')
  assert.match(found, `/tickets/${ticketId}">#${ticketId} The printer is down</a>`)
  assert.match(await browser.page('/search?q=nothing-like-it'), 'No ticket matches.')
  const refused = await browser.get('/search?q=colour:red%22%3E%3Cb%3E')
  assert.is(refused.status, 422)
  const page = await refused.text()
  assert.match(page, 'is no key of a query')
  assert.not.match(page, '<b>')
})

test.run()
