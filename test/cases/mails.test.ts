/**
 * The regressions of MAIL 11 about copies, odd mails and forwards, each by its id: through the real parser and pipeline,
 * so that what is asked is what became of the mail. What parsing alone answers for is in test/mail/parse.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { loadConfig } from '../../src/config.ts'
import { transaction } from '../../src/database.ts'
import { reply } from '../../src/engine/tickets.ts'
import { silent } from '../../src/log.ts'
import { startTrust } from '../../src/mail/authenticate/trust.ts'
import { compose } from '../../src/mail/compose.ts'
import { explainMail } from '../../src/mail/explain.ts'
import { startParser } from '../../src/mail/parse.ts'
import type { Envelope } from '../../src/mail/spool.ts'
import { explained } from '../../src/main/explain/object.ts'
import { HOUR, MINUTE } from '../../src/time.ts'
import { demoDesk, envelopeOf, MONDAY, mail, startDesk } from '../desk.ts'

/** The demo desk with a second inbox, which has a project of its own. */
const text = demoDesk
  .replace(
    '\nagents:',
    '  - {key: billing, address: billing@desk.example, name: Desk Billing, project: billing, locale: en, zone: Europe/Berlin}\n\nagents:',
  )
  .replace('projects:\n', 'projects:\n  - {key: billing, team: support}\n')
const desk = await startDesk({ desk: text })
const { sql } = desk
const temp = mkdtempSync(path.join(os.tmpdir(), 'postroom-cases-'))
const parser = await startParser({ temp, log: silent, children: 1 })
const trust = startTrust(loadConfig({ env: {}, cwd: os.tmpdir() }), () => MONDAY)
test.before.each(() => desk.reset())
test.after(async () => {
  await parser.stop()
  await desk.stop()
  rmSync(temp, { recursive: true, force: true })
})

const BILLING: Partial<Envelope> = { recipients: [{ address: 'billing@desk.example', inbox: 'billing', tag: null }] }
const BOTH: Partial<Envelope> = {
  recipients: [
    { address: 'support@desk.example', inbox: 'support', tag: null },
    { address: 'billing@desk.example', inbox: 'billing', tag: null },
  ],
}
const codes = (ending: { reasons: { code: string }[] }) => ending.reasons.map((reason) => reason.code)
const fixture = (name: string) => readFileSync(path.join(import.meta.dirname, '../../fixtures/mails', `${name}.eml`))
const outgoing = (kind: string) => sql`select * from outbox where kind = ${kind} order by id`
const ticketOf = async (id: number | null) =>
  (
    await sql`select t.*, p.key as project, i.key as inbox from tickets t join projects p on p.id = t.project_id
              join inboxes i on i.id = t.inbox_id where t.id = ${id}`
  )[0]!
const visibleOf = async (comment: number | null) =>
  (await sql`select visible from comments where id = ${comment}`)[0]!.visible as string
const count = async (table: 'tickets' | 'comments' | 'contacts') => (await sql`select from ${sql(table)}`).length
const answer = (ticketId: number) => {
  const agent = desk.tools().desk.agents.get('bo@desk.example')!
  const input = { ticketId, agent, text: 'We look into it.', channel: 'web' as const, tools: desk.tools() }
  return transaction(sql, (tx) => reply(tx, input, desk.clock.at))
}

async function explain(bytes: Buffer) {
  const envelope = envelopeOf('ada@desk.example', { receivedAt: desk.clock.at })
  const subject = {
    judged: { id: 0, envelope, releasedAt: null, ticketId: null },
    open: () => Readable.from([bytes]),
  }
  return explained('x', await explainMail({ sql, parser, tools: desk.tools(), trust }, subject, desk.clock.at))
}

// --- copies ---

test('X16: a Message-ID with two at signs, and none at all: a ticket each, acknowledged without naming a broken id', async () => {
  const odd = await desk.deliver(mail({ text: 'odd', headers: { 'Message-ID': '<a@@b>' } }))
  const none = await desk.deliver(mail({ text: 'none', headers: { 'Message-ID': null } }))
  assert.equal([odd.state, none.state], ['ticketed', 'ticketed'])
  assert.is.not(odd.ticket_id, none.ticket_id)
  const acks = await outgoing('ack')
  assert.is(acks.length, 2)
  for (const ack of acks) assert.not.match(JSON.stringify(ack.headers), '@@')
})

