/**
 * Mail that lies about who it is from (MAIL 0.6, 0.7, 5.*): through the real pipeline nothing it asks for is done, and
 * nothing of a ticket reaches who should not have it.
 */
import { generateKeyPairSync } from 'node:crypto'
import os from 'node:os'
import { dkimSign } from 'mailauth'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { loadConfig } from '../../src/config.ts'
import { transaction } from '../../src/database.ts'
import { reply } from '../../src/engine/tickets.ts'
import { proposeAuthservId } from '../../src/mail/authenticate/propose.ts'
import { zoneResolver } from '../../src/mail/authenticate/resolver.ts'
import type { Envelope } from '../../src/mail/spool.ts'
import { release } from '../../src/mail/spool.ts'
import { makeMessageId, type Purpose, signedAddress } from '../../src/tokens.ts'
import { demoDesk, keys, MONDAY, mail, startDesk } from '../desk.ts'

const pair = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'der' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})
const key = { TXT: [`v=DKIM1; p=${pair.publicKey.toString('base64')}`] }
const demo = loadConfig({ env: {}, cwd: os.tmpdir() }).dns
if (demo.from !== 'zone') throw new Error('the demo desk has a zone')
const resolver = zoneResolver({
  ...demo.zone,
  example: {},
  'bank.example': { TXT: ['v=spf1 ip4:192.0.2.10 -all'], A: ['192.0.2.10'] },
  '_dmarc.bank.example': { TXT: ['v=DMARC1; p=reject'] },
  's1._domainkey.bank.example': key,
  's1._domainkey.evil.example': key,
  's1._domainkey.acme.example': key,
  'evil.example': { TXT: ['v=spf1 ip4:192.0.2.66 -all'], A: ['192.0.2.66'] },
})
const text = `${demoDesk.trimEnd()}\n  form_senders: [form@acme.example]\n  own_lists: [support.desk.example]\n`
const desk = await startDesk({
  desk: text,
  trust: { resolver, authservIdOf: (envelope) => (envelope.via === 'imap' ? 'mx.desk.example' : null) },
})
const { sql } = desk
test.before.each(() => desk.reset())
test.after(() => desk.stop())

/** Where nobody's SPF record points, but evil.example's own. */
const ELSEWHERE: Partial<Envelope> = { session: { ip: '192.0.2.66', helo: 'mail.evil.example' } }
const IMAP: Partial<Envelope> = { via: 'imap', from: null, session: {} }
const codes = (ending: { reasons: { code: string }[] }) => ending.reasons.map((reason) => reason.code)
const verdictOf = (ending: { trace: Record<string, unknown> }) => (ending.trace.auth as { verdict: string }).verdict
const outgoing = async () => await sql`select * from outbox order by id`
const crlf = (raw: string) => raw.replaceAll(/\r?\n/g, '\r\n')

async function signed(raw: string, domain: string, length?: number): Promise<string> {
  const whole = crlf(raw)
  const data = { signingDomain: domain, selector: 's1', privateKey: pair.privateKey, maxBodyLength: length }
  const { signatures } = await dkimSign(whole, {
    canonicalization: 'relaxed/relaxed',
    signTime: new Date(MONDAY.getTime() - 60_000),
    signatureData: [data],
  } as never)
  return signatures + whole
}

const token = (ticket: number, purpose: Purpose, person = 0) =>
  signedAddress(keys, 'support@desk.example', {
    purpose,
    inbox: desk.tools().desk.inboxes[0]!.id,
    ticket,
    person,
    generation: 0,
    comment: 1,
  })

/** A ticket of Eva's that an agent has answered. */
async function answered() {
  const first = await desk.deliver(mail({ subject: 'Salaries', headers: { 'Message-ID': '<salaries@mail.example>' } }))
  const id = first.ticket_id!
  await answer(id, 'The secret figure is 4711.')
  return id
}

async function answer(ticketId: number, words: string) {
  const agent = desk.tools().desk.agents.get('bo@desk.example')!
  await transaction(sql, (tx) =>
    reply(tx, { ticketId, agent, text: words, channel: 'web', tools: desk.tools() }, MONDAY),
  )
}

