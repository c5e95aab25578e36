/**
 * What becomes of every kind of mail: the table of MAIL 10, a case a row, through the real parser and pipeline. Agents'
 * notices and their answers by mail are not in it. Each case says all of its effects; what it does not name is nothing.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../src/database.ts'
import { merge } from '../../src/engine/tickets/merge.ts'
import { deleteTicket, reply, setStatus } from '../../src/engine/tickets.ts'
import { zoneResolver } from '../../src/mail/authenticate/resolver.ts'
import type { Envelope } from '../../src/mail/spool.ts'
import { after, DAY, HOUR } from '../../src/time.ts'
import { signedAddress } from '../../src/tokens.ts'
import { demoDesk, keys, mail, startDesk } from '../desk.ts'

const zone = {
  'acme.example': { TXT: ['v=spf1 ip4:127.0.0.0/8 -all'] },
  '_dmarc.acme.example': { TXT: ['v=DMARC1; p=reject'] },
  'desk.example': { TXT: ['v=spf1 ip4:127.0.0.0/8 -all'] },
  '_dmarc.desk.example': { TXT: ['v=DMARC1; p=none'] },
  'other.example': { TXT: ['v=spf1 ip4:127.0.0.0/8 -all'] },
  '_dmarc.other.example': { TXT: ['v=DMARC1; p=none'] },
  'example.org': { TXT: ['v=spf1 ip4:127.0.0.0/8 -all'] },
  '_dmarc.example.org': { TXT: ['v=DMARC1; p=none'] },
  'plain.example': {},
}
const text = `${demoDesk.trimEnd()}\n  form_senders: [form@other.example]\n  own_lists: [support.desk.example]\n`
const desk = await startDesk({
  desk: text,
  trust: {
    resolver: zoneResolver(zone),
    authservIdOf: (envelope) => (envelope.via === 'mx' ? null : 'mx.desk.example'),
  },
})
const { sql } = desk
test.before.each(() => desk.reset())
test.after(() => desk.stop())

/** Nobody's server. */
const ELSEWHERE: Partial<Envelope> = { session: { ip: '192.0.2.66', helo: 'mail.evil.example' } }
const FRONT: Partial<Envelope> = { via: 'lmtp', session: {} }
const IMAP: Partial<Envelope> = { via: 'imap', from: null }
const ID = 'first@acme.example'
const actor = { kind: 'system' as const, id: null, name: 'test' }

type Given = { ticket: number; reply: { message_id: string; envelope_from: string }; ack: { envelope_from: string } }

type Case = {
  row: string
  /** What was there before: Eva's ticket, answered by an agent, in this status for so long. */
  before?: 'waiting_customer' | 'open' | 'resolved' | 'closed' | 'resolved long ago' | 'merged' | 'deleted'
  mail(given: Given): string | Buffer
  by?: Partial<Envelope> | ((given: Given) => Partial<Envelope>)
  effects: Effects
}

type Effects = {
  state: string
  /** A reason that must be among them. */
  code?: string
  ticket?: 'new' | 'same' | 'target'
  /** `first` is a new ticket's own; the others come to one that is there. */
  comment?: 'first' | 'public' | 'internal'
  ack?: 'quoting' | 'bare' | 'follow-up'
  /** The one who is written to instead. */
  told?: string
  promise?: 'starts'
  /** Of the ticket that was there. */
  status?: string
  contact?: 'verified' | 'unverified'
  /** Of the sender, in the ticket. */
  role?: 'participant' | 'pending'
  events?: string[]
  notices?: string[]
  suppressed?: string[]
}

const EVA = 'Eva Beispiel <eva@acme.example>'
const answerTo = (change: Parameters<typeof mail>[0] = {}) =>
  mail({ subject: 'Re: Lamp', ...change, headers: { 'In-Reply-To': `<${ID}>`, ...change.headers } })
const fixture = (name: string) => readFileSync(path.join(import.meta.dirname, '../../fixtures/mails', `${name}.eml`))
const token = (ticket: number, purpose: 'c' | 'a' = 'c') =>
  signedAddress(keys, 'support@desk.example', {
    purpose,
    inbox: desk.tools().desk.inboxes[0]!.id,
    ticket,
    person: purpose === 'a' ? 1 : 0,
    generation: 0,
    comment: 0,
  })
