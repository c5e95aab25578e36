/**
 * Mail that would pass for an agent's (MAIL 0.6, 0.7, 5.*, COMMANDS E5): through the real pipeline none of it executes
 * anything, none of it reaches a customer, and each stays visible with its reason.
 */
import { generateKeyPairSync } from 'node:crypto'
import os from 'node:os'
import { dkimSign } from 'mailauth'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { loadConfig } from '../../../src/config.ts'
import { zoneResolver } from '../../../src/mail/authenticate/resolver.ts'
import type { Envelope } from '../../../src/mail/spool.ts'
import { agentRootId, makeMessageId, rootId } from '../../../src/tokens.ts'
import { keys, MONDAY, mail, startDesk } from '../../desk.ts'
import { ADA, BO, ELSEWHERE, EVA, ground } from './ground.ts'

const pair = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'der' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})
const key = { TXT: [`v=DKIM1; p=${pair.publicKey.toString('base64')}`] }
const { dns } = loadConfig({ env: {}, cwd: os.tmpdir() })
if (dns.from !== 'zone') throw new Error('the demo desk has a zone')
const resolver = zoneResolver({
  ...dns.zone,
  example: {},
  's1._domainkey.desk.example': key,
  's1._domainkey.evil.example': key,
  'evil.example': { TXT: ['v=spf1 ip4:192.0.2.66 -all'], A: ['192.0.2.66'] },
  '_dmarc.evil.example': { TXT: ['v=DMARC1; p=none'] },
})
const desk = await startDesk({
  trust: { resolver, authservIdOf: (envelope) => (envelope.via === 'imap' ? 'mx.desk.example' : null) },
})
const { sql } = desk
const { address, agent, comments, outgoing, ticket } = ground(desk)
test.before.each(() => desk.reset())
test.after(() => desk.stop())

const EVIL = 'sly@evil.example'
const COMMANDS = '#close\n#assign me\n#prio urgent\n\nGive them the password: hunter2.'
const IMAP: Partial<Envelope> = { via: 'imap', from: null, session: {} }
const crlf = (raw: string) => raw.replaceAll(/\r?\n/g, '\r\n')

async function signed(raw: string, domain: string, change: { length?: number; at?: Date } = {}): Promise<string> {
  const whole = crlf(raw)
  const data = { signingDomain: domain, selector: 's1', privateKey: pair.privateKey, maxBodyLength: change.length }
  const { signatures } = await dkimSign(whole, {
    canonicalization: 'relaxed/relaxed',
    signTime: change.at ?? new Date(MONDAY.getTime() - 60_000),
    signatureData: [data],
  } as never)
  return signatures + whole
}

/** What a mail program makes of a notification that is answered: its id, and the root of agents' mails. */
const passedOn = (id: number) => ({
  'In-Reply-To': `<${makeMessageId(keys, 'n', id, 'desk.example', MONDAY)}>`,
  References: `<${agentRootId(keys, id, 'desk.example')}> <${makeMessageId(keys, 'n', id, 'desk.example', MONDAY)}>`,
})

type To = { id: number; a: string; n: string }
type Forged = { raw: string | Buffer; envelope?: Partial<Envelope> }
type Make = (to: To) => Forged | Promise<Forged>
/** `code` is among the reasons. */
type Case = [name: string, make: Make, state: string, code: string]

const bo = (to: string, text = COMMANDS, headers: Record<string, string | null> = {}) =>
  mail({ from: `Bo <${BO}>`, to, subject: 'Re: The printer is on fire', text, headers })
const elsewhere = (raw: string): Forged => ({ raw, envelope: ELSEWHERE })
const results = (value: string) => ({ 'Authentication-Results': value })
const html = (body: string) => ({
  'Content-Type': 'text/html; charset=utf-8',
  body,
})
const htmlFrom = (from: string, to: string, body: string) =>
  mail({
    from,
    to,
    subject: 'Re: Fire',
    text: html(body).body,
    headers: { 'Content-Type': 'text/html; charset=utf-8' },
  })