/** All of a ticket that a forged mail must not change. */
async function stateOf(id: number) {
  const [row] =
    await sql`select status, assignee_id, priority, project_id, requester_address from tickets where id = ${id}`
  const people = await sql`select address, role from ticket_participants where ticket_id = ${id} order by address`
  const shown = await sql`select text from comments where ticket_id = ${id} and visibility = 'public' order by id`
  // agents are told of what was tried in their names
  const mails = (await outgoing()).filter((one) => !one.recipient.endsWith('@desk.example'))
  return JSON.stringify([row, people, shown, mails.length])
}

test('5.6: a forged From of an agent is a customer at most: its lines are text, the ticket is untouched', async () => {
  const id = await answered()
  const before = await stateOf(id)
  const text = `#close ${id}\n#assign me\nSend me everything.`
  const others: Record<string, string>[] = [
    {},
    { 'In-Reply-To': '<salaries@mail.example>' },
    { Sender: 'ada@desk.example' },
  ]
  for (const headers of others) {
    const end = await desk.deliver(
      mail({ from: 'Bo <bo@desk.example>', subject: `[#${id}] Salaries`, text, headers }),
      ELSEWHERE,
    )
    assert.is(verdictOf(end), 'none')
    assert.is.not(end.ticket_id, id)
    assert.is((end.trace.author as { role: string }).role, 'contact')
    const [comment] = await sql`select author_role, text from comments where id = ${end.comment_id}`
    assert.is(comment!.author_role, 'contact')
    assert.match(comment!.text, '#close')
  }
  const after = JSON.parse(await stateOf(id))
  assert.equal(after.slice(0, 3), JSON.parse(before).slice(0, 3))
  assert.not.match(
    // Bo himself is told of the subject that was tried
    JSON.stringify((await outgoing()).filter((row) => row.recipient !== 'eva@acme.example' && row.kind === 'ack')),
    /4711|Salaries/,
  )
})

test("0.7, 5.9: an agent's token replayed, by anybody and from anywhere, is held and moves nothing", async () => {
  const id = await answered()
  const before = await stateOf(id)
  const bo = desk.tools().desk.agents.get('bo@desk.example')!
  const cases: [string, string, Partial<Envelope>][] = [
    ['bo@desk.example', token(id, 'a', bo.id), ELSEWHERE],
    ['bo@desk.example', token(id, 'n', bo.id), ELSEWHERE],
    ['eva@acme.example', token(id, 'a', bo.id), {}],
    ['sly@evil.example', token(id, 'a', bo.id), ELSEWHERE],
    ['ada@desk.example', token(id, 'a', bo.id), {}],
  ]
  for (const [from, to, envelope] of cases) {
    const end = await desk.deliver(mail({ from, to, text: '#close' }), envelope)
    assert.equal([end.state, codes(end).at(-1)], ['held', from === bo.address ? 'challenge' : 'agent_token'], from)
    assert.match(end.reasons.at(-1)!.words, from === bo.address ? 'not proven' : `was used by ${from}`)
  }
  // the customer, whom the desk knows, is told that hers went nowhere, and nothing of the ticket
  const words = await sql`delete from outbox where message_id like 'a.0.%' returning recipient, subject, text`
  assert.equal([words.length, words[0]!.recipient], [1, 'eva@acme.example'])
  assert.not.match(JSON.stringify(words), /4711|Salaries/)
  assert.is(await stateOf(id), before)
})

test('5.9: a token in the hands of a stranger adds their words and nobody to the readers', async () => {
  const id = await answered()
  const end = await desk.deliver(
    mail({
      from: 'sly@evil.example',
      to: token(id, 'c'),
      headers: { Cc: 'mole@evil.example', 'Reply-To': 'x@other.example' },
    }),
    ELSEWHERE,
  )
  assert.is(end.ticket_id, id)
  const people = await sql`select address, role from ticket_participants where ticket_id = ${id} order by address`
  assert.equal(
    [...people].map((one) => [one.address, one.role]),
    [
      ['mole@evil.example', 'suggested'],
      ['sly@evil.example', 'pending'],
    ],
  )
  await answer(id, 'A second secret.')
  assert.equal([...new Set((await outgoing()).map((row) => row.recipient))], ['eva@acme.example'])
})