const at = (address: string): Partial<Envelope> => ({ recipients: [{ address, inbox: 'support', tag: null }] })
const dsn = (recipient: string, { action = 'failed', status = '5.1.1' } = {}) =>
  mail({
    from: 'MAILER-DAEMON@mx.acme.example',
    subject: 'Undelivered',
    headers: { 'Content-Type': 'multipart/report; report-type=delivery-status; boundary=d' },
    text: `--d\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; ${recipient}\nAction: ${action}\nStatus: ${status}\n\n--d--`,
  })
const mdn = (id: string) =>
  mail({
    headers: { 'Content-Type': 'multipart/report; report-type=disposition-notification; boundary=d' },
    text: `--d\nContent-Type: text/plain\n\nRead.\n\n--d\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; eva@acme.example\nOriginal-Message-ID: <${id}>\nDisposition: manual-action/MDN-sent-manually; displayed\n\n--d--`,
  })
const arf = (id: string) =>
  mail({
    from: 'abuse@provider.example',
    headers: { 'Content-Type': 'multipart/report; report-type=feedback-report; boundary=d' },
    text: `--d\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\nUser-Agent: x\nOriginal-Rcpt-To: eva@acme.example\n\n--d\nContent-Type: text/rfc822-headers\n\nMessage-ID: <${id}>\n\n--d--`,
  })
const calendar = (method: string, headers: Record<string, string> = {}) =>
  mail({
    subject: 'Accepted: Demo',
    headers: { 'Content-Type': `text/calendar; method=${method}; charset=utf-8`, ...headers },
    text: `BEGIN:VCALENDAR\nMETHOD:${method}\nBEGIN:VEVENT\nSUMMARY:Demo\nDTSTART:20261124T090000Z\nEND:VEVENT\nEND:VCALENDAR`,
  })
/** As our own front server writes it. */
const PROVEN = { 'Authentication-Results': 'mx.desk.example; dmarc=pass header.from=acme.example' }
const SPAM = { ...PROVEN, 'X-Spam-Flag': 'YES' }
const AUTO = { 'Auto-Submitted': 'auto-replied' }

const NEW: Effects = { state: 'ticketed', ticket: 'new', comment: 'first', promise: 'starts' }
const SAME: Effects = { state: 'commented', ticket: 'same', comment: 'public' }
const NOTHING: Effects = { state: 'recorded' }

