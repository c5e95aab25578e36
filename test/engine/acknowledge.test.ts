import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type AckInput, prepareAck } from '../../src/engine/acknowledge.ts'
import { type AnswerInput, preparePublicAnswer } from '../../src/engine/answer.ts'
import type { Desk, Inbox } from '../../src/engine/desk.ts'
import { referencesOf } from '../../src/engine/outbox/headers.ts'
import type { OutgoingMail } from '../../src/engine/outbox.ts'
import type { Tools } from '../../src/engine/tools.ts'
import { LOCALES, loadTemplates } from '../../src/render.ts'
import { readMessageId, readSignedAddress, rootId } from '../../src/tokens.ts'

const now = new Date('2026-11-23T10:00:00Z')
const keys = { instance: 'd1ce'.repeat(8), current: 0, byId: new Map([[0, randomBytes(32)]]) }
const inbox = {
  id: 7,
  key: 'support',
  address: 'support@desk.example',
  aliases: ['help@desk.example'],
  name: 'Desk Support',
  project: 'triage',
  locale: 'en',
  zone: 'Europe/Berlin',
  policy: null,
} as Inbox
const desk = { inboxes: [inbox], settings: { separators: '+' } } as unknown as Desk
const tools: Tools = { desk, keys, templates: loadTemplates(path.join(import.meta.dirname, '..', '..', 'templates')) }

const ticket = {
  id: 123,
  subject: 'Buy http://x.example now',
  requester: { name: 'Vic "Visit x.example" Tim', address: 'victim@acme.example' },
  locale: 'en',
  zone: 'Europe/Berlin',
  generation: 2,
}

const input = (change: Partial<AckInput> = {}): AckInput => ({
  ticket,
  inbox,
  firstResponse: { at: new Date('2026-11-27T16:00:00Z'), how: null },
  resolution: { at: new Date('2026-12-01T11:00:00Z'), how: null },
  trust: { mayQuote: false },
  mail: { messageId: 'one@acme.example', references: ['zero@acme.example'] },
  followUpOf: null,
  tools,
  ...change,
})

const header = (mail: OutgoingMail, name: string) => mail.headers.find(([key]) => key === name)?.[1]
const everything = (mail: OutgoingMail) => JSON.stringify({ ...mail, recipients: [] })

test('golden: the headers of an acknowledgement (8.1-8.3, 8.6)', () => {
  const ack = prepareAck(input({ trust: { mayQuote: true } }), now)!
  assert.equal(
    ack.headers.map(([name]) => name),
    ['From', 'To', 'Reply-To', 'In-Reply-To', 'References'],
  )
  assert.equal(header(ack, 'From'), [{ name: 'Desk Support', address: 'support@desk.example' }])
  assert.equal(header(ack, 'To'), [ticket.requester])
  const [reply] = header(ack, 'Reply-To') as { address: string }[]
  const token = readSignedAddress(keys, inbox.address, reply!.address)
  assert.equal(token, { purpose: 'c', inbox: 7, ticket: 123, person: 0, generation: 2, comment: 0 })
  assert.is(header(ack, 'In-Reply-To'), '<one@acme.example>')
  const root = rootId(keys, 123, 'desk.example')
  assert.is(header(ack, 'References'), `<${root}> <zero@acme.example> <one@acme.example>`)
  assert.equal(readMessageId(keys, ack.messageId), { kind: 'a', ticket: 123 })
  assert.is(ack.kind, 'ack')
  assert.is(ack.subject, `Re: ${ticket.subject}`)
  assert.match(ack.text, /Hello Vic "Visit x\.example" Tim,/)
})