test('X19: To support and Cc billing, both ours: one ticket in the first, one acknowledgement, by one delivery or two', async () => {
  const raw = mail({ headers: { Cc: 'Billing <billing@desk.example>' } })
  const first = await desk.deliver(raw, BOTH)
  assert.is(first.state, 'ticketed')
  const copies = [await desk.deliver(raw, BILLING), await desk.deliver(raw, { ...BILLING, via: 'imap', session: {} })]
  for (const copy of copies) assert.equal([copy.state, copy.ticket_id], ['recorded', first.ticket_id])
  assert.is(await count('tickets'), 1)
  assert.is(await count('comments'), 1)
  assert.is((await outgoing('ack')).length, 1)
  assert.is((await ticketOf(first.ticket_id)).inbox, 'support')
  // none of our addresses takes part in it
  assert.is((await sql`select from ticket_participants`).length, 0)
})

test('X19: the first of our addresses in To decides, not the first of the envelope', async () => {
  const raw = mail({ to: 'billing@desk.example', headers: { Cc: 'support@desk.example' } })
  const end = await desk.deliver(raw, BOTH)
  assert.is((await ticketOf(end.ticket_id)).inbox, 'billing')
})

test('X20: an agent answers a mail that had another of our inboxes in Cc: it goes to the customer alone, and its copy is ours', async () => {
  const first = await desk.deliver(mail({ headers: { Cc: 'billing@desk.example' } }), BOTH)
  await answer(first.ticket_id!)
  const sent = await outgoing('reply')
  assert.equal(
    sent.map((row) => row.recipient),
    ['eva@acme.example'],
  )
  const named = (sent[0]!.headers as [string, unknown][]).filter(([name]) => name === 'To' || name === 'Cc')
  assert.not.match(JSON.stringify(named), 'billing@desk.example')
  // somebody's alias brings it to the other inbox all the same
  const parts: Buffer[] = []
  for await (const part of compose(sent[0] as never, [])) parts.push(part)
  const before = await count('comments')
  const copy = await desk.deliver(Buffer.concat(parts), BILLING)
  assert.equal([copy.kind, copy.state], ['own', 'recorded'])
  assert.is(await count('comments'), before)
  assert.is(await count('tickets'), 1)
  assert.is((await outgoing('ack')).length, 1)
})

test('X21: many mails with empty Message-ID and In-Reply-To are tickets of their own', async () => {
  const headers = { 'Message-ID': '<>', 'In-Reply-To': '<>', References: '<@>' }
  const ends = []
  for (let n = 0; n < 4; n++)
    ends.push(await desk.deliver(mail({ subject: 'Hello', text: `This is matter ${n}.`, headers })))
  assert.equal(
    ends.map((end) => end.state),
    ['ticketed', 'ticketed', 'ticketed', 'ticketed'],
  )
  assert.is(new Set(ends.map((end) => end.ticket_id)).size, 4)
})

test('X22: a mail without Message-ID that is polled three times is one ticket; two bodies in one second are two', async () => {
  const raw = mail({ text: 'The scanner says hello.', headers: { 'Message-ID': null } })
  const first = await desk.deliver(raw)
  for (let poll = 2; poll <= 3; poll++) {
    desk.clock.at = new Date(desk.clock.at.getTime() + 3 * HOUR)
    const again = await desk.deliver(raw)
    assert.equal([again.state, again.duplicate_of], ['recorded', first.id])
  }
  const other = await desk.deliver(raw.replace('says hello', 'says goodbye'))
  assert.is(other.state, 'ticketed')
  assert.is.not(other.ticket_id, first.ticket_id)
  assert.is(await count('tickets'), 2)
})