const CASES: Case[] = [
  // new mail of people
  { row: 'human, new, verdict strong', mail: () => mail({}), effects: { ...NEW, ack: 'quoting', contact: 'verified' } },
  {
    row: 'human, new, verdict weak',
    mail: () => mail({ from: 'who@plain.example' }),
    by: { from: 'bounce@other.example' },
    effects: { ...NEW, ack: 'bare', contact: 'unverified' },
  },
  {
    row: 'human, new, verdict none',
    mail: () => mail({ from: 'Who <who@plain.example>' }),
    by: ELSEWHERE,
    effects: { ...NEW, ack: 'bare', contact: 'unverified' },
  },
  {
    row: 'human, new, verdict fail',
    mail: () => mail({}),
    by: ELSEWHERE,
    effects: { state: 'held', code: 'auth_fail' },
  },
  // answers of people
  ...(['open', 'waiting_customer'] as const).map(
    (before): Case => ({
      row: `human reply by participant, ${before}`,
      before,
      mail: () => answerTo(),
      effects: { ...SAME, status: 'open' },
    }),
  ),
  ...(['resolved', 'closed'] as const).map(
    (before): Case => ({
      row: `human reply, ${before} within 14 days`,
      before,
      mail: () => answerTo(),
      effects: { ...SAME, status: 'open', code: 'reopened' },
    }),
  ),
  {
    row: 'thanks-only on resolved',
    before: 'resolved',
    mail: () => answerTo({ text: 'Merci !' }),
    effects: { ...SAME, status: 'resolved', code: 'thanks' },
  },
  {
    row: 'human reply, done more than 14 days ago',
    before: 'resolved long ago',
    mail: () => answerTo(),
    effects: { ...NEW, ack: 'follow-up', status: 'resolved', code: 'follow_up' },
  },
  {
    row: 'human reply to merged',
    before: 'merged',
    mail: () => answerTo(),
    effects: { ...SAME, ticket: 'target', status: 'closed' },
  },
  {
    row: 'reply to deleted ticket',
    before: 'deleted',
    mail: () => answerTo(),
    effects: { ...NEW, ack: 'quoting', status: 'waiting_customer' },
  },
  {
    row: 'reply, token ok, From non-participant of the same organization',
    before: 'waiting_customer',
    mail: () => mail({ from: 'Jo <jo@acme.example>', subject: 'Lamp' }),
    by: (given) => at(token(given.ticket)),
    effects: { ...SAME, status: 'open', contact: 'verified', role: 'participant' },
  },
  {
    row: 'reply, token ok, From stranger, who waits',
    before: 'waiting_customer',
    mail: () => mail({ from: 'sly@other.example', subject: 'Lamp' }),
    by: (given) => at(token(given.ticket)),
    effects: { ...SAME, status: 'open', role: 'pending', code: 'pending_person' },
  },
  {
    row: 'reply, token ok, From stranger, resolved',
    before: 'resolved',
    mail: () => mail({ from: 'sly@other.example', subject: 'Lamp' }),
    by: (given) => at(token(given.ticket)),
    effects: { ...SAME, status: 'resolved', role: 'pending' },
  },
  {
    row: 'reply, token ok, verdict fail',
    before: 'waiting_customer',
    mail: () => answerTo(),
    by: (given) => ({ ...ELSEWHERE, ...at(token(given.ticket)) }),
    effects: { ...SAME, comment: 'internal', status: 'waiting_customer', code: 'unverified_sender' },
  },
  {
    row: 'foreign sender with [#n] only',
    before: 'open',
    mail: (given) => mail({ from: 'Sly <sly@other.example>', subject: `Lamp [#${given.ticket}]` }),
    effects: { ...NEW, ack: 'quoting', contact: 'verified', status: 'open', code: 'refused_claim' },
  },
  // agents
  {
    row: 'agent mail with own token, not verified',
    before: 'open',
    mail: () => mail({ from: 'ada@desk.example', subject: 'Re: Lamp' }),
    by: (given) => ({ ...ELSEWHERE, ...at(token(given.ticket, 'a')) }),
    // it waits beside the ticket (C10)
    effects: { state: 'held', ticket: 'same', status: 'open', code: 'agent_token', told: 'ada@desk.example' },
  },
  {
    row: "agent's address, no token, not verified",
    mail: () => mail({ from: 'Ada <ada@desk.example>' }),
    by: ELSEWHERE,
    effects: { ...NEW, ack: 'bare', contact: 'unverified' },
  },
  {
    row: 'customer form sender (configured)',
    mail: () => mail({ from: 'form@other.example', headers: { 'Reply-To': 'Jo <jo@plain.example>' } }),
    effects: { ...NEW, ack: 'bare', contact: 'unverified', code: 'via_form' },
  },
  // automatic
  {
    row: 'autoreply, threads',
    before: 'waiting_customer',
    mail: () => answerTo({ headers: AUTO }),
    effects: { ...SAME, comment: 'internal', status: 'waiting_customer', code: 'automatic_comment' },
  },
  {
    row: 'autoreply, no thread',
    mail: () => mail({ headers: AUTO }),
    effects: { ...NOTHING, code: 'unthreaded_autoreply' },
  },
  {
    row: 'autogen (monitor, newsletter)',
    mail: () => mail({ headers: { 'Auto-Submitted': 'auto-generated' } }),
    effects: { state: 'ticketed', ticket: 'new', comment: 'first', contact: 'verified' },
  },
  {
    row: 'foreign mailing list',
    mail: () => mail({ headers: { 'List-Id': '<dev.lists.example>' } }),
    effects: { state: 'ticketed', ticket: 'new', comment: 'first', contact: 'verified' },
  },
  {
    row: 'own list (front-end group)',
    mail: () => mail({ headers: { 'List-Id': '<support.desk.example>', Precedence: 'list' } }),
    effects: { ...NEW, ack: 'quoting', contact: 'verified' },
  },
  // reports
  ...(['waiting_customer', 'resolved', 'closed'] as const).map(
    (before): Case => ({
      row: `DSN failed hard, of agent reply, mapped, ${before}`,
      before,
      mail: () => dsn('eva@acme.example'),
      by: ({ reply: row }) => ({ from: '', ...at(row.envelope_from) }),
      effects: {
        ...NOTHING,
        ticket: 'same',
        status: before === 'waiting_customer' ? 'open' : before,
        code: 'bounced',
        events: ['delivery_failed'],
        suppressed: ['eva@acme.example'],
      },
    }),
  ),
  {
    row: 'DSN failed policy, mapped',
    before: 'waiting_customer',
    mail: () => dsn('eva@acme.example', { status: '5.7.26' }),
    by: ({ reply: row }) => ({ from: '', ...at(row.envelope_from) }),
    effects: { ...NOTHING, ticket: 'same', status: 'waiting_customer', code: 'bounced', events: ['delivery_failed'] },
  },
  {
    row: 'DSN failed soft, mapped',
    before: 'waiting_customer',
    mail: () => dsn('eva@acme.example', { status: '4.2.2' }),
    by: ({ reply: row }) => ({ from: '', ...at(row.envelope_from) }),
    effects: { ...NOTHING, ticket: 'same', status: 'waiting_customer', code: 'bounced', events: ['delivery_failed'] },
  },
  ...(['delayed', 'delivered'] as const).map(
    (action): Case => ({
      row: `DSN ${action}`,
      before: 'waiting_customer',
      mail: () => dsn('eva@acme.example', { action, status: action === 'delayed' ? '4.4.1' : '2.0.0' }),
      by: ({ reply: row }) => ({ from: '', ...at(row.envelope_from) }),
      effects: {
        ...NOTHING,
        ticket: 'same',
        status: 'waiting_customer',
        code: 'bounced',
        events: [action === 'delayed' ? 'delivery_delayed' : 'delivered'],
      },
    }),
  ),
  {
    row: 'DSN of ack, mapped',
    before: 'waiting_customer',
    mail: () => dsn('eva@acme.example'),
    by: ({ ack }) => ({ from: '', ...at(ack.envelope_from) }),
    effects: {
      ...NOTHING,
      ticket: 'same',
      status: 'waiting_customer',
      code: 'bounced',
      events: ['delivery_failed'],
      suppressed: ['eva@acme.example'],
    },
  },
  {
    row: 'DSN unmapped',
    before: 'waiting_customer',
    mail: () => dsn('eva@acme.example'),
    by: { from: '' },
    effects: { ...NOTHING, status: 'waiting_customer', code: 'unmatched_report' },
  },
  {
    row: 'MDN',
    before: 'waiting_customer',
    mail: ({ reply: row }) => mdn(row.message_id),
    effects: { ...NOTHING, ticket: 'same', status: 'waiting_customer', code: 'receipt', events: ['read_receipt'] },
  },
  {
    row: 'ARF',
    before: 'waiting_customer',
    mail: ({ reply: row }) => arf(row.message_id),
    effects: {
      ...NOTHING,
      ticket: 'same',
      status: 'waiting_customer',
      code: 'complaint',
      events: ['complaint'],
      notices: ['complaint'],
      suppressed: ['eva@acme.example'],
    },
  },
  {
    row: 'calendar REPLY, threads',
    before: 'resolved',
    mail: () => calendar('REPLY', { 'In-Reply-To': `<${ID}>` }),
    effects: { ...NOTHING, ticket: 'same', status: 'resolved', code: 'calendar_answer', events: ['calendar_answer'] },
  },
  { row: 'calendar REPLY, no thread', mail: () => calendar('REPLY'), effects: NOTHING },
  ...['REQUEST', 'CANCEL'].map(
    (method): Case => ({
      row: `calendar ${method}`,
      mail: () => calendar(method),
      effects: { ...NEW, ack: 'quoting', contact: 'verified' },
    }),
  ),
  // spam, own, copies
  {
    row: 'spam (trusted header)',
    mail: () => mail({ from: 'x@other.example', headers: SPAM }),
    by: FRONT,
    effects: { state: 'held', code: 'spam' },
  },
  {
    row: 'spam (Junk folder)',
    mail: () => mail({ from: 'x@other.example' }),
    by: { ...IMAP, session: { junk: true } as never },
    effects: { state: 'held', code: 'spam' },
  },
  ...(['waiting_customer', 'resolved', 'resolved long ago'] as const).map(
    (before): Case => ({
      row: `spam-flagged, participant, ${before}`,
      before,
      mail: () => answerTo({ headers: SPAM }),
      by: FRONT,
      effects: { ...SAME, status: before.split(' ')[0]!, code: 'spam_flagged' },
    }),
  ),
  {
    row: 'spam-flagged (Junk folder), valid token',
    before: 'waiting_customer',
    mail: (given) => mail({ to: token(given.ticket), subject: 'Lamp', headers: PROVEN }),
    by: (given) => ({ ...IMAP, ...at(token(given.ticket)), session: { junk: true } as never }),
    effects: { ...SAME, status: 'waiting_customer', code: 'spam_flagged' },
  },
  {
    row: 'own copy',
    before: 'waiting_customer',
    mail: ({ reply: row }) => mail({ from: 'support@desk.example', headers: { 'Message-ID': `<${row.message_id}>` } }),
    effects: { ...NOTHING, status: 'waiting_customer', code: 'own_copy' },
  },
  {
    row: 'loop',
    mail: () => mail({ headers: { 'X-Postroom-Loop': keys.instance } }),
    effects: { ...NOTHING, code: 'own_copy' },
  },
  {
    row: 'spoof of own address',
    mail: () => mail({ from: 'support@desk.example' }),
    by: ELSEWHERE,
    effects: { state: 'held', code: 'own_address' },
  },
  { row: 'own inbox to own inbox', mail: () => mail({ from: 'support@desk.example' }), effects: NEW },
  {
    row: 'duplicate',
    before: 'waiting_customer',
    mail: () => mail({ subject: 'Lamp', text: 'It is dark.', headers: { 'Message-ID': `<${ID}>` } }),
    effects: { ...NOTHING, ticket: 'same', status: 'waiting_customer', code: 'duplicate' },
  },
  // odd
  {
    row: 'encrypted, unreadable',
    mail: () => fixture('human/smime-enveloped'),
    effects: { ...NEW, ack: 'quoting', contact: 'verified' },
  },
  {
    row: 'no From',
    mail: () => mail({ headers: { From: null } }),
    by: { from: 'x@plain.example' },
    effects: { ...NEW, code: 'unknown_sender' },
  },
  { row: 'zero byte', mail: () => Buffer.alloc(0), effects: { ...NOTHING, code: 'empty', notices: ['empty_mail'] } },
  {
    row: 'oversize (IMAP)',
    mail: () => mail({ from: 'x@plain.example' }),
    by: { ...IMAP, session: { oversize: 200_000_000 } as never },
    effects: { ...NEW, ack: 'bare', contact: 'unverified', code: 'oversize' },
  },
  {
    row: 'poison, From and Subject can be read',
    mail: () => mail({}),
    by: { via: 'lmtp', session: { quarantined: 'header' } },
    effects: { state: 'quarantined', ticket: 'new', comment: 'first', promise: 'starts' },
  },
  {
    row: 'poison, nothing can be read',
    mail: () => 'x',
    by: { via: 'lmtp', session: { quarantined: 'header' } },
    effects: { state: 'quarantined', code: 'poison', notices: ['unreadable_mail'] },
  },
  {
    row: 'archive import',
    mail: () => mail({}),
    by: { via: 'import', session: { archive: true } as never },
    effects: { state: 'ticketed', ticket: 'new', comment: 'first', contact: 'unverified', code: 'archive' },
  },
]