test('without the right to quote, no word that the sender chose is in it, and all of ours are (4a.25)', () => {
  for (const locale of LOCALES) {
    const ack = prepareAck(input({ ticket: { ...ticket, locale } }), now)!
    assert.not.match(everything(ack), /x\.example|Buy|Visit|Vic|zero@/, locale)
    assert.equal(ack.recipients, [{ name: '', address: 'victim@acme.example' }])
    assert.match(ack.subject, / \[#123\]$/)
    assert.match(ack.text, /#123/)
    assert.match(ack.text, /2026.*UTC\+01:00/)
    assert.is(ack.text.match(/UTC\+01:00/g)!.length, 2, locale)
  }
  assert.is(prepareAck(input(), now)!.subject, 'We received your message [#123]')
})

test('both due dates in the zone and language of the customer, with how they came (SLA D1, D2)', () => {
  const always = { always: true, tz: 'Europe/Berlin' } as never
  const how = { calendar: always, targetSeconds: 4 * 3600 }
  const firstResponse = { at: new Date('2026-11-27T16:00:01Z'), how }
  const ack = prepareAck(input({ firstResponse, ticket: { ...ticket, locale: 'de-AT' } }), now)!
  assert.match(ack.text, /bis Freitag, 27\. November 2026 um 17:01 MEZ \(UTC\+01:00\) – 4 Stunden, .*\.\n/)
  assert.match(ack.html!, /lang="de"/)
  const york = prepareAck(input({ ticket: { ...ticket, zone: 'America/New_York' } }), now)!
  assert.match(york.text, /11:00 AM EST \(UTC-05:00\)/)
  assert.equal(ack.promise, {
    message_id: ack.messageId,
    at: now.toISOString(),
    locale: 'de-AT',
    zone: 'Europe/Berlin',
    first_response_due: '2026-11-27T16:00:01.000Z',
    resolution_due: '2026-12-01T11:00:00.000Z',
  })
})

test('a clock that does not run leaves its sentence out (SLA D1)', () => {
  const one = prepareAck(input({ resolution: null }), now)!
  assert.match(one.text, /first answer/)
  assert.not.match(one.text, /solved/)
  assert.is(one.promise.resolution_due, null)
  const none = prepareAck(input({ firstResponse: null, resolution: null }), now)!
  assert.not.match(none.text, /2026/)
})

test('a follow-up says so, with the number of the ticket that it follows (6.12)', () => {
  const ack = prepareAck(input({ followUpOf: 99 }), now)!
  assert.match(ack.text, /earlier request #99 is already closed/)
  assert.match(ack.text, /new number: #123/)
})

test('nobody to write to, no acknowledgement', () => {
  const to = (address: string) => prepareAck(input({ ticket: { ...ticket, requester: { name: '', address } } }), now)
  for (const address of ['support@desk.example', 'HELP@desk.example', 'support+x@desk.example', 'a@b@c', '', '<>'])
    assert.is(to(address), null, address)
  assert.ok(to('kim@acme.example'))
})

test('a foreign id that no header can carry is left out, and the rest still threads (8.3)', () => {
  for (const messageId of [null, 'no-at', 'a b@c', 'a@b>\r\nBcc: x@y', 'ü@b.example', '']) {
    const ack = prepareAck(input({ mail: { messageId, references: ['x y', 'ok@acme.example'] } }), now)!
    assert.is(header(ack, 'In-Reply-To'), undefined)
    assert.is(header(ack, 'References'), `<${rootId(keys, 123, 'desk.example')}>`)
  }
})

test('References: root, first, the newest eight, at most 1,500 bytes (8.3)', () => {
  const ids = Array.from({ length: 60 }, (_, n) => `${n}@acme.example`)
  const line = referencesOf('root@desk.example', ids).split(' ')
  assert.equal(line.slice(0, 3), ['<root@desk.example>', '<0@acme.example>', '<52@acme.example>'])
  assert.is(line.length, 10)
  assert.is(line.at(-1), '<59@acme.example>')
  const long = ids.map((id) => `${'x'.repeat(300)}${id}`)
  const short = referencesOf('root@desk.example', long)
  assert.ok(`References: ${short}`.length <= 1500)
  assert.ok(short.startsWith('<root@desk.example> <xxx'))
  assert.ok(short.endsWith('59@acme.example>'))
  assert.is(referencesOf('root@desk.example', ['y'.repeat(3000).concat('@z.example')]), '<root@desk.example>')
})

// --- an agent's answer ---

const answer = (change: Partial<AnswerInput> = {}) =>
  preparePublicAnswer(
    {
      ticket: { ...ticket, subject: 'Printer', requester: { name: 'Kim', address: 'kim@acme.example' } },
      inbox,
      agent: { name: 'Ada' },
      text: 'Please restart it.\n\n  Then <print>.',
      commentId: 5,
      participants: [],
      messageIds: ['one@acme.example', 'c.1@desk.example', 'two@acme.example'],
      lastCustomerComment: { at: now, name: 'Kim', text: 'It burns.\n> and smokes' },
      notBefore: null,
      tools,
      ...change,
    },
    now,
  )

test('golden: an answer, its words, its quote and its headers (8.4, 8.6, 8.8, 8.14)', () => {
  const mail = answer({ participants: [{ name: 'Jo', address: 'jo@acme.example' }] })
  assert.is(
    mail.text,
    `Please restart it.

  Then <print>.

-- 
Ada
Desk Support
Number #123
Reference: ${(header(mail, 'Reply-To') as { address: string }[])[0]!.address}

On Monday, 23 November 2026 at 11:00 CET (UTC+01:00), Kim wrote:
> It burns.
>> and smokes
`,
  )
  assert.ok(mail.html!.includes('Then &lt;print&gt;.'))
  assert.ok(mail.html!.includes('It burns.<br>'))
  assert.is(mail.subject, 'Re: Printer')
  assert.equal(header(mail, 'From'), [{ name: 'Ada (Desk Support)', address: 'support@desk.example' }])
  assert.equal(header(mail, 'To'), [{ name: 'Kim', address: 'kim@acme.example' }])
  assert.equal(header(mail, 'Cc'), [{ name: 'Jo', address: 'jo@acme.example' }])
  assert.is(header(mail, 'In-Reply-To'), '<two@acme.example>')
  assert.equal(
    mail.recipients.map((one) => one.address),
    ['kim@acme.example', 'jo@acme.example'],
  )
  assert.equal(readMessageId(keys, mail.messageId), { kind: 'c', ticket: 123 })
})

test('own addresses, repetitions, mail servers and suppressed people are stripped (8.10)', () => {
  const people = [
    'KIM@acme.example',
    'support@desk.example',
    'help@desk.example',
    'support+rabc@desk.example',
    'MAILER-DAEMON@acme.example',
    'gone@acme.example',
    'not an address',
    'jo@acme.example',
    'JO@acme.example',
  ]
  const mail = answer({
    participants: people.map((address) => ({ name: '', address })),
    suppressed: ['Gone@acme.example'],
  })
  assert.equal(
    mail.recipients.map((one) => one.address),
    ['kim@acme.example', 'jo@acme.example'],
  )
  assert.throws(
    () => answer({ suppressed: ['kim@acme.example'] }),
    (error: { code: string }) => error.code === 'nobody_to_answer',
  )
})

test('a subject that is a reply already gets no second Re, and no line break ever', () => {
  const subject = (text: string) => answer({ ticket: { ...ticket, subject: text } }).subject
  assert.is(subject('RE: Printer'), 'RE: Printer')
  assert.is(subject('Regarding it'), 'Re: Regarding it')
  assert.is(subject('a\r\nBcc: x@y.example'), 'Re: a Bcc: x@y.example')
})

test('a very long quote is cut, and none is made of nothing', () => {
  const long = answer({ lastCustomerComment: { at: now, name: 'Kim', text: 'word '.repeat(20_000) } })
  assert.ok(long.text.length < 25_000)
  for (const last of [null, { at: now, name: 'Kim', text: ' \n ' }])
    assert.not.match(answer({ lastCustomerComment: last }).text, /wrote:/)
})

test.run()
