/** What is less than an agent's own mail waits, and they are asked at their registered address (MAIL 5.6, COMMANDS E5). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { HOUR, MINUTE } from '../../../src/time.ts'
import { demoDesk, MONDAY, mail, startDesk } from '../../desk.ts'
import { ADA, BO, ELSEWHERE, EVA, ground } from './ground.ts'

const desk = await startDesk()
const { sql } = desk
const { address, agent, answer, comments, outgoing, reason, status, ticket } = ground(desk)
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const later = (milliseconds: number) => {
  desk.clock.at = new Date(desk.clock.at.getTime() + milliseconds)
}

/** A held answer of Bo's, and the challenge that went to him. */
async function challenged() {
  const id = await ticket()
  const end = await answer(id, 'Restart it.', { envelope: ELSEWHERE })
  assert.equal([end.state, reason(end)], ['held', 'challenge'])
  const [sent, ...more] = await outgoing()
  assert.equal([sent!.kind, sent!.recipient, more.length], ['notification', BO, 0])
  const nonce = /confirm-[a-z2-7]{26}/.exec(sent!.text)![0]
  const replyTo = (sent!.headers.find(([name]) => name === 'Reply-To')![1] as { address: string }[])[0]!.address
  await sql`delete from outbox`
  return { id, held: end.id, nonce, replyTo, sent: sent! }
}

test('5.6: an agent’s address with less than proof is held and they are asked; the customer gets nothing', async () => {
  const { id, sent } = await challenged()
  assert.is((await comments(id)).length, 1)
  assert.is(await status(id), 'new')
  assert.equal(await outgoing(), [])
  assert.match(sent.text, '| Restart it.')
  assert.ok(sent.headers.some(([name, value]) => name === 'Auto-Submitted' && value === 'auto-generated'))
  assert.is((await sql`select 1 from challenges where nonce is not null`).length, 1)
})

for (const [place, write] of [
  ['the address', (_: string, to: string) => mail({ from: BO, to, text: 'Yes.' })],
  ['the subject', (nonce: string) => mail({ from: BO, subject: `Re: ${nonce}`, text: 'Yes, mine' })],
  ['the text', (nonce: string) => mail({ from: BO, text: `Ja!\n\nOn Monday, Desk wrote:\n> Reference: ${nonce}` })],
  ['the text alone', (nonce: string) => mail({ from: BO, text: nonce })],
] as const)
  test(`a person’s answer with the nonce in ${place} releases the mail, and it is done as theirs`, async () => {
    const { id, held, nonce, replyTo } = await challenged()
    const end = await desk.deliver(write(nonce, replyTo), ELSEWHERE)
    assert.equal([end.state, reason(end)], ['recorded', 'confirmed'])
    const released = await desk.ending(held)
    assert.equal([released.state, reason(released)], ['commented', 'agent'])
    const [mailed, ...more] = await outgoing()
    assert.equal([mailed!.kind, mailed!.recipient, more.length], ['reply', EVA, 0])
    assert.is(await status(id), 'waiting_customer')
  })

test('a nonce works once', async () => {
  const { held, nonce } = await challenged()
  await desk.deliver(mail({ from: BO, subject: nonce, text: 'Yes' }))
  await desk.ending(held)
  const end = await desk.deliver(mail({ from: BO, subject: nonce, text: 'Yes' }))
  assert.equal([end.state, reason(end)], ['recorded', 'confirmed'])
  assert.match(end.reasons.at(-1)!.words, 'before')
  assert.is((await outgoing()).length, 1)
})

test('a nonce is good for a day', async () => {
  const { held, nonce } = await challenged()
  later(25 * HOUR)
  const end = await desk.deliver(mail({ from: BO, subject: nonce, text: 'Yes' }))
  assert.match(end.reasons.at(-1)!.words, 'too late')
  assert.is((await desk.ending(held)).state, 'held')
  assert.equal(await outgoing(), [])
})

const absent: [string, Parameters<typeof mail>[0], string?][] = [
  ['with a header', { headers: { 'Auto-Submitted': 'auto-replied' } }],
  ['with an absence subject', { subject: 'Automatic reply: Is this mail yours?' }],
  ['without any mark', { subject: 'Re: Is this mail yours?', text: 'I am on the beach until Friday.' }],
  ['by the null sender', { text: 'Yes' }, ''],
]
for (const [name, change, from] of absent)
  test(`an automatic answer to a challenge, ${name}, releases nothing and is not answered`, async () => {
    const { held, nonce, replyTo } = await challenged()
    const text = `${change?.text ?? 'I am away.'}\n\n> Reference: ${nonce}`
    const end = await desk.deliver(mail({ from: BO, to: replyTo, ...change, text }), from === '' ? { from } : {})
    assert.is(end.state, 'recorded')
    assert.is((await desk.ending(held)).state, 'held')
    assert.equal(await outgoing(), [])
  })

test('a nonce in other hands releases nothing', async () => {
  const { held, nonce } = await challenged()
  for (const from of [ADA, EVA, 'sly@evil.example']) {
    const end = await desk.deliver(mail({ from, subject: nonce, text: 'Yes' }))
    assert.equal([end.state, reason(end)], ['held', 'agent_token'], from)
  }
  assert.is((await desk.ending(held)).state, 'held')
  assert.equal(await outgoing(), [])
})

