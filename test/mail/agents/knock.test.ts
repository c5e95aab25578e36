/**
 * Idea C10: a mail that claims a ticket and is not let in waits beside it. Its agents hear of it by its number, and let
 * it in by a line of a mail: into that ticket, or as one of its own. Through the real pipeline: mail in, effect, receipt.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { MINUTE } from '../../../src/time.ts'
import { mail, startDesk } from '../../desk.ts'
import { notifications, replyTo, type Sent, sweep } from '../../engine/notify/desk.ts'
import { ADA, BO, ELSEWHERE, EVA, ground } from './ground.ts'

const desk = await startDesk()
const { sql } = desk
const { address, answer, comments, outgoing, reason, status, ticket } = ground(desk)
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const SLY = 'sly@evil.example'
const WORDS = 'I am their new colleague, may I join?'

/** A stranger got Bo's notification and answers to his address. */
async function knocked(from = SLY) {
  const id = await ticket()
  const held = await desk.deliver(mail({ from, to: await address(id, 'a'), text: WORDS }), ELSEWHERE)
  assert.equal([held.state, reason(held), held.ticket_id], ['held', 'agent_token', id])
  return { id, held: held.id }
}

const receipt = async () => (await outgoing()).findLast((one) => one.kind === 'receipt')!
const roles = async (id: number) => [
  ...(await sql`select address, role from ticket_participants where ticket_id = ${id}`),
]

/** Bo's answer to the mail that told him. */
const answered = (told: Sent, text: string) =>
  desk.deliver(
    mail({
      from: `Bo <${BO}>`,
      to: replyTo(told)!.address,
      subject: `Re: ${told.subject}`,
      text,
      headers: { 'In-Reply-To': `<${told.message_id}>` },
    }),
  )

test('the notice names the number and the lines; #accept lets the mail in to its ticket, and the receipt says so', async () => {
  const { id, held } = await knocked()
  const [told] = await notifications(desk)
  assert.is(told!.recipient, BO)
  assert.match(told!.text, `“#accept ${held}”; as a ticket of its own, with “#new mail:${held}”`)
  assert.not.match(told!.text, WORDS)
  const end = await answered(told!, `#accept ${held}`)
  assert.equal([end.state, reason(end)], ['recorded', 'commands'])
  assert.match((await receipt()).text, `mail ${held} from ${SLY} is let in to ticket #${id}`)
  assert.is((await receipt()).recipient, BO)
  const released = await desk.ending(held)
  assert.equal([released.state, released.ticket_id], ['commented', id])
  assert.is((await sql`select released_by from inbound_mails where id = ${held}`)[0]!.released_by, 'Bo')
  assert.equal((await comments(id)).at(-1), { visibility: 'public', author_role: 'contact', author_name: '', text: `${WORDS}\n`, channel: 'mail' })
  // it let their mail in, and not them: that is another line
  assert.equal(await roles(id), [{ address: SLY, role: 'pending' }])
  assert.equal((await outgoing()).filter((one) => ![ADA, BO].includes(one.recipient)), [])
  assert.is(await status(id), 'new')
  await answered(told!, `#accept ${SLY}`)
  assert.equal(await roles(id), [{ address: SLY, role: 'participant' }])
}) // biome-ignore format: a row is one thing

test('#new mail:N makes it a ticket of its own, which refers to the one that it claims', async () => {
  const { id, held } = await knocked()
  const [told] = await notifications(desk)
  const end = await answered(told!, `#new mail:${held}`)
  assert.equal([end.state, reason(end), end.ticket_id], ['recorded', 'commands', id])
  assert.match((await receipt()).text, `mail ${held} from ${SLY} becomes a ticket of its own`)
  const released = await desk.ending(held)
  assert.is(released.state, 'ticketed')
  assert.is.not(released.ticket_id, id)
  const [row] = await sql`select requester_address, subject from tickets where id = ${released.ticket_id}`
  assert.is(row!.requester_address, SLY)
  assert.equal(
    [...(await sql`select kind, other_id from ticket_links where ticket_id = ${released.ticket_id}`)],
    [{ kind: 'refers_to', other_id: id }],
  )
  assert.is((await comments(id)).length, 1)
})

test('the ticket’s other agents hear of it as news, by number, and whoever was told already does not', async () => {
  const { id, held } = await knocked()
  await sql`delete from outbox`
  await sql`delete from ticket_news where kind <> 'held'`
  await sweep(desk, new Date(desk.clock.at.getTime() + 3 * MINUTE))
  const [told, ...more] = await notifications(desk)
  assert.equal([told!.recipient, more.length], [ADA, 0])
  const line = `- Mail ${held} from ${SLY} is held beside it: “#accept ${held}” lets it in, “#new mail:${held}” makes it a ticket of its own\n`
  assert.ok(told!.text.includes(line), told!.text)
  assert.not.match(told!.text, WORDS)
  // an answer to it, with the line of the notification
  const to = replyTo(told!)!.address
  const end = await desk.deliver(mail({ from: `Ada <${ADA}>`, to, text: `#accept ${held}` }))
  assert.is(end.state, 'recorded')
  assert.equal([(await desk.ending(held)).state, (await desk.ending(held)).ticket_id], ['commented', id])
  assert.is(await status(id), 'new')
})

test('whatever was let in meanwhile is no news any more', async () => {
  const { held } = await knocked()
  const [told] = await notifications(desk)
  await answered(told!, `#accept ${held}`)
  await desk.ending(held)
  await sql`delete from outbox`
  await sql`delete from ticket_news where kind <> 'held'`
  await sweep(desk, new Date(desk.clock.at.getTime() + 3 * MINUTE))
  assert.is((await notifications(desk)).length, 0)
  assert.is((await sql`select from ticket_news`).length, 0)
})