test('X24: an agent writes from one of our inboxes to another: a ticket there, and nobody is acknowledged', async () => {
  const raw = mail({ from: 'Desk Support <support@desk.example>', to: 'billing@desk.example', subject: 'Refund Eva' })
  const end = await desk.deliver(raw, BILLING)
  assert.equal([end.state, end.kind], ['ticketed', 'human'])
  const ticket = await ticketOf(end.ticket_id)
  assert.equal([ticket.inbox, ticket.project, ticket.subject], ['billing', 'billing', 'Refund Eva'])
  assert.ok(ticket.next_due_at, 'it is waited for like any other')
  const again = await desk.deliver(raw, BILLING)
  assert.is(again.state, 'recorded')
  assert.is((await sql`select from outbox`).length, 0)
  assert.is(await count('contacts'), 0)
})

test('X25: a form that writes from the inbox to the inbox: one ticket, no acknowledgement, also for its copy', async () => {
  const raw = mail({ from: 'support@desk.example', to: 'support@desk.example', subject: 'Contact form' })
  const end = await desk.deliver(raw)
  assert.is(end.state, 'ticketed')
  assert.is((await desk.deliver(raw)).state, 'recorded')
  assert.is(await count('tickets'), 1)
  assert.is((await sql`select from outbox`).length, 0)
  assert.is(await count('contacts'), 0)
})

// --- odd mails ---

test('X28: raw 8-bit bytes in Cc and From: a ticket of the one, and the other takes part', async () => {
  const raw = mail({ headers: { From: 'Jörg Größe <joerg@acme.example>', Cc: 'André <andre@acme.example>' } })
  const end = await desk.deliver(Buffer.from(raw.replaceAll('\n', '\r\n'), 'latin1'))
  assert.is(end.state, 'ticketed')
  const [ticket] = await sql`select requester_name, requester_address from tickets`
  assert.equal({ ...ticket }, { requester_name: 'Jörg Größe', requester_address: 'joerg@acme.example' })
  const [person] = await sql`select name, address from ticket_participants`
  assert.equal({ ...person }, { name: 'André', address: 'andre@acme.example' })
})

test('X29: From within an encoded-word is whose ticket it is, unproven; without From there is a ticket of nobody', async () => {
  const encoded = `=?utf-8?B?${Buffer.from('Jörg <joerg@acme.example>').toString('base64')}?=`
  const end = await desk.deliver(mail({ headers: { From: encoded } }), { from: 'joerg@acme.example' })
  assert.is(end.state, 'ticketed')
  assert.is((await ticketOf(end.ticket_id)).requester_address, 'joerg@acme.example')
  assert.ok(['none', 'fail'].includes((end.trace.auth as { verdict: string }).verdict))
  const nobody = await desk.deliver(mail({ headers: { From: null } }), { from: 'path@acme.example' })
  assert.is(nobody.state, 'ticketed')
  assert.ok(codes(nobody).includes('unknown_sender'))
  assert.is((await ticketOf(nobody.ticket_id)).requester_address, null)
})

test('X33: a million parts, ten thousand levels, a mail that is only a header: tickets in between, flagged where cut', async () => {
  const head = (subject: string, type: string) =>
    mail({ subject, text: '', headers: { 'Content-Type': type } }).trimEnd()
  const deep = Array.from(
    { length: 10_000 },
    (_, n) => `--b${n}\r\nContent-Type: multipart/mixed; boundary=b${n + 1}\r\n\r\n`,
  )
  const mails: [string, string][] = [
    [`${head('Parts', 'multipart/mixed; boundary=b')}\n\n${'--b\n\n'.repeat(1_000_000)}`, 'parts'],
    [`${head('Deep', 'multipart/mixed; boundary=b0')}\n\n${deep.join('')}`, 'depth'],
    [`${head('Header', 'message/rfc822')}\n\nSubject: inner`, ''],
  ]
  for (const [raw, cut] of mails) {
    const end = await desk.deliver(raw)
    assert.is(end.state, 'ticketed')
    const [comment] = await sql`select flags from comments where id = ${end.comment_id}`
    assert.is(
      (comment!.flags as string[]).some((flag) => flag.includes('truncated')),
      cut !== '',
      `${cut}: ${comment!.flags}`,
    )
  }
})