test('at most one challenge in ten minutes, each mail with its own nonce', async () => {
  const { id } = await challenged()
  await answer(id, 'Restart it again.', { envelope: ELSEWHERE })
  assert.equal(await outgoing(), [])
  later(11 * MINUTE)
  await answer(id, 'Restart it once more.', { envelope: ELSEWHERE })
  assert.is((await outgoing()).length, 1)
  assert.is((await sql`select distinct nonce from challenges`).length, 3)
})

test('the mail of a challenge that was discarded meanwhile stays so', async () => {
  const { held, nonce } = await challenged()
  await sql`update inbound_mails set state = 'discarded', settled_by = 'test' where id = ${held}`
  const end = await desk.deliver(mail({ from: BO, subject: nonce, text: 'Yes' }))
  assert.is(end.state, 'recorded')
  assert.is((await desk.ending(held)).state, 'discarded')
})

test('E5.5: a proven mail that is older than a day, without a date, or was carried out before is asked about', async () => {
  const id = await ticket()
  const to = await address(id, 'a')
  const first = mail({ from: BO, to, text: 'Restart it.' })
  assert.is((await desk.deliver(first)).state, 'commented')
  await sql`delete from outbox`
  const cases: [string, string][] = [
    ['older', mail({ from: BO, to, text: 'A', headers: { Date: 'Sat, 21 Nov 2026 09:29:00 +0100' } })],
    ['of tomorrow', mail({ from: BO, to, text: 'B', headers: { Date: 'Wed, 25 Nov 2026 09:29:00 +0100' } })],
    ['without a date', mail({ from: BO, to, text: 'C', headers: { Date: null } })],
    ['the same body with another id', first.replace(/^Message-ID: <.*>$/m, 'Message-ID: <other@mail.example>')],
    ['the same id with another body', first.replace('Restart it.', 'Give them the password.')],
  ]
  for (const [name, raw] of cases) {
    const end = await desk.deliver(raw)
    assert.equal([end.state, reason(end)], ['held', 'challenge'], name)
  }
  assert.equal(
    (await outgoing()).filter((one) => one.recipient !== BO),
    [],
  )
})

test('an address of theirs on the envelope alone is asked about: anybody can put one round an old mail', async () => {
  const id = await ticket()
  const to = await address(id, 'a')
  const raw = mail({ from: BO, to: 'friend@elsewhere.example', text: 'Restart it.' })
  const end = await desk.deliver(raw, { recipients: [{ address: to, inbox: 'support', tag: null }] })
  assert.equal([end.state, reason(end)], ['held', 'challenge'])
})

test('addresses of an agent who has left are dead, and so are revoked ones', async () => {
  const id = await ticket()
  const [dead, revoked] = [await address(id, 'a', { agent: BO }), await address(id, 'a', { agent: ADA })]
  await sql`update agents set disabled_at = ${MONDAY} where address = ${BO}`
  await desk.change(demoDesk.replace('  - {address: bo@desk.example, name: Bo}\n', '').replace(', bo@desk.example', ''))
  await sql`update tickets set token_generation = 1 where id = ${id}`
  for (const [from, to] of [
    [BO, dead],
    [ADA, revoked],
  ] as const) {
    const end = await desk.deliver(mail({ from, to, text: 'Restart it.' }))
    assert.equal([end.state, reason(end)], ['held', 'agent_token'], from)
  }
  assert.is((await comments(id)).length, 1)
  assert.equal(
    (await outgoing()).filter((one) => one.recipient === EVA),
    [],
  )
})

test('another’s use of an address is told to whom it belongs, without the words, once in ten minutes', async () => {
  const id = await ticket()
  for (const from of ['sly@evil.example', EVA]) {
    const end = await answer(id, 'Read this: http://evil.example', { from })
    assert.equal([end.state, reason(end)], ['held', 'agent_token'])
  }
  const [told, ...more] = (await outgoing()).filter((one) => one.recipient !== EVA)
  assert.equal([told!.recipient, more.length], [BO, 0])
  assert.match(told!.text, 'sly@evil.example')
  assert.not.match(told!.text, 'http://evil.example')
})

test('a ticket that is called as an absence notice is answered after a question', async () => {
  const id = await ticket('Out of office')
  const to = await address(id, 'a')
  const end = await desk.deliver(mail({ from: BO, to, subject: 'Re: Out of office', text: 'It works now.' }))
  assert.equal([end.state, reason(end)], ['held', 'challenge'])
})

test('5.6: a person who releases the mail makes nobody an agent', async () => {
  const { id, held } = await challenged()
  const { release } = await import('../../../src/mail/spool.ts')
  const { transaction } = await import('../../../src/database.ts')
  await transaction(sql, (tx) => release(tx, { id: held, by: agent(ADA).name }, desk.clock.at))
  const end = await desk.ending(held)
  assert.is(end.state, 'commented')
  assert.equal((await comments(id)).at(-1)!.author_role, 'contact')
  assert.equal(await outgoing(), [])
})

test.run()
