/** What a ticket already holds tells quotation from answer (7.4), and what a domain repeats is a footer (7.9). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { reply } from '../../src/engine/tickets.ts'
import { MONDAY, mail, startDesk } from '../desk.ts'

const desk = await startDesk()
const { sql } = desk
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const ADVICE =
  'Please switch the printer off and on again.\nThen wait for two minutes.\nIs the lamp at the front green or red by now?\nThe paper tray may be empty as well.'
const ANSWER = 'Thank you, I have just done that, and it prints again without any trouble.'
const quoted = (text: string) => text.replace(/^/gm, '> ')

/** A ticket that an agent has answered; the id of its mail. */
async function answered(): Promise<string> {
  const { ticket_id } = await desk.deliver(mail({ subject: 'Printer', text: 'The printer does not print at all.' }))
  const agent = [...desk.tools().desk.agents.values()][0]!
  const input = { ticketId: ticket_id!, agent, text: ADVICE, channel: 'web' as const, tools: desk.tools() }
  await transaction(sql, (tx) => reply(tx, input, MONDAY))
  const [row] = await sql`select message_id from outbox where ticket_id = ${ticket_id} and kind = 'reply'`
  return row!.message_id
}

async function visibleOf(text: string, id: string | null): Promise<string> {
  const headers: Record<string, string> = id === null ? {} : { 'In-Reply-To': `<${id}>` }
  const { comment_id } = await desk.deliver(mail({ subject: 'Re: Printer', text, headers }))
  const [row] = await sql`select visible from comments where id = ${comment_id}`
  return row!.visible
}

test('an attribution without a date and without marks below it is one where the ticket holds what follows (7.4 b)', async () => {
  const text = `${ANSWER}\n\nDesk Support wrote:\n\n${ADVICE}`
  assert.is(await visibleOf(text, await answered()), ANSWER)
  assert.is(await visibleOf(text, null), text, 'nobody knows')
})

test('two headers above what the ticket holds are a header block (7.4 b)', async () => {
  const two = `${ANSWER}\n\nFrom: support@desk.example\nDate: Monday\n\n${ADVICE}`
  assert.is(await visibleOf(two, await answered()), ANSWER)
  assert.is(await visibleOf(two, null), two, 'nobody knows')
})

test('what was typed into the quote of our answer stays visible, what our mail has around it does not (7.4)', async () => {
  const id = await answered()
  const [sent] = await sql`select text from outbox where kind = 'reply'`
  const typed = 'it is yellow and it blinks all the time'
  const inside = quoted(sent!.text.trimEnd()).replace('> The paper', `> ${typed}\n> The paper`)
  const visible = await visibleOf(`${ANSWER}\n\nOn 23 Nov 2026, at 10:00, Desk wrote:\n${inside}\n`, id)
  assert.is(visible.replace(/\s+/g, ' '), `${ANSWER} > ${typed}`)
})

test('a footer that the domain repeats is folded in the third mail that goes on with a ticket (7.9)', async () => {
  const footer =
    'This message and its files are confidential. If you are not who they are meant for, tell us and delete them.'
  const id = await answered()
  const body = (n: number) => `Mail number ${n} has some words of its own, and they are not the same ones.\n\n${footer}`
  const own = (n: number) => body(n).split('\n')[0]!
  assert.is(await visibleOf(body(1), id), body(1))
  assert.is(await visibleOf(body(2), id), body(2))
  assert.is(await visibleOf(body(3), id), own(3))
  const [stored] = await sql`select text from comments order by id desc limit 1`
  assert.is(stored!.text.trim(), body(3), 'folded, not removed')
})

test('a short sentence that somebody repeats is no footer', async () => {
  const id = await answered()
  const body = (n: number) => `Here is what I have tried today, which is number ${n} of all the tries.\n\nStill broken.`
  for (const n of [1, 2, 3, 4]) assert.is(await visibleOf(body(n), id), body(n))
})

test.run()