test('X34: 2 000 links, 40 000 nested elements and 5 MB of blanks are shown, each within its ticket', async () => {
  const html = (body: string) =>
    mail({ headers: { 'Content-Type': 'text/html; charset=utf-8' }, text: `<p>before</p>${body}<p>after</p>` })
  const links = await desk.deliver(html('<a href="https://a.example/x">link</a> '.repeat(2000)))
  const [shown] = await sql`select html, text from comments where id = ${links.comment_id}`
  assert.is(shown!.html.split('<a ').length - 1, 2000)
  const nested = await desk.deliver(html(`${'<div>'.repeat(40_000)}deep${'</div>'.repeat(40_000)}`))
  const blanks = await desk.deliver(html(' '.repeat(5e6)))
  for (const end of [nested, blanks]) {
    assert.is(end.state, 'ticketed')
    assert.match(await visibleOf(end.comment_id), 'before')
  }
})

test('X35: attachments of broken types stay with their ticket, and a number in them leads nowhere', async () => {
  const first = await desk.deliver(mail({ subject: 'Door' }))
  const inner = `Subject: Re: [#${first.ticket_id}] Door\nFrom: eva@acme.example\n\n[#${first.ticket_id}]`
  const end = await desk.deliver(
    mail({
      subject: 'Window',
      headers: { 'Content-Type': 'multipart/mixed; boundary=b' },
      text: [
        '--b\nContent-Type: text/plain\n\nSee the files.',
        `--b\nContent-Type: text/plain; charset="\u00ff=?; name==?utf-8?Q?[=23${first.ticket_id}]?=\nContent-Disposition: attachment; filename="[#${first.ticket_id}].txt"\n\n[#${first.ticket_id}]`,
        `--b\nContent-Type: /;;=\nContent-Disposition: attachment; filename=odd\n\n[#${first.ticket_id}]`,
        `--b\nContent-Type: message/rfc822\n\n${inner}`,
        '--b--',
      ].join('\n'),
    }),
  )
  assert.is(end.state, 'ticketed')
  assert.is.not(end.ticket_id, first.ticket_id)
  const files = await sql`select filename from attachments where ticket_id = ${end.ticket_id} order by id`
  assert.is(files.length, 3)
  assert.equal(files[1]!.filename, 'odd')
})

test('X36: an empty Reply-To, and one of another house: whoever From names is the requester, and is written to', async () => {
  for (const replyTo of ['<>', 'Your bank <ceo@victim.example>']) {
    await desk.reset()
    const end = await desk.deliver(mail({ headers: { 'Reply-To': replyTo } }))
    const ticket = await ticketOf(end.ticket_id)
    assert.is(ticket.requester_address, 'eva@acme.example', replyTo)
    await answer(end.ticket_id!)
    const sent = await sql`select distinct recipient from outbox`
    assert.equal(
      sent.map((row) => row.recipient),
      ['eva@acme.example'],
    )
  }
})

// --- automatic mail ---

test('X46: an acknowledgement of another desk to ours is not acknowledged, whatever it says of itself', async () => {
  await desk.deliver(mail({ from: 'helpdesk@other.example' }))
  const [ack] = await outgoing('ack')
  await sql`update outbox set state = 'sent', settled_at = ${desk.clock.at}`
  desk.clock.at = new Date(desk.clock.at.getTime() + MINUTE)
  for (const headers of [{ 'Auto-Submitted': 'auto-replied' }, {}] as Record<string, string>[]) {
    const end = await desk.deliver(
      mail({
        from: 'helpdesk@other.example',
        subject: `Re: ${ack!.subject} [Case 17]`,
        headers: { ...headers, 'In-Reply-To': `<${ack!.message_id}>` },
      }),
    )
    assert.is(end.state, 'commented')
  }
  assert.is((await outgoing('ack')).length, 1)
})

// --- forwards ---