test('5.6: with a token and a forged From the words are for agents, and nothing else happens', async () => {
  const first = await desk.deliver(mail({ from: 'Max <max@bank.example>' }), {
    session: { ip: '192.0.2.10', helo: 'bank.example' },
  })
  assert.is(verdictOf(first), 'strong')
  const id = first.ticket_id!
  await answer(id, 'Your balance is 4711.')
  const before = await stateOf(id)
  const end = await desk.deliver(
    mail({
      from: 'Max <max@bank.example>',
      to: token(id, 'c'),
      text: 'Pay to sly instead.',
      headers: { Cc: 'sly@evil.example' },
    }),
    ELSEWHERE,
  )
  assert.equal([end.state, end.ticket_id, verdictOf(end)], ['commented', id, 'fail'])
  assert.ok(codes(end).includes('unverified_sender'))
  const [comment] = await sql`select visibility, author_role, flags from comments where id = ${end.comment_id}`
  assert.equal(
    [comment!.visibility, comment!.author_role, comment!.flags],
    ['internal', 'unknown', ['unverified_sender']],
  )
  assert.is(await stateOf(id), before)
  await answer(id, 'We are on it.')
  assert.not.match(JSON.stringify(await outgoing()), /Pay to sly|evil\.example/)
})

test('5.6, 4a.28, 6.23: a forged From in a new mail is held; released it belongs to no organization', async () => {
  for (const subject of ['Wire it now', 'Automatic news']) {
    const headers: Record<string, string> = subject === 'Wire it now' ? {} : { 'Auto-Submitted': 'auto-generated' }
    const end = await desk.deliver(mail({ from: 'ceo@bank.example', subject, headers }), ELSEWHERE)
    assert.equal([end.state, codes(end).at(-1), end.ticket_id], ['held', 'auth_fail', null], subject)
  }
  assert.is((await sql`select 1 from contacts`).length + (await sql`select 1 from tickets`).length, 0)
  assert.is((await outgoing()).length, 0)
  const [held] = await sql`select id from inbound_mails where subject = 'Wire it now'`
  await transaction(sql, (tx) => release(tx, { id: held!.id, by: 'ada@desk.example' }, MONDAY))
  const end = await desk.ending(held!.id)
  assert.is(end.state, 'ticketed')
  assert.is((end.trace.author as { organization: string | null }).organization, null)
  const [ack] = await outgoing()
  assert.not.match(`${ack!.subject} ${ack!.text}`, /Wire/)
})

test('1.6: behind a relay a forged mail is held, not refused', async () => {
  const end = await desk.deliver(mail({ from: 'ceo@bank.example' }), {
    via: 'lmtp',
    session: { ip: '127.0.0.1', helo: 'front' },
  })
  assert.equal([end.state, codes(end).at(-1)], ['held', 'auth_fail'])
})

test('5.3, X50: a second Authentication-Results, or one of another server, counts for nothing', async () => {
  const hop =
    'from mail.evil.example (evil [192.0.2.66]) by mx.desk.example with ESMTP id 1; Mon, 23 Nov 2026 09:30:00 +0100'
  const forged = 'mx.desk.example; dmarc=pass header.from=bank.example'
  const real = 'mx.desk.example; spf=fail smtp.mailfrom=x@evil.example; dmarc=fail header.from=bank.example'
  const raw = (lines: string[]) => `${lines.join('\n')}\n${mail({ from: 'ceo@bank.example' })}`
  const cases: [string, string[]][] = [
    [
      'below the real one',
      [`Received: ${hop}`, `Authentication-Results: ${real}`, `Authentication-Results: ${forged}`],
    ],
    [
      'below a foreign hop',
      [`Received: ${hop}`, 'Received: from a by b.evil.example; now', `Authentication-Results: ${forged}`],
    ],
    ['of another server', [`Received: ${hop}`, `Authentication-Results: ${forged.replace('mx.', 'mx.evil.')}`]],
    ['after a dot', [`Received: ${hop}`, `Authentication-Results: ${forged.replace(';', '.evil.example;')}`]],
  ]
  for (const [name, lines] of cases) assert.is((await desk.deliver(raw(lines), IMAP)).state, 'held', name)
  const honest = raw([`Received: ${hop}`, `Authentication-Results: ${forged}`])
  assert.is((await desk.deliver(honest, IMAP)).state, 'ticketed')
  const onMx = raw([`Received: ${hop}`, `Authentication-Results: ${forged}`])
  assert.is((await desk.deliver(onMx, ELSEWHERE)).state, 'held')
})