/** Eva's ticket in the state that a case begins with. */
async function prepare(before: Case['before']): Promise<Given & { target: number | null }> {
  const first = await desk.deliver(
    mail({ from: EVA, subject: 'Lamp', text: 'It is dark.', headers: { 'Message-ID': `<${ID}>` } }),
  )
  const ticketId = first.ticket_id!
  const agent = desk.tools().desk.agents.get('bo@desk.example')!
  const input = { ticketId, agent, text: 'Is it plugged in?', channel: 'web' as const, tools: desk.tools() }
  const target = before === 'merged' ? (await desk.deliver(mail({ from: EVA }))).ticket_id! : null
  await transaction(sql, async (tx) => {
    await reply(tx, input, desk.clock.at)
    const status = before?.split(' ')[0]
    if (status === 'open' || status === 'resolved' || status === 'closed')
      await setStatus(tx, { ticketId, status, actor }, desk.clock.at)
    if (target !== null) await merge(tx, { ticketId, intoId: target, actor }, desk.clock.at)
    if (before === 'deleted') await deleteTicket(tx, { ticketId, actor }, desk.clock.at)
  })
  await sql`update outbox set state = 'sent', settled_at = ${desk.clock.at}`
  desk.clock.at = after(desk.clock.at, before === 'resolved long ago' ? 15 * DAY : HOUR)
  const [ack, answer] = await sql<Given['reply'][]>`
    select message_id, envelope_from from outbox where ticket_id = ${target ?? ticketId} and kind in ('ack', 'reply')
    order by kind, id desc`
  return { ticket: ticketId, reply: answer ?? ack!, ack: ack!, target }
}

