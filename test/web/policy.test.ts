/** The policy of a ticket chosen by hand: who may, what the form does, and that the desk can choose again (SLA S4). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { pinPolicy } from '../../src/engine/tickets/policy.ts'
import { after, HOUR } from '../../src/time.ts'
import { testDatabase } from '../database.ts'
import { NOON, webDesk } from './desk.ts'

const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
const { clock, ada, bo } = desk
const [admin, agent] = [await desk.signIn(ada), await desk.signIn(bo)]
const { settings } = desk.tools.desk
const named = [bo.address]
const allow = (addresses: string[]) => {
  desk.tools.desk = { ...desk.tools.desk, settings: { ...settings, sla_override: addresses } }
}

test.before.each(() => {
  clock.now = NOON
  allow([])
})
test.after(database.close)

const acme = () => desk.addTicket({ organization: 'acme', project: 'acme/incoming' })
const row = async (id: number) =>
  (
    await sql`
    select t.policy_source as source, p.key as policy, t.next_due_at as due from tickets t
    left join sla_policies p on p.id = t.policy_id where t.id = ${id}`
  )[0]!

test('an admin chooses a policy with a reason; what has passed stays counted, and the history says who and why', async () => {
  const { id } = await acme()
  const page = await admin.page(`/tickets/${id}`)
  assert.match(page, '<summary>Choose another policy</summary>')
  assert.match(page, '<option value="silver">silver</option>')
  clock.now = after(NOON, HOUR)
  const answer = await admin.post(`/tickets/${id}/policy`, { policy: 'silver', reason: 'agreed by <b>phone</b>' })
  assert.equal([answer.status, answer.headers.get('location')], [303, `/tickets/${id}?done=policy`])
  // of the 8 hours of silver one has passed: two more today, and five on Wednesday
  assert.equal(await row(id), { source: 'manual', policy: 'silver', due: new Date('2026-03-04T13:00:00Z') })
  const after1 = await admin.page(`/tickets/${id}?done=policy`)
  assert.match(after1, 'The policy counts from now on.')
  assert.match(after1, 'because agreed by &lt;b&gt;phone&lt;/b&gt;')
  assert.match(after1, 'Policy silver, chosen by a person')
  assert.match(after1, '<option value="silver" selected>silver</option>')
  await admin.post(`/tickets/${id}/policy`, { policy: ':desk', reason: 'no longer' })
  const { source, policy } = await row(id)
  assert.equal([source, policy], ['org', 'gold'])
  await admin.post(`/tickets/${id}/policy`, { policy: ':none', reason: 'a gift' })
  assert.equal(await row(id), { source: 'manual', policy: null, due: null })
})

test('a choice is taken back by its button: the policy that a person chose before, or the desk’s own', async () => {
  const { id } = await acme()
  const takeBack = async () => {
    const receipt = /name="receipt" value="(\d+)"/.exec(await admin.page(`/tickets/${id}`))![1]!
    const answer = await admin.post(`/tickets/${id}/undo`, { receipt })
    assert.is(answer.headers.get('location'), `/tickets/${id}?done=back`)
  }
  await admin.post(`/tickets/${id}/policy`, { policy: 'silver', reason: 'agreed' })
  await admin.post(`/tickets/${id}/policy`, { policy: ':none', reason: 'a gift' })
  await takeBack()
  assert.equal([(await row(id)).source, (await row(id)).policy], ['manual', 'silver'])
  await takeBack()
  assert.equal([(await row(id)).source, (await row(id)).policy], ['org', 'gold'])
})

test('others see no form and are refused, unless the desk names them', async () => {
  const { id } = await acme()
  assert.not.match(await agent.page(`/tickets/${id}`), '/policy"')
  const refused = await agent.post(`/tickets/${id}/policy`, { policy: 'silver', reason: 'because' })
  assert.is(refused.status, 422)
  assert.match(await refused.text(), 'chosen by admins, and by whom the desk names')
  assert.is((await row(id)).policy, 'gold')
  allow(named)
  assert.match(await agent.page(`/tickets/${id}`), `action="/tickets/${id}/policy"`)
  assert.is((await agent.post(`/tickets/${id}/policy`, { policy: 'silver', reason: 'because' })).status, 303)
  assert.is((await row(id)).policy, 'silver')
})

test('without a reason, or with a policy that is none, nothing happens; customers may never', async () => {
  const { id } = await acme()
  for (const [fields, words] of [
    [{ policy: 'silver', reason: '  ' }, 'Say why'],
    [{ policy: 'platinum', reason: 'x' }, 'no such policy'],
    [{ policy: ':desk', reason: 'x' }, 'Nobody has chosen the policy'],
  ] as const) {
    const answer = await admin.post(`/tickets/${id}/policy`, fields)
    assert.is(answer.status, 422, words)
    assert.match(await answer.text(), words)
  }
  const input = { ticketId: id, policy: 'silver', reason: 'x', tools: desk.tools }
  const actor = { kind: 'contact', id: ada.id, name: 'Eva' } as const
  const refusal = await transaction(sql, (tx) => pinPolicy(tx, { ...input, actor }, NOON)).catch((error) => error)
  assert.is(refusal.code, 'may_not_override')
  assert.equal([(await row(id)).source, (await row(id)).policy], ['org', 'gold'])
})

test.run()