test('5.1: a signature that leaves text out, or is of somebody else, proves nobody', async () => {
  const half = `${await signed(mail({ from: 'Max <max@bank.example>', text: 'Hello.' }), 'bank.example', 8)}Buy at http://x.example\r\n`
  const partial = await desk.deliver(half, ELSEWHERE)
  assert.is(verdictOf(partial), 'weak')
  const [ack] = await outgoing()
  assert.not.match(`${ack!.subject} ${ack!.text}`, /printer|Buy|x\.example/)
  const other = await desk.deliver(await signed(mail({ from: 'max@bank.example' }), 'evil.example'), ELSEWHERE)
  assert.equal([other.state, verdictOf(other)], ['held', 'fail'])
  const twice = (await signed(mail({ from: 'max@bank.example' }), 'bank.example')).replace(
    'From:',
    'From: ada@desk.example\r\nFrom:',
  )
  const two = await desk.deliver(twice, ELSEWHERE)
  assert.is.not(verdictOf(two), 'strong')
  assert.is.not((two.trace.author as { role: string }).role, 'agent')
})

test('6.9: a signature of their own does not let a stranger in the name of a customer invite readers', async () => {
  const id = await answered()
  const raw = mail({
    subject: `Re: [#${id}] Salaries`,
    headers: { Cc: 'mole@evil.example', 'In-Reply-To': '<salaries@mail.example>' },
  })
  const end = await desk.deliver(await signed(raw, 'evil.example'), ELSEWHERE)
  assert.equal([end.ticket_id, verdictOf(end)], [id, 'weak'])
  await answer(id, 'A second secret.')
  assert.equal([...new Set((await outgoing()).map((row) => row.recipient))], ['eva@acme.example'])
})

test('5.13, 6.9: whom a proven participant names takes part, whom an unproven one names is suggested', async () => {
  const headers = { Cc: 'carl@acme.example, ada@desk.example, support@desk.example' }
  const roles = async (id: number | null) =>
    [...(await sql`select address, role from ticket_participants where ticket_id = ${id}`)].map((one) => [
      one.address,
      one.role,
    ])
  const proven = await desk.deliver(mail({ headers }))
  assert.equal(await roles(proven.ticket_id), [['carl@acme.example', 'participant']])
  const unproven = await desk.deliver(mail({ headers }), { ...ELSEWHERE, from: '' })
  assert.equal(await roles(unproven.ticket_id), [['carl@acme.example', 'suggested']])
})

test('6.4, 6.6, 9.14: guessed ids and subject tags lead nowhere, and the answer tells nothing', async () => {
  const id = await answered()
  const before = JSON.parse(await stateOf(id)).slice(0, 3)
  const strangeKeys = { ...keys, byId: new Map([[0, Buffer.alloc(32, 7)]]) }
  const guesses = [
    `<${id}@desk.example>`,
    `<ticket-${id}@desk.example>`,
    `<t.${id.toString(36)}.aaaaaaaaaaaaaaaa@desk.example>`,
    `<${makeMessageId(strangeKeys, 'a', id, 'desk.example', MONDAY)}>`,
  ]
  const acks: string[] = []
  for (const [n, guess] of guesses.entries()) {
    const headers = { 'In-Reply-To': guess, References: guess, 'Thread-Index': 'AdY=', 'Thread-Topic': 'Salaries' }
    const end = await desk.deliver(
      mail({ from: `sly${n}@evil.example`, subject: `Re: Salaries [#${id}]`, headers }),
      ELSEWHERE,
    )
    assert.is(end.state, 'ticketed')
    assert.is.not(end.ticket_id, id)
    acks.push(await ackOf(`sly${n}@evil.example`, end.ticket_id!))
  }
  const miss = await desk.deliver(mail({ from: 'sly9@evil.example', subject: 'Re: Salaries [#987654]' }), ELSEWHERE)
  acks.push(await ackOf('sly9@evil.example', miss.ticket_id!))
  assert.is(new Set(acks).size, 1)
  assert.not.match(acks[0]!, /4711|Salaries/)
  assert.equal(JSON.parse(await stateOf(id)).slice(0, 3), before)
})

