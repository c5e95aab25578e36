/** Webhooks of reminders (SLA E1, E3): queued with the firing, called by a job of its own, tried again, given up. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { JOBS } from '../../src/cron.ts'
import { transaction } from '../../src/database.ts'
import { parseDesk } from '../../src/engine/desk/document.ts'
import { remindDue } from '../../src/engine/reminders.ts'
import { claimCalls } from '../../src/engine/webhooks.ts'
import { hooks as limits } from '../../src/limits.ts'
import { after, DAY, MINUTE, SECOND } from '../../src/time.ts'
import { showProblem } from '../../src/yaml.ts'
import { demoDesk, MONDAY, mail, startDesk } from '../desk.ts'

const bodies: Record<string, unknown>[] = []
const keys: (string | undefined)[] = []
let status = 200
const server = http.createServer(async (request, response) => {
  bodies.push(JSON.parse(Buffer.concat(await request.toArray()).toString()))
  keys.push(request.headers['idempotency-key'] as string | undefined)
  response.writeHead(status).end()
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const to = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`

const deskWith = (then: string) =>
  demoDesk.replace(
    '  - key: gold\n',
    `  - key: gold\n    reminders: [{key: half, percent: 50, metric: first_response, then: ${then}}]\n`,
  )
const desk = await startDesk({ desk: deskWith(`[{webhook: "${to}"}]`) })
const { sql } = desk
test.before.each(async () => {
  await desk.reset()
  bodies.length = 0
  keys.length = 0
  status = 200
})
test.after(async () => {
  server.closeAllConnections()
  server.close()
  await desk.stop()
})

const url = 'https://desk.example'
/** First answers are due 240 minutes after Monday morning, half of it at 120. */
const late = (minutes: number) => after(after(MONDAY, minutes * MINUTE), SECOND)
const sweep = (now: Date) => transaction(sql, (tx) => remindDue(tx, { tools: desk.tools(), url }, now))
const work = async (now: Date, networks = ['127.0.0.0/8']) =>
  JOBS.find((one) => one.name === 'webhooks')!.run(sql, now, {
    tools: desk.tools,
    url,
    secret: Buffer.alloc(32),
    networks,
  })
const rows = async () => await sql`select state, tries, last_answer, next_try_at from webhook_calls order by id`

test('a reminder calls with its facts as data, once', async () => {
  const { ticket_id: id } = await desk.deliver(mail({ subject: 'Ünïcode "quotes" <b>' }))
  await sweep(late(120))
  await sweep(late(121))
  assert.equal(await work(late(121)), { called: 1, failed: 0 })
  assert.equal(await work(late(122)), { called: 0, failed: 0 })
  assert.equal(bodies, [
    {
      event: 'reminder',
      reminder: 'half',
      policy: 'gold',
      metric: 'first_response',
      fired_at: after(MONDAY, 120 * MINUTE).toISOString(),
      due_at: after(MONDAY, 240 * MINUTE).toISOString(),
      breached: false,
      left_s: 120 * 60 - 1,
      ticket: id,
      subject: 'Ünïcode "quotes" <b>',
      status: 'new',
      priority: 'normal',
      team: 'support',
      assignee: null,
      customer: 'Eva Beispiel',
      url: `${url}/tickets/${id}`,
    },
  ])
  assert.match(keys[0]!, /^\d+\/half\/0$/)
  assert.equal(
    (await rows()).map((row) => [row.state, row.tries, row.last_answer]),
    [['done', 1, 'answered 200']],
  )
})

test('what fails is tried again with the same key, later and later, and given up with a word to the admins', async () => {
  await desk.deliver(mail({}))
  await sweep(late(120))
  status = 503
  let now = late(120)
  for (const wait of limits.waits) {
    assert.equal(await work(now), { called: 1, failed: 1 })
    const [row] = await rows()
    assert.equal([row!.state, row!.next_try_at.getTime()], ['queued', after(now, wait * MINUTE).getTime()])
    assert.equal(await work(after(now, wait * MINUTE - SECOND)), { called: 0, failed: 0 })
    now = after(now, wait * MINUTE)
  }
  assert.equal(await work(now), { called: 1, failed: 1 })
  assert.equal(
    (await rows()).map((row) => [row.state, row.last_answer]),
    [['failed', 'answered 503']],
  )
  assert.is(new Set(keys).size, 1)
  const [notice] = await sql`select words from notices where kind = 'webhook_failed'`
  assert.match(
    notice!.words,
    /^A reminder of ticket #\d+ could not call 127\.0\.0\.1:\d+ in 6 tries; the last one answered 503\.$/,
  )
  const purge = JOBS.find((one) => one.name === 'purge_webhooks')!
  const house = { tools: desk.tools, url, secret: Buffer.alloc(0) }
  assert.equal(await purge.run(sql, after(now, limits.kept - DAY), house), { calls: 0 })
  assert.equal(await purge.run(sql, after(now, limits.kept + DAY), house), { calls: 1 })
})

test('inside nothing is called unless the installation allows it', async () => {
  await desk.deliver(mail({}))
  await sweep(late(120))
  assert.equal(await work(late(120), []), { called: 1, failed: 1 })
  assert.is(bodies.length, 0)
  assert.match((await rows())[0]!.last_answer, 'limits.webhooks')
})

test('two daemons claim each call once; one that died leaves it after its lease', async () => {
  for (let n = 0; n < 30; n++) await desk.deliver(mail({ from: `p${n}@acme.example` }))
  await sweep(late(120))
  const both = await Promise.all([claimCalls(sql, late(121)), claimCalls(sql, late(121))])
  const ids = both.flat().map((call) => call.id)
  assert.equal([ids.length, new Set(ids).size], [30, 30])
  assert.is((await claimCalls(sql, late(122))).length, 0)
  assert.ok((await claimCalls(sql, after(late(121), limits.lease))).length > 0)
})

test('what is older than a day calls nobody; a ticket that is done neither', async () => {
  const { ticket_id: id } = await desk.deliver(mail({}))
  await sweep(after(late(120), DAY + MINUTE))
  assert.is((await rows()).length, 0)
  assert.is(
    (
      await sql`select dropped_at from sla_fired where clock_id in (select id from sla_clocks where ticket_id = ${id})`
    )[0]!.dropped_at !== null,
    true,
  )
})

test('the desk file refuses what is no address to call', () => {
  const { problems } = parseDesk(deskWith('[{webhook: "https://me:secret@pager.example/"}]'), 'desk.yml', {
    tests: 'skip',
  })
  const words = problems.map(showProblem).join('\n')
  assert.match(words, 'write an address such as https://pager.example/hook')
  assert.not.match(words, 'secret@')
})

test.run()