const cases: Case[] = [
  // --- a valid address of theirs, and no proof
  ['no SPF, no DKIM, purpose a', ({ a }) => elsewhere(bo(a)), 'held', 'challenge'],
  ['no SPF, no DKIM, purpose n', ({ n }) => elsewhere(bo(n)), 'held', 'challenge'],
  ['a plain answer without commands', ({ a }) => elsewhere(bo(a, 'The password is hunter2.')), 'held', 'challenge'],
  ['both addresses', ({ a, n }) => elsewhere(bo(`${a}, ${n}`)), 'held', 'challenge'],
  ['the address in upper case', ({ a }) => elsewhere(bo(a.toUpperCase())), 'held', 'challenge'],
  ['SPF of another domain', ({ a }) => ({ raw: bo(a), envelope: { ...ELSEWHERE, from: EVIL } }), 'held', 'challenge'],
  ['DKIM of another domain', async ({ a }) => elsewhere(await signed(bo(a), 'evil.example')), 'held', 'challenge'],
  [
    'their DKIM, the body changed behind it',
    async ({ a }) => elsewhere((await signed(bo(a, 'Hello.'), 'desk.example')).replace('Hello.', COMMANDS)),
    'held',
    'challenge',
  ],
  [
    'their DKIM, with l= and words below',
    async ({ a }) => {
      const short = await signed(bo(a, 'Hello.'), 'desk.example', { length: 8 })
      return elsewhere(`${short}\r\nThe password is hunter2.\r\n`)
    },
    'held',
    'challenge',
  ],
  [
    'their DKIM, and a second From above',
    async ({ a }) => elsewhere(`From: ${EVIL}\r\n${await signed(bo(a), 'desk.example')}`),
    'held',
    'agent_token',
  ],
  ['two From headers', ({ a }) => ({ raw: `From: ${ADA}\n${bo(a)}` }), 'held', 'agent_token'],
  [
    'two addresses in From',
    ({ a }) => ({ raw: mail({ from: `${BO}, ${EVIL}`, to: a, text: COMMANDS }) }),
    'held',
    'challenge',
  ],
  [
    'a From inside an encoded word',
    ({ a }) => ({
      raw: mail({ from: '=?utf-8?q?Bo_<bo=40desk=2eexample>?=', to: a, text: COMMANDS }),
      envelope: { from: BO },
    }),
    'held',
    '',
  ],
  [
    'their name in front of another address',
    ({ a }) => ({ raw: mail({ from: `"${BO}" <${EVA}>`, to: a, text: COMMANDS }) }),
    'held',
    'agent_token',
  ],
  [
    'Sender is theirs',
    ({ a }) => ({ raw: mail({ from: EVA, to: a, text: COMMANDS, headers: { Sender: BO } }) }),
    'held',
    'agent_token',
  ],
  [
    'Reply-To is theirs',
    ({ a }) => ({ raw: mail({ from: EVA, to: a, text: COMMANDS, headers: { 'Reply-To': BO } }) }),
    'held',
    'agent_token',
  ],
  [
    'no From, Sender is theirs',
    ({ a }) => ({ raw: mail({ to: a, text: COMMANDS, headers: { From: null, Sender: BO } }), envelope: { from: BO } }),
    'held',
    'challenge',
  ],
  [
    'an envelope in their name alone',
    ({ a }) => ({ raw: mail({ from: EVA, to: a, text: COMMANDS }), envelope: { from: BO } }),
    'held',
    'agent_token',
  ],
  // --- Authentication-Results games
  [
    'their own results, over SMTP',
    ({ a }) => elsewhere(bo(a, COMMANDS, results('mx.desk.example; dmarc=pass header.from=desk.example'))),
    'held',
    'challenge',
  ],
  [
    'their own results below the real ones, over IMAP',
    ({ a }) => ({
      raw: `Authentication-Results: mx.desk.example; dmarc=fail header.from=desk.example\n${bo(a, COMMANDS, results('mx.desk.example; dmarc=pass header.from=desk.example'))}`,
      envelope: IMAP,
    }),
    'held',
    '',
  ],
  [
    'results of a server nobody trusts, over IMAP',
    ({ a }) => ({
      raw: bo(a, COMMANDS, results('mx.evil.example; dmarc=pass header.from=desk.example')),
      envelope: IMAP,
    }),
    'held',
    'challenge',
  ],
  [
    'results about another From, over IMAP',
    ({ a }) => ({
      raw: bo(a, COMMANDS, results('mx.desk.example; dmarc=pass header.from=evil.example')),
      envelope: IMAP,
    }),
    'held',
    'challenge',
  ],
  [
    'results below a Received, over IMAP',
    ({ a }) => ({
      raw: `Received: from evil.example by mx.evil.example; Mon, 23 Nov 2026 08:29:00 +0000\n${bo(a, COMMANDS, results('mx.desk.example; dmarc=pass header.from=desk.example'))}`,
      envelope: IMAP,
    }),
    'held',
    'challenge',
  ],
  // --- addresses that are stale, foreign or changed
  [
    'an address of another agent',
    async ({ id }) => ({ raw: bo(await address(id, 'a', { agent: ADA })) }),
    'held',
    'agent_token',
  ],
  [
    'their own and a colleague’s address',
    async ({ id, a }) => ({ raw: bo(`${a}, ${await address(id, 'a', { agent: ADA })}`) }),
    'held',
    'agent_token',
  ],
  [
    'their addresses of two tickets',
    async ({ a }) => ({ raw: bo(`${a}, ${await address(await ticket('Other'), 'a')}`) }),
    'held',
    'agent_token',
  ],
  [
    'a revoked address',
    async ({ id }) => ({ raw: bo(await address(id, 'a', { generation: 7 })) }),
    'held',
    'agent_token',
  ],
  [
    'an address of nobody',
    async ({ id }) => ({ raw: bo(await address(id, 'a', { person: 4711 })) }),
    'held',
    'agent_token',
  ],
  [
    'an address of a ticket that there is not',
    async () => ({ raw: bo(await address(4711, 'a', { shown: 1 })) }),
    'held',
    'agent_token',
  ],
  [
    'an address with one character changed, from elsewhere',
    ({ a }) => elsewhere(bo(a.replace(/.@/, a.at(a.indexOf('@') - 1) === 'a' ? 'b@' : 'a@'))),
    'ticketed',
    'bad_token',
  ],
  [
    'the address on the envelope alone',
    ({ a }) => ({
      raw: bo('friend@elsewhere.example'),
      envelope: { recipients: [{ address: a, inbox: 'support', tag: null }] },
    }),
    'held',
    'challenge',
  ],
  [
    'the address in Delivered-To alone',
    ({ a }) => ({ raw: bo('friend@elsewhere.example', COMMANDS, { 'Delivered-To': a }) }),
    'held',
    'challenge',
  ],
  // --- replays
  [
    'a mail of last week, signed',
    async ({ a }) => ({
      raw: await signed(bo(a, COMMANDS, { Date: 'Mon, 16 Nov 2026 09:29:00 +0100' }), 'desk.example'),
      envelope: ELSEWHERE,
    }),
    'held',
    'challenge',
  ],
  ['a mail without a date', ({ a }) => ({ raw: bo(a, COMMANDS, { Date: null }) }), 'held', 'challenge'],
  // --- machines and lists
  [
    'an automatic answer',
    ({ a }) => ({ raw: bo(a, COMMANDS, { 'Auto-Submitted': 'auto-replied' }) }),
    'recorded',
    'agent_automatic',
  ],
  [
    'an automatic answer of a stranger',
    ({ a }) => ({
      raw: mail({ from: EVIL, to: a, text: COMMANDS, headers: { 'Auto-Submitted': 'auto-replied' } }),
      envelope: ELSEWHERE,
    }),
    'recorded',
    'agent_automatic',
  ],
  [
    'an absence subject',
    ({ a }) => ({ raw: mail({ from: BO, to: a, subject: 'Out of Office: The printer is on fire', text: COMMANDS }) }),
    'recorded',
    'agent_automatic',
  ],
  ['the null sender', ({ a }) => ({ raw: bo(a), envelope: { from: '' } }), 'recorded', 'agent_automatic'],
  [
    'a mailing list',
    ({ a }) => ({ raw: bo(a, COMMANDS, { 'List-Id': '<all.elsewhere.example>', Precedence: 'list' }) }),
    'held',
    'agent_token',
  ],
  ['bulk mail', ({ a }) => ({ raw: bo(a, COMMANDS, { Precedence: 'bulk' }) }), 'recorded', 'agent_automatic'],
  // --- notifications in other hands
  [
    'a stranger answers a forwarded notification',
    ({ a }) => ({ raw: mail({ from: EVIL, to: a, text: COMMANDS }), envelope: ELSEWHERE }),
    'held',
    'agent_token',
  ],
  [
    'the customer answers a forwarded notification',
    ({ a }) => ({ raw: mail({ from: EVA, to: a, text: COMMANDS }) }),
    'held',
    'agent_token',
  ],
  [
    'a colleague answers a forwarded notification',
    ({ a }) => ({ raw: mail({ from: ADA, to: a, text: COMMANDS }) }),
    'held',
    'agent_token',
  ],
  [
    'the customer answers the address for notes',
    ({ n }) => ({ raw: mail({ from: EVA, to: n, text: COMMANDS }) }),
    'held',
    'agent_token',
  ],
  [
    'a stranger answers a forwarded notification, to the desk itself',
    ({ id }) => ({
      raw: mail({ from: EVIL, subject: 'Re: [#1] The printer is on fire', text: COMMANDS, headers: passedOn(id) }),
      envelope: ELSEWHERE,
    }),
    'ticketed',
    'refused_claim',
  ],
  [
    'their name, to the desk itself, with the ids of a notification',
    ({ id }) => elsewhere(bo('support@desk.example', COMMANDS, passedOn(id))),
    'ticketed',
    'refused_claim',
  ],
  [
    'their name, of which its domain knows nothing, with the ids of a notification',
    ({ id }) => elsewhere(bo('support@desk.example', 'The password is hunter2.', passedOn(id))),
    'ticketed',
    'refused_claim',
  ],
  // --- no address of theirs at all
  ['their name to the desk', () => elsewhere(bo('support@desk.example')), 'ticketed', 'unproven_commands'],
  [
    'their name with a number in the subject',
    ({ id }) => elsewhere(mail({ from: BO, subject: `[#${id}] Fire`, text: COMMANDS })),
    'ticketed',
    'unproven_commands',
  ],
  [
    'their name with a made-up id of ours',
    ({ id }) =>
      elsewhere(
        bo('support@desk.example', COMMANDS, {
          'In-Reply-To': `<${makeMessageId({ ...keys, byId: new Map([[0, Buffer.alloc(32)]]) }, 'n', id, 'desk.example', MONDAY)}>`,
        }),
      ),
    'ticketed',
    'unproven_commands',
  ],
  [
    'their name in a forward',
    () =>
      elsewhere(
        mail({
          from: BO,
          subject: 'Fwd: Till',
          text: `---------- Forwarded message ---------\nFrom: ${EVA}\nSubject: Till\nTo: ${BO}\n\nPay them.`,
        }),
      ),
    'ticketed',
    'new_ticket',
  ],
  [
    'their name, with the customer in To',
    () => elsewhere(mail({ from: BO, to: EVA, text: 'Paid.', headers: { Cc: 'support@desk.example' } })),
    'ticketed',
    'new_ticket',
  ],
  // --- what cannot be seen
  [
    'hidden HTML of a customer',
    () => ({
      raw: htmlFrom(
        EVA,
        'support@desk.example',
        '<div style="display:none">#close<br>#assign me</div><p>It still burns.</p>',
      ),
    }),
    'ticketed',
    'new_ticket',
  ],
  [
    'commands of a customer',
    () => ({ raw: mail({ from: EVA, text: '#assign me\n#prio urgent\n#note\nRefund me.' }) }),
    'ticketed',
    'new_ticket',
  ],
]

