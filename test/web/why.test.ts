/** The ticket page answers "why is this here?": kind, author, ticket, project and dates, from the mail's stored trace. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { MONDAY, mail, startDesk } from '../desk.ts'
import { webDesk } from './desk.ts'

const desk = await startDesk()
const { sql } = desk
const web = await webDesk(sql)
web.clock.now = MONDAY
const browser = await web.signIn(web.ada)

test.after(() => desk.stop())

const textOf = (page: string) =>
  page
    .replace(/<[^>]*>/g, ' ')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/\s+/g, ' ')

test('why this kind, this author, this ticket, this project, these dates', async () => {
  const first = await desk.deliver(
    mail({ headers: { 'Message-ID': '<why.1@mail.example>', Precedence: 'first-class' } }),
  )
  const page = await browser.page(`/tickets/${first.ticket_id}`)
  const text = textOf(page)
  assert.match(text, 'Kind Written by a person nothing says otherwise')
  assert.match(text, /Author Eva Beispiel <eva@acme\.example>, contact of Acme Sender proven \(SPF pass/)
  assert.match(text, 'Ticket A new one: it names none that it may join')
  assert.match(text, /Project acme\/incoming, by rule “acme” Rule “acme” holds: organization is acme/)
  assert.match(text, /Rule “borealis” does not hold: organization is borealis/)
  assert.match(
    text,
    /Dates Policy gold: organization Acme First answer: 4 h of calendar berlin, until Mon 23 Nov 2026, 13:30 CET/,
  )
  assert.match(text, /Solution: 24 h of calendar berlin, until Thu 26 Nov 2026, 09:30 CET/)
})

test('neighbouring rules that fail for the same thing seen are one line', async () => {
  const mine = await desk.deliver(
    mail({ from: 'Sam <sam@nowhere.example>', headers: { 'Message-ID': '<why.0@mail.example>' } }),
  )
  const text = textOf(await browser.page(`/tickets/${mine.ticket_id}`))
  assert.match(text, 'Rules “acme”, “borealis” do not hold: organization is acme, is borealis: no, there is none.')
})

test('an answer says by what it was threaded, and which claims did not count', async () => {
  const first = await desk.deliver(mail({ subject: 'Mine', headers: { 'Message-ID': '<why.2@mail.example>' } }))
  const other = await desk.deliver(
    mail({
      from: 'Noor <noor@borealis.example>',
      subject: '<b>Theirs</b>',
      headers: { 'Message-ID': '<why.3@mail.example>' },
    }),
  )
  const answer = await desk.deliver(
    mail({
      subject: 'Re: Mine',
      headers: {
        'In-Reply-To': '<why.3@mail.example>',
        References: '<why.2@mail.example>',
        'Auto-Submitted': 'auto-replied',
      },
    }),
  )
  assert.is(answer.ticket_id, first.ticket_id)
  const text = textOf(await browser.page(`/tickets/${first.ticket_id}`))
  assert.match(text, /Kind An automatic reply Auto-Submitted: auto-replied \(4a\.12\)/)
  assert.match(
    text,
    `Ticket #${first.ticket_id}, by the Message-ID of a mail in it Not #${other.ticket_id} by the Message-ID`,
  )
})

test('a trace of an older version shows what it has', async () => {
  const { ticket_id } = await desk.deliver(mail({}))
  for (const trace of [
    null,
    {},
    { author: { role: 'contact', address: 'x@y.example', name: '<i>X</i>', organization: null } },
  ]) {
    await sql`update inbound_mails set trace = ${sql.json(trace as never)} where ticket_id = ${ticket_id}`
    const page = await browser.page(`/tickets/${ticket_id}`)
    assert.match(page, 'Why this is here')
    assert.not.match(page, '<i>X</i>')
  }
})

test.run()