const NOBODY: Given = { ticket: 0, reply: { message_id: 'x', envelope_from: '' }, ack: { envelope_from: '' } }

type Count = { comments: number; tickets: number; outbox: number; contacts: number; events: number }
const countAll = async (): Promise<Count> =>
  (
    await sql<Count[]>`
      select (select count(*)::int from comments) as comments, (select count(*)::int from tickets) as tickets,
        (select count(*)::int from outbox) as outbox, (select count(*)::int from contacts) as contacts,
        (select count(*)::int from events) as events`
  )[0]!

const firstLines = (ack: { subject: string; text: string }) => `${ack.subject}\n${ack.text.split('\n')[0]}`

async function ackOf(ticket: number, subject: string): Promise<Effects['ack']> {
  const [ack] = await sql<{ subject: string; text: string }[]>`
    select subject, text from outbox where kind = 'ack' and ticket_id = ${ticket}`
  if (!ack) return undefined
  if (/#\d+.*#\d+/.test(ack.text.split('\n')[2]!)) return 'follow-up'
  return subject !== '' && firstLines(ack).includes(subject) ? 'quoting' : 'bare'
}

for (const one of CASES)
  test(`MAIL 10: ${one.row}`, async () => {
    const given = one.before ? await prepare(one.before) : { ...NOBODY, target: null }
    const before = await countAll()
    const by = typeof one.by === 'function' ? one.by(given) : (one.by ?? {})
    const end = await desk.deliver(one.mail(given), by)
    const now = await countAll()
    const { effects } = one
    assert.is(end.state, effects.state, `state: ${JSON.stringify(end.reasons)}`)
    if (effects.code)
      assert.ok(
        end.reasons.some(({ code }) => code === effects.code),
        `${effects.code}: ${JSON.stringify(end.reasons)}`,
      )
    const made = now.tickets - before.tickets === 1 ? 'new' : undefined
    const place = end.ticket_id === given.ticket ? 'same' : end.ticket_id === given.target ? 'target' : made
    assert.is(end.ticket_id === null ? undefined : place, effects.ticket, 'ticket')
    assert.is(now.tickets - before.tickets, effects.ticket === 'new' ? 1 : 0, 'tickets')
    const comments = await sql<{ visibility: string }[]>`
      select visibility from comments where channel = 'mail' order by id desc limit ${now.comments - before.comments}`
    const shown = comments.map(({ visibility }) => (made ? 'first' : visibility))
    assert.equal(shown, effects.comment ? [effects.comment] : [], 'comments')
    const [row] = await sql<{ subject: string | null }[]>`select subject from inbound_mails where id = ${end.id}`
    const ack =
      end.ticket_id !== null && made ? await ackOf(end.ticket_id, (row!.subject ?? '').slice(0, 12)) : undefined
    assert.is(ack, effects.ack, 'ack')
    assert.is(now.outbox - before.outbox, effects.ack || effects.told ? 1 : 0, 'nothing else goes out (0.5)')
    if (effects.told) assert.is((await sql`select recipient from outbox order by id`).at(-1)!.recipient, effects.told)
    const [ticket] = await sql`select * from tickets where id = ${end.ticket_id}`
    if (made) {
      assert.is(ticket!.next_due_at === null ? undefined : 'starts', effects.promise, 'promise')
      assert.is(ticket!.status, effects.code === 'archive' ? 'closed' : 'new', 'status of the new ticket')
    }
    if (one.before) {
      const [old] = await sql`select status from tickets where id = ${given.ticket}`
      assert.is(old!.status, effects.status, 'status')
    }
    const [contact] = await sql`select verified_at from contacts order by id desc limit 1`
    const contacts = now.contacts > before.contacts ? (contact!.verified_at ? 'verified' : 'unverified') : undefined
    assert.is(contacts, effects.contact, 'contact')
    const [person] = await sql`
      select p.role from ticket_participants p join inbound_mails m on m.id = ${end.id} and m.from_address = p.address`
    assert.is(person?.role, effects.role, 'role')
    if (effects.comment === 'public' && !made) {
      const [last] = await sql`
        select data from events where ticket_id = ${end.ticket_id} and type = 'customer_comment' order by seq desc limit 1`
      const quiet = effects.role === 'pending' || effects.code === 'spam_flagged'
      assert.is(last!.data.quiet === true, quiet, 'whether somebody waits for an answer to it')
    }
    const events = await sql<{ type: string }[]>`
      select type from events where at >= ${new Date(desk.clock.at.getTime() - 1000)}
        and type in ('delivery_failed', 'delivery_delayed', 'delivered', 'read_receipt', 'complaint', 'calendar_answer')`
    assert.equal(
      events.map(({ type }) => type),
      effects.events ?? [],
      'events',
    )
    const notices = await sql<{ kind: string }[]>`select kind from notices where settled_at is null`
    assert.equal(
      notices.map(({ kind }) => kind),
      effects.notices ?? [],
      'notices',
    )
    const suppressed = await sql<{ address: string }[]>`select address from suppressions`
    assert.equal(
      suppressed.map(({ address }) => address),
      effects.suppressed ?? [],
      'suppressed',
    )
  })

test('MAIL 10: storm member', async () => {
  const alarm = () => mail({ from: 'alarm@other.example', subject: 'Down', text: 'The site is down.' })
  const ends = []
  for (let n = 0; n < 8; n++) ends.push(await desk.deliver(alarm()))
  const last = ends.at(-1)!
  assert.equal([last.state, last.ticket_id], ['commented', ends[4]!.ticket_id])
  assert.is((await sql`select from tickets`).length, 5)
  assert.is((await sql`select from notices`).length, 1)
  const [comment] = await sql`select visibility, automatic from comments where id = ${last.comment_id}`
  assert.equal([comment!.visibility, comment!.automatic], ['internal', true])
})

test('MAIL 0.2: each accepted mail of the table ends in one visible state', async () => {
  const accepted: number[] = []
  for (const one of CASES.filter(({ before }) => !before))
    accepted.push(await desk.accept(one.mail(NOBODY), typeof one.by === 'function' ? {} : (one.by ?? {})))
  await desk.idle()
  const rows = await sql<{ state: string; reasons: unknown[]; count: number }[]>`
    select state, count(*)::int as count from inbound_mails group by state`
  const final = ['ticketed', 'commented', 'recorded', 'held', 'quarantined']
  assert.is(
    rows.reduce((sum, row) => sum + (final.includes(row.state) ? row.count : 0), 0),
    accepted.length,
  )
  assert.is((await sql`select from inbound_mails where reasons = '[]'`).length, 0, 'and says why')
})

test.run()