async function stateOf(id: number) {
  const rows = await sql`
    select id, status, assignee_id, priority, project_id, tags, requester_address from tickets where id <= ${id} order by id`
  const people = await sql`select address, role from ticket_participants where ticket_id = ${id} order by address`
  return JSON.stringify([rows, people, await comments(id)])
}

test('the suite has its forty cases', () => assert.ok(cases.length >= 40, `${cases.length}`))

for (const [name, make, state, code] of cases)
  test(`forged: ${name}`, async () => {
    const id = await ticket()
    const to = { id, a: await address(id, 'a'), n: await address(id, 'n') }
    const { raw, envelope } = await make(to)
    await sql`delete from outbox`
    const before = await stateOf(id)
    const end = await desk.deliver(raw, envelope)
    assert.is(end.state, state, JSON.stringify(end.reasons))
    assert.ok(end.reasons.length > 0)
    if (code !== '')
      assert.ok(
        end.reasons.some((one) => one.code === code),
        JSON.stringify(end.reasons),
      )
    // 0 executed
    assert.is(await stateOf(id), before)
    assert.is((await sql`select from executed_mails`).length, 0)
    assert.is((await sql`select from receipts where outcome = 'done'`).length, 0)
    assert.not((await sql`select author_role from comments`).some((row) => row.author_role === 'agent'))
    // 0 leaked
    const leaked = (await outgoing()).filter((one) => ![ADA, BO].includes(one.recipient) && one.kind !== 'ack')
    assert.equal(leaked, [])
    assert.not.match(JSON.stringify((await outgoing()).filter((one) => one.kind === 'ack')), /hunter2|it burns/)
  })