test('a sender who fails the policy of their own domain is held beside the ticket, and is let in without a number', async () => {
  const CLERK = 'clerk@bank.example'
  const { ticket_id: id } = await desk.deliver(
    mail({ headers: { 'Message-ID': '<first@acme.example>', Cc: CLERK } }),
  )
  const raw = mail({ from: CLERK, subject: 'Re: The printer is on fire', headers: { 'In-Reply-To': '<first@acme.example>' } })
  const held = await desk.deliver(raw)
  assert.equal([held.state, reason(held), held.ticket_id], ['held', 'auth_fail', id])
  const end = await answer(id!, '#accept')
  assert.is(end.state, 'recorded')
  assert.match((await receipt()).text, `mail ${held.id} from ${CLERK} is let in to ticket #${id}`)
  assert.equal([(await desk.ending(held.id)).state, (await desk.ending(held.id)).ticket_id], ['commented', id])
}) // biome-ignore format: a mail is one line

test('to the desk’s own address, without any ticket: as the daily mail to admins says', async () => {
  const { id, held } = await knocked()
  const end = await desk.deliver(mail({ from: `Ada <${ADA}>`, subject: 'Re: [Desk] Mail that waits: 1', text: `#accept #${held}` }))
  assert.is(end.state, 'recorded')
  assert.equal([(await desk.ending(held)).state, (await desk.ending(held)).ticket_id], ['commented', id])
  assert.is((await receipt()).recipient, ADA)
}) // biome-ignore format: a mail is one line

test('a mail that waits for an agent’s own word is not let in by another’s', async () => {
  const id = await ticket()
  const held = await answer(id, 'Restart it.', { envelope: ELSEWHERE })
  assert.equal([held.state, reason(held)], ['held', 'challenge'])
  for (const line of [`#accept ${held.id}`, `#new mail:${held.id}`, '#accept']) {
    const end = await desk.deliver(mail({ from: `Ada <${ADA}>`, to: await address(id, 'a', { agent: ADA }), text: line }))
    assert.equal([end.state, reason(end)], ['held', 'command_error'], line)
  }
  assert.is((await desk.ending(held.id)).state, 'held')
  assert.match((await outgoing()).find((one) => one.kind === 'receipt')!.text, `Mail ${held.id} waits for the word of the agent whose mail it is.`)
}) // biome-ignore format: a mail is one line

test('what is not held, was done already, or would only be held again is an error, and nothing is done', async () => {
  const { id, held } = await knocked()
  const [told] = await notifications(desk)
  for (const [line, words] of [
    ['#accept 4711', 'No mail 4711 is held.'],
    [`#accept ${held} ${held}`, 'means nothing here'],
    ['#new mail:all', 'means nothing here'],
    [`#new mail:${held} from:${EVA}`, 'means nothing here'],
    [`#prio high\n#new mail:4711`, 'No mail 4711 is held.'],
  ] as const) {
    assert.is((await answered(told!, line)).state, 'held', line)
    assert.match((await receipt()).text, words)
  }
  assert.is((await sql`select priority from tickets where id = ${id}`)[0]!.priority, 'normal')
  await sql`update tickets set spam_at = now() where id = ${id}`
  await answered(told!, `#accept ${held}`)
  assert.match((await receipt()).text, /marked as spam, so mail \d+ waits/)
  await sql`update tickets set spam_at = null`
  assert.is((await desk.ending(held)).state, 'held')
  await answered(told!, `#accept ${held}`)
  assert.is((await desk.ending(held)).state, 'commented')
  await answered(told!, `#accept #${held}`)
  assert.match((await receipt()).text, `No mail ${held} is held.`)
})

test('a mail beside a ticket that was merged meanwhile goes where that went', async () => {
  const { id, held } = await knocked()
  const other = await ticket('The printer, once more')
  await answer(id, `#merge ${other}`)
  await answer(other, `#accept ${held}`)
  assert.match((await receipt()).text, `is let in to ticket #${other}`)
  assert.equal([(await desk.ending(held)).state, (await desk.ending(held)).ticket_id], ['commented', other])
})

test('#dry lets nothing in; a customer’s line is text, and another’s hand opens nothing', async () => {
  const { id, held } = await knocked()
  const [told] = await notifications(desk)
  await answered(told!, `#dry\n#accept ${held}`)
  assert.match((await receipt()).text, /Nothing was done or sent/)
  await desk.deliver(mail({ from: EVA, to: await address(id, 'c', { person: 0, shown: 0 }), text: `#accept ${held}` }))
  const forged = await desk.deliver(
    mail({ from: SLY, to: replyTo(told!)!.address, text: `#accept ${held}` }),
    ELSEWHERE,
  )
  assert.equal([forged.state, reason(forged)], ['held', 'agent_token'])
  await desk.deliver(mail({ from: `Bo <${BO}>`, text: `#accept ${held}` }), ELSEWHERE)
  assert.is((await desk.ending(held)).state, 'held')
})

test('what was let in stays, and #undo says how to correct it', async () => {
  const { id, held } = await knocked()
  const [told] = await notifications(desk)
  await answered(told!, `#accept ${held}`)
  await desk.ending(held)
  await answer(id, '#undo')
  assert.match((await receipt()).text, /A mail that was let in stays: split it off again/)
  assert.is((await comments(id)).length, 2)
})

test.run()