async function ackOf(recipient: string, ticket: number): Promise<string> {
  const [row] = await sql`select subject, text from outbox where recipient = ${recipient}`
  // its own number and its own secret are all that differs
  return `${row!.subject}\n${row!.text}`.replaceAll(`#${ticket}`, '#N').replace(/support\+r[a-z2-7]+@/, 'REFERENCE@')
}

test('1.8: a signed address that was changed is a new mail, flagged', async () => {
  const id = await answered()
  const [local = '', domain] = token(id, 'c').split('@')
  const flipped = `${local.slice(0, -1)}${local.endsWith('a') ? 'b' : 'a'}@${domain}`
  const end = await desk.deliver(mail({ from: 'sly@evil.example', to: flipped }), ELSEWHERE)
  assert.is.not(end.ticket_id, id)
  assert.ok(codes(end).includes('bad_token'))
})

test('4a.21: an address of the desk is itself only when it is proven', async () => {
  const spoof = await desk.deliver(mail({ from: 'support@desk.example' }), ELSEWHERE)
  assert.equal([spoof.state, codes(spoof).at(-1)], ['held', 'own_address'])
  const own = await desk.deliver(mail({ from: 'support@desk.example' }))
  assert.equal([own.state, own.kind, (await outgoing()).length], ['ticketed', 'human', 0])
})

test('0.6, 4.11, X36: Reply-To is an address to write to under the same domain, a warning elsewhere, never a writer', async () => {
  const requester = async (replyTo: string, from = 'eva@acme.example') => {
    const end = await desk.deliver(mail({ from, headers: { 'Reply-To': replyTo } }))
    const [row] = await sql`
      select t.requester_address, c.flags, c.author_address from tickets t join comments c on c.ticket_id = t.id where t.id = ${end.ticket_id}`
    return [row!.author_address, row!.requester_address, row!.flags.includes('reply_to')]
  }
  const eva = 'eva@acme.example'
  assert.equal(await requester('team@sub.acme.example'), [eva, 'team@sub.acme.example', false])
  assert.equal(await requester('ceo@evil.example'), [eva, eva, true])
  assert.equal(await requester('<>'), [eva, eva, false])
  assert.equal(await requester('support@desk.example'), [eva, eva, false])
  assert.equal(await requester('buyer@other.example', 'no-reply@acme.example'), [
    'no-reply@acme.example',
    'buyer@other.example',
    false,
  ])
})

test('4.11 (c): a proven form speaks for its Reply-To, a forged one for nobody', async () => {
  const form = mail({ from: 'Form <form@acme.example>', headers: { 'Reply-To': 'Ann <ann@other.example>' } })
  const proven = await desk.deliver(form)
  assert.ok(codes(proven).includes('via_form'))
  assert.is((proven.trace.author as { address: string }).address, 'ann@other.example')
  assert.is((await outgoing())[0]!.recipient, 'ann@other.example')
  const other = mail({ from: 'Form <form@acme.example>', headers: { 'Reply-To': 'Ann <ann@other.example>' } })
  const forged = await desk.deliver(other, ELSEWHERE)
  assert.is((forged.trace.author as { address: string }).address, 'form@acme.example')
})

