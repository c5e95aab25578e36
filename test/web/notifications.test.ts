/** "My notifications", and the link in a digest that stops it (MAIL 8.11). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { loadChoices } from '../../src/engine/notify/choices.ts'
import { queueAgentDigests } from '../../src/engine/notify/digest.ts'
import { readStopToken, stopToken } from '../../src/tokens.ts'
import { testDatabase } from '../database.ts'
import { browser, webDesk } from './desk.ts'

const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
const { app, ada, bo, tools } = desk
test.before.each(async () => {
  await sql`delete from agent_choices`
  await sql`delete from outbox`
  await sql`delete from mail_budgets`
})
test.after(database.close)

const chosen = async (agent = bo) => (await loadChoices(sql))(agent)
const checked = (page: string) =>
  Object.fromEntries([...page.matchAll(/name="(\w+)" value="(\w+)" checked/g)].map(([, name, value]) => [name, value]))

test('the page shows what is in force, and keeps what is chosen, for oneself alone', async () => {
  const page = await desk.signIn(bo)
  assert.equal(checked(await (await page.get('/notifications')).text()), await chosen())
  const answer = await page.post('/notifications', { reply: 'digest', note: 'none', digest: 'on' })
  assert.is(answer.headers.get('location'), '/notifications?done')
  const now = await chosen()
  assert.equal([now.reply, now.note, now.digest, now.assigned], ['digest', 'none', 'on', 'instant'])
  const again = await (await page.get('/notifications?done')).text()
  assert.equal(checked(again), now)
  assert.match(again, /Kept\./)
  assert.is((await chosen(ada)).reply, 'instant')
  assert.is((await page.post('/notifications', { reply: 'sometimes' })).status, 422)
  assert.is((await browser(app, '').get('/notifications')).headers.get('location'), '/sign-in')
})

test('the link in a digest: a look changes nothing, a POST from anywhere stops this mail and nothing else', async () => {
  await desk.addTicket({ assignee: 'ada@desk.example' })
  await queueAgentDigests(sql, { tools, url: 'http://desk.example' }, desk.clock.now)
  const [sent] = await sql`select headers from outbox where recipient = 'ada@desk.example'`
  const headers = Object.fromEntries(sent!.headers as [string, string][])
  assert.is(headers['List-Unsubscribe-Post'], 'List-Unsubscribe=One-Click')
  const path = new URL(/^<(http:\S+)>$/.exec(headers['List-Unsubscribe']!)![1]!).pathname
  const page = await app.request(path)
  assert.is(page.status, 200)
  assert.match(await page.text(), /ada@desk\.example/)
  assert.is((await chosen(ada)).digest, 'on')
  const stopped = await app.request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'List-Unsubscribe=One-Click',
  })
  assert.is(stopped.status, 200)
  assert.equal(await chosen(ada), { ...(await chosen(ada)), digest: 'off', reply: 'instant' })
  assert.is((await sql`select count(*)::int as n from agent_choices`)[0]!.n, 1)
})

test('a token that is damaged, another key’s or about a topic stops nothing', async () => {
  const token = stopToken(tools.keys, { agent: bo.id, topic: 'digest' })
  assert.equal(readStopToken(tools.keys, token), { agent: bo.id, topic: 'digest' })
  for (const wrong of [
    token.replace('digest', 'timesheet'),
    token.replace(`.${bo.id}.`, `.${ada.id}.`),
    `${token}a`,
    'x',
  ])
    assert.is(readStopToken(tools.keys, wrong), null, wrong)
  const topic = stopToken(tools.keys, { agent: bo.id, topic: 'reply' })
  for (const wrong of [`${token}x`, topic, stopToken(tools.keys, { agent: 999, topic: 'digest' })]) {
    const answer = await app.request(`/notifications/stop/${wrong}`, { method: 'POST' })
    assert.ok(answer.status === 404, `${wrong}: ${answer.status}`)
  }
  assert.is((await sql`select count(*)::int as n from agent_choices`)[0]!.n, 0)
})

test.run()