test('X56: an agent forwards by Gmail, Outlook and Apple: the original sender is who the block names, nobody of the body', async () => {
  for (const [name, address] of [
    ['forward/gmail', 'ines.roth@shop.example'],
    ['forward/outlook', 'ines.roth@shop.example'],
    ['forward/outlook-html-css', 'ines.roth@shop.example'],
    ['forward/apple', 'ines.roth@shop.example'],
  ]) {
    const found = await explain(fixture(name!))
    assert.is(found.forwarded?.from?.address, address, name)
    assert.match(found.forwarded!.subject, 'Till')
    // 7.13: theirs is the ticket, and nothing proves them
    assert.equal([found.author.address, found.author.role], [address, 'contact'])
    assert.ok(found.plan.some((step) => step.action === 'on_behalf'))
  }
  const crowded = mail({
    from: 'Ada <ada@desk.example>',
    subject: 'Fwd: Till',
    text: [
      'Ask spammer@evil.example or <other@evil.example>.',
      '',
      '---------- Forwarded message ---------',
      'From: Ines Roth <ines.roth@shop.example>',
      'Date: Wed, Sep 23, 2026 at 9:00 AM',
      'Subject: Till',
      'To: third@evil.example',
      '',
      'From: fourth@evil.example',
      'Write to m@4@5l or fifth@evil.example.',
    ].join('\n'),
  })
  const found = await explain(Buffer.from(crowded.replaceAll('\n', '\r\n')))
  assert.equal(found.forwarded?.from, { name: 'Ines Roth', address: 'ines.roth@shop.example' })
})

test('X56: whose block names nobody, or two, is forwarded from nobody', async () => {
  for (const name of ['forward/no-address', 'forward/two-addresses'])
    assert.is((await explain(fixture(name))).forwarded?.from ?? null, null, name)
})

// --- reply extraction ---

test('X57: answers inside the quotation and below it are visible', async () => {
  const inside = await desk.deliver(fixture('reply/inline-answers'))
  const { reply: expected } = JSON.parse(
    readFileSync(path.join(import.meta.dirname, '../../fixtures/mails/reply/inline-answers.json'), 'utf8'),
  ) as { reply: { visible: string } }
  assert.is((await visibleOf(inside.comment_id)).trim(), expected.visible.trim())
  const below =
    'On Mon, 23 Nov 2026 at 09:00, Bo <support@desk.example> wrote:\n> Is it on?\n> Bo\n\nYes, and it blinks.'
  const end = await desk.deliver(mail({ text: below }))
  assert.match(await visibleOf(end.comment_id), 'Yes, and it blinks.')
  const only = 'On Mon, 23 Nov 2026 at 09:00, Bo <support@desk.example> wrote:\n> Is it on? -- Yes it is!\n> Bo'
  const within = await desk.deliver(mail({ text: only }))
  assert.match(await visibleOf(within.comment_id), 'Yes it is!')
})

test('X57: an answer under the marker, quoted by the client that sent it, is visible', async () => {
  const end = await desk.deliver(fixture('reply/under-marker'))
  assert.match(await visibleOf(end.comment_id), 'hall 2')
})

test('X57: Proton before its html, Yahoo and Outlook above their blocks, also above our marker: the quotation is folded', async () => {
  for (const client of [
    'client-proton-before-html',
    'client-yahoo',
    'client-yahoo-plain-class',
    'client-yahoo-android',
    'client-outlook-no-block',
    'outlook-block-above-marker',
  ]) {
    const end = await desk.deliver(fixture(`reply/${client}`))
    assert.is((await visibleOf(end.comment_id)).trim(), 'Works now.', client)
  }
})

test('X57: text before the first document of a part, and a second document in it, are visible', async () => {
  const before = await desk.deliver(fixture('reply/text-before-html'))
  assert.is((await visibleOf(before.comment_id)).trim(), 'It works in hall 2.')
  const two = await desk.deliver(fixture('reply/two-html-documents'))
  assert.match(await visibleOf(two.comment_id), /^It works in hall 2\.\s+It does not in hall 3\.$/)
})

test.run()