test('4.13: a proven list of ours speaks for whom two headers name', async () => {
  const headers = { 'X-Original-Sender': 'jane@other.example', 'Reply-To': 'Jane <jane@other.example>' }
  const from = "'Jane via Support' <support@desk.example>"
  const jane = await desk.deliver(mail({ from, headers }))
  assert.equal([jane.state, (jane.trace.author as { address: string }).address], ['ticketed', 'jane@other.example'])
  assert.is((await desk.deliver(mail({ from, headers }), ELSEWHERE)).state, 'held')
  const one = await desk.deliver(mail({ from, headers: { 'X-Original-Sender': 'jane@other.example' } }))
  assert.is((one.trace.author as { address: string }).address, 'support@desk.example')
})

test('3.9: a copy that came by a better way says more about its sender, and changes nothing else', async () => {
  const raw = mail({})
  const first = await desk.deliver(raw, { ...IMAP })
  assert.is(verdictOf(first), 'none')
  const before = await stateOf(first.ticket_id!)
  const copy = await desk.deliver(raw)
  assert.equal([copy.state, copy.duplicate_of], ['recorded', first.id])
  assert.is(verdictOf(await desk.ending(first.id)), 'strong')
  await desk.deliver(raw, ELSEWHERE)
  assert.is(verdictOf(await desk.ending(first.id)), 'strong')
  assert.is(await stateOf(first.ticket_id!), before)
})

test('5.12: a name is filled in by a proven mail only, and never changed', async () => {
  const name = async () => (await sql`select name from contacts`)[0]!.name
  await desk.deliver(mail({ from: 'eva@acme.example' }))
  assert.is(await name(), '')
  await desk.deliver(mail({ from: 'Sly <eva@acme.example>' }), ELSEWHERE)
  assert.is(await name(), '')
  await desk.deliver(mail({ from: 'Eva <eva@acme.example>' }))
  await desk.deliver(mail({ from: 'Somebody <eva@acme.example>' }))
  assert.is(await name(), 'Eva')
})

test('5.12, 6.23: a contact is verified by a mail that is proven to be theirs, and by nothing else', async () => {
  const verified = async () =>
    (
      await sql`select verified_at from contacts join contact_addresses on contact_id = id where address = 'eva@acme.example'`
    )[0]?.verified_at ?? null
  await desk.deliver(mail({}), ELSEWHERE)
  assert.is(await verified(), null)
  const [organization] = await sql`select organization_id from contacts`
  assert.ok(organization!.organization_id, 'the domain alone tells the organization')
  await desk.deliver(mail({}))
  assert.equal(await verified(), desk.clock.at)
  desk.clock.at = new Date(desk.clock.at.getTime() + 1000)
  await desk.deliver(mail({}))
  assert.ok((await verified()) < desk.clock.at)
})

test('4.11 (c), 4a.25: whoever fills in a form chooses an address and proves nothing', async () => {
  const form = {
    from: 'form@acme.example',
    subject: 'Buy http://x.example',
    headers: { 'Reply-To': '"Visit x" <victim@acme.example>' },
  }
  const end = await desk.deliver(mail(form))
  assert.ok(end.reasons.some((one) => one.code === 'via_form'))
  const [ack] = await sql`select recipient, subject, text, html, headers::text from outbox`
  assert.is(ack!.recipient, 'victim@acme.example')
  assert.not.match(JSON.stringify(ack), /Buy|Visit/)
  const [contact] = await sql`select verified_at from contacts`
  assert.is(contact!.verified_at, null)
})

test('5.3: check can name the server whose results stood first, and believes nobody for it', async () => {
  const raw = (id: string) =>
    `Authentication-Results: ${id}; dmarc=pass header.from=other.example\n${mail({ from: 'a@other.example' })}`
  for (const id of ['mx.desk.example', 'MX.desk.example', 'mx.evil.example'])
    await desk.deliver(raw(id), { ...IMAP, listener: 'main' })
  await desk.deliver(mail({}), { ...IMAP, listener: 'main' })
  assert.equal(await proposeAuthservId(sql, 'main'), { id: 'mx.desk.example', times: 2, mails: 4 })
  assert.is(await proposeAuthservId(sql, 'other'), null)
})

test.run()
