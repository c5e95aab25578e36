/**
 * The Sent folder of a real Dovecot. Copies of answers go into it (MAIL 2.18, 8.25): a real desk answers, a real relay
 * takes the mail, and whatever becomes of the copy, the mail goes once. And what people send from the mailbox without
 * the desk is seen there (2.17).
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { addPeople } from '../../src/engine/tickets/people.ts'
import { reply } from '../../src/engine/tickets.ts'
import { silent } from '../../src/log.ts'
import { type Deliverer, startDeliverer } from '../../src/mail/deliver.ts'
import { mail, startDesk } from '../desk.ts'
import { mailboxAt, startPollers, until } from '../mail/imap-poller.ts'
import { type Postbox, startPostbox } from '../postbox.ts'
import { startCuttingProxy } from './cutting-proxy.ts'
import { missingDovecot, startDovecot } from './dovecot.ts'

const why = missingDovecot()
if (why) {
  if (process.env.CI === 'true') throw new Error(why)
  console.log(`SKIPPED sent: ${why}`)
  test('skipped', () => {})
  test.run()
} else {
  await run()
}

async function run() {
  const desk = await startDesk()
  const { sql } = desk
  const dovecot = await startDovecot()
  const pollers = startPollers(sql)
  let relay: Postbox
  let deliverer: Deliverer
  let serial = 0

  const follow = async (user: string, changes = {}) => {
    const poller = pollers.start(mailboxAt(dovecot.port, { name: user, user, sent: 'Sent', ...changes }))
    await poller.pollNow()
    return poller
  }

  /** A ticket of two people, answered once; the undo window is over. */
  const answerTwo = async () => {
    const { ticket_id: ticketId } = await desk.deliver(mail({ text: `question ${++serial}` }))
    const now = new Date(Date.now() - 120_000)
    const [agent] = await sql`select id, name, address from agents where address = 'ada@desk.example'`
    await transaction(sql, async (tx) => {
      const other = { address: 'jo@borealis.example', name: 'Jo', contactId: null, role: 'participant' as const }
      await addPeople(tx, ticketId!, [other], now)
      const answer = { ticketId: ticketId!, agent: agent as never, text: `answer ${serial}`, tools: desk.tools() }
      await reply(tx, { ...answer, channel: 'web' }, now)
    })
    deliverer.wake()
    await until('both are sent', async () => (await replies()).every((row) => row.state === 'sent'))
  }

  const replies = () => sql`
    select state, tries, message_id, copied_at from outbox where kind = 'reply' order by id`
  const copied = async () => (await replies()).every((row) => row.copied_at !== null)
  /** What the customers' server took of answers, by recipient. */
  const taken = () =>
    relay.mails
      .filter((one) => !/^auto-submitted:/im.test(one.raw.toString()))
      .flatMap((one) => one.to)
      .sort()
  const BOTH = ['eva@acme.example', 'jo@borealis.example']

  test.before.each(async () => {
    await desk.reset()
    relay = await startPostbox()
    const to = { host: '127.0.0.1', port: relay.port, tls: 'opportunistic', user: null, password: null, ca: null }
    deliverer = await startDeliverer({
      sql,
      relay: { ...to, tls: 'opportunistic', dkim: null, perMinute: 1000, perDomainMinute: 1000, concurrency: 2 },
      folder: '/nonexistent',
      log: silent,
      now: () => new Date(),
      notices: { raise: async () => {}, settle: async () => {} },
      pace: { poll: 50 },
    })
  })
  test.after.each(async () => {
    await pollers.stopAll()
    await deliverer.stop()
    await relay.stop()
  })
  test.after(async () => {
    await pollers.close()
    await dovecot.stop()
    await desk.stop()
  })

  test('one copy for two recipients, with the words and the Message-ID that they got, and acknowledgements make none', async () => {
    await follow('one')
    await answerTwo()
    await until('the copy is noted on both rows', copied)
    await sleep(400) // some rounds more
    assert.is(dovecot.list('one', 'Sent').length, 1)
    const copy = readFileSync(path.join(dovecot.folderPath('one', 'Sent'), dovecot.list('one', 'Sent')[0]!), 'utf8')
    const [row] = await replies()
    assert.ok(copy.includes(`Message-ID: <${row!.message_id}>`))
    assert.ok(copy.includes('answer 1'))
    assert.match(copy, /jo@borealis\.example/)
    assert.match(dovecot.list('one', 'Sent')[0]!, /:2,S$/)
    assert.equal(taken(), BOTH)
  })

  test('a mailbox without `sent` gets no copy', async () => {
    await follow('none', { sent: null })
    await answerTwo()
    await sleep(400)
    assert.equal(dovecot.list('none', 'Sent'), [])
    assert.equal(
      (await replies()).map((row) => row.copied_at),
      [null, null],
    )
  })

  test('the mail server is down when the answer goes: it goes, and the copy comes later', async () => {
    await follow('down')
    await dovecot.kill()
    await answerTwo()
    assert.equal(taken(), BOTH)
    assert.not(await copied())
    await dovecot.start()
    await until('the copy', copied)
    assert.is(dovecot.list('down', 'Sent').length, 1)
    assert.equal(taken(), BOTH)
  })

  test('a folder that is not there is told and tried again; the mail stays sent, once', async () => {
    const poller = await follow('missing', { sent: 'Copies' })
    await answerTwo()
    await until('the notice', () => poller.notices.some((words) => words.startsWith('raise mailbox_sent missing')))
    assert.equal(
      (await replies()).map((row) => [row.state, row.tries, row.copied_at]),
      [
        ['sent', 1, null],
        ['sent', 1, null],
      ],
    )
    dovecot.deliver('missing', 'Subject: the folder is made\r\n\r\n', { folder: 'Copies' })
    await until('the copy', copied)
    assert.is(dovecot.list('missing', 'Copies').length, 2)
    await until('all is well', () => poller.notices.includes('settle mailbox_sent missing'))
    assert.equal(taken(), BOTH)
  })

  test('APPEND is done and its answer lost: no second copy, and the mail goes once (X58)', async () => {
    const proxy = await startCuttingProxy(dovecot.port)
    try {
      const poller = await follow('lost', { port: proxy.port })
      proxy.cut = /OK .*Append completed/i
      await answerTwo()
      await until('the copy', copied)
      await sleep(400)
      assert.is(proxy.cuts, 1, 'the answer was cut off')
      assert.ok(poller.notices.some((words) => words.startsWith('raise mailbox_sent')))
      assert.is(dovecot.list('lost', 'Sent').length, 1)
      assert.equal(taken(), BOTH)
      assert.equal(
        (await replies()).map((row) => [row.state, row.tries]),
        [
          ['sent', 1],
          ['sent', 1],
        ],
      )
    } finally {
      await pollers.stopAll()
      await proxy.stop()
    }
  })

  test('the relay says no for good: nothing was sent, and there is no copy', async () => {
    await follow('refused')
    relay.say = ({ phase }) => (phase === 'rcpt' ? '550 5.7.1 refused' : null)
    await desk.deliver(mail({}))
    const [ticket] = await sql`select id from tickets`
    const [agent] = await sql`select id, name, address from agents where address = 'ada@desk.example'`
    const answer = { ticketId: ticket!.id, agent: agent as never, text: 'answer', tools: desk.tools() }
    const now = new Date(Date.now() - 120_000)
    await transaction(sql, (tx) => reply(tx, { ...answer, channel: 'web' }, now))
    deliverer.wake()
    await until('it has failed', async () => (await replies()).every((row) => row.state === 'failed'))
    await sleep(300)
    assert.equal(dovecot.list('refused', 'Sent'), [])
  })

  test('watched: an answer from a mail client is written into its ticket, the desk’s own copies and the rest are not (2.17)', async () => {
    dovecot.deliver('watched', fromSent({ id: 'long-ago', subject: 'what was there before' }), {
      folder: 'Sent',
      flags: 'S',
    })
    const poller = await follow('watched', { watchSent: true })
    await answerTwo()
    await until('the copy is noted on both rows', copied)
    const [question] = await sql`select ticket_id, message_id from inbound_mails where ticket_id is not null`
    const id = question!.message_id
    dovecot.deliver('watched', fromSent({ id: 'by-hand', answers: id }), { folder: 'Sent', flags: 'S' })
    dovecot.deliver('watched', fromSent({ id: 'lunch', to: 'friend@elsewhere.example' }), {
      folder: 'Sent',
      flags: 'S',
    })
    const seen = () => sql`
      select message_id, state, ticket_id, reasons->-1->>'code' as reason from inbound_mails
      where session->'sent' = 'true'`
    await until('all three are seen', async () => {
      await poller.pollNow()
      await desk.idle()
      return (await seen()).filter((row) => !['received', 'processing'].includes(row.state)).length === 3
    })
    const rows = Object.fromEntries((await seen()).map((row) => [row.message_id, [row.state, row.reason]]))
    const [{ message_id: own }] = (await replies()) as never as [{ message_id: string }]
    assert.equal(rows, {
      [own]: ['recorded', 'own_copy'],
      'by-hand@desk.example': ['commented', 'sent_outside'],
      'lunch@desk.example': ['recorded', 'sent_outside'],
    })
    const comments = await sql`
      select author_role, text, flags from comments where ticket_id = ${question!.ticket_id} order by id`
    assert.equal(
      comments.map((row) => [row.author_role, row.text.trim(), row.flags]),
      [
        ['contact', `question ${serial}`, []],
        ['agent', `answer ${serial}`, []],
        ['agent', 'Please turn it off and on again.', ['sent_outside']],
      ],
    )
    assert.equal(taken(), BOTH, 'nothing was sent again')
    assert.is((await sql`select count(*) from tickets`)[0]!.count, 1)
  })

  test.run()
}

/** A mail as a person's mail client leaves it in Sent. */
function fromSent({ id, answers, to = 'eva@acme.example', subject = 'Re: a question' }: Record<string, string>) {
  return [
    'From: Support <support@desk.example>',
    `To: ${to}`,
    `Subject: ${subject}`,
    'Date: Mon, 23 Nov 2026 09:40:00 +0100',
    `Message-ID: <${id}@desk.example>`,
    ...(answers ? [`In-Reply-To: <${answers}>`, `References: <${answers}>`] : []),
    '',
    'Please turn it off and on again.',
    '',
  ].join('\r\n')
}