test('the root of agents’ mails leads them, and whoever takes part, and nobody else; that of customers’ any sender (6.3)', async () => {
  const id = await ticket()
  await sql`update tickets set status = 'waiting_customer' where id = ${id}`
  const stranger = await desk.deliver(mail({ from: EVIL, subject: 'Re: The printer is on fire', headers: passedOn(id) }), ELSEWHERE)
  assert.is.not(stranger.ticket_id, id)
  assert.equal([...(await sql`select kind, other_id from ticket_links where ticket_id = ${stranger.ticket_id}`)], [{ kind: 'refers_to', other_id: id }])
  assert.is((await sql`select status from tickets where id = ${id}`)[0]!.status, 'waiting_customer')
  // nothing of it is in what the stranger is sent
  assert.not.match(JSON.stringify((await outgoing()).filter((one) => one.recipient === EVIL)), /it burns|#1\b/)
  const own = await desk.deliver(bo('support@desk.example', 'I look at it.', passedOn(id)))
  assert.equal([own.state, own.ticket_id], ['commented', id])
  assert.equal((await comments(id)).at(-1), { visibility: 'internal', author_role: 'agent', author_name: 'Bo', text: 'I look at it.', channel: 'mail' })
  const customer = await desk.deliver(mail({ from: EVA, headers: passedOn(id) }))
  assert.equal([customer.state, customer.ticket_id], ['commented', id])
  const known = { References: `<${rootId(keys, id, 'desk.example')}>` }
  const invited = await desk.deliver(mail({ from: EVIL, subject: 'Re: The printer is on fire', headers: known }), ELSEWHERE)
  assert.equal([invited.state, invited.ticket_id], ['commented', id])
  assert.ok(invited.reasons.some((one) => one.code === 'pending_person'))
}) // biome-ignore format: mails and rows are one line

test('hidden HTML in an agent’s own mail is no command', async () => {
  const id = await ticket()
  const body =
    '<div style="display:none">#close quiet</div><span style="font-size:0">#prio urgent</span><p>Restart it.</p>'
  await desk.deliver(htmlFrom(`Bo <${BO}>`, await address(id, 'a'), body))
  const [row] = await sql`select status, priority from tickets where id = ${id}`
  assert.equal([row!.status, row!.priority], ['waiting_customer', 'normal'])
  assert.is(agent(BO).address, BO)
})

test.run()
