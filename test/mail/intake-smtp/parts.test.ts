/** The parts that decide by themselves: who is served, who may come in, what the trace lines say. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Desk, Inbox } from '../../../src/engine/desk.ts'
import { Refusal } from '../../../src/errors.ts'
import { smtp } from '../../../src/limits.ts'
import { openDoors, plainAddress } from '../../../src/mail/intake-smtp/doors.ts'
import { comparable, servedBy } from '../../../src/mail/intake-smtp/recipients.ts'
import { readHops, tracePrefix } from '../../../src/mail/intake-smtp/trace.ts'
import { signedAddress } from '../../../src/tokens.ts'

const inbox = (key: string, address: string, aliases: string[] = []) => ({ key, address, aliases }) as unknown as Inbox

const desk = (separators: string) =>
  ({
    inboxes: [
      inbox('support', 'support@desk.example', ['help@desk.example', 'support@desk.test']),
      inbox('bucher', 'support@xn--bcher-kva.example'),
    ],
    settings: { separators },
  }) as unknown as Desk

const keys = { instance: 'x', current: 0, byId: new Map([[0, Buffer.alloc(32, 1)]]) }

test('recipients: case, aliases, tags, role addresses, A-labels (1.7, 1.8, 1.15)', () => {
  const { match, domains } = servedBy(desk('+'))
  const to = (address: string) => match(address)?.inbox ?? null
  assert.is(to('support@desk.example'), 'support')
  assert.is(to('SUPPORT@Desk.EXAMPLE'), 'support')
  assert.is(to('support@desk.example.'), 'support')
  assert.is(to('"support"@desk.example'), 'support')
  assert.is(to('"sup\\port"@desk.example'), 'support')
  assert.is(to('Help@desk.example'), 'support')
  assert.is(to('support@bücher.example'), 'bucher')
  assert.is(to('support@XN--BCHER-KVA.example'), 'bucher')
  for (const role of ['postmaster', 'Postmaster@desk.example', 'abuse@desk.test', 'abuse@bücher.example'])
    assert.is(to(role), 'support', role)
  for (const nobody of [
    '',
    '@',
    'support',
    'nobody@desk.example',
    'support@elsewhere.example',
    'x@support@desk.example',
    'abuse@x.example',
  ])
    assert.is(to(nobody), null, nobody)
  assert.is(match('support+Foo+bar@desk.example')?.tag?.toLowerCase(), 'foo+bar')
  assert.is(match('support@desk.example')?.tag, null)
  assert.is(to('support-foo@desk.example'), null, 'not a separator here')
  assert.equal([...domains].sort(), ['desk.example', 'desk.test', 'xn--bcher-kva.example'])
})

test('a signed address belongs to its base, valid or not, whatever the separators (1.8)', () => {
  const token = { purpose: 'c', inbox: 1, ticket: 12, person: 0, generation: 0, comment: 0 } as const
  const signed = signedAddress(keys, 'support@desk.example', token)
  const broken = signed.replace(/.@/, (end) => (end[0] === 'a' ? 'b@' : 'a@'))
  for (const separators of ['+', '-', ''])
    for (const address of [signed, signed.toUpperCase(), broken])
      assert.is(servedBy(desk(separators)).match(address)?.inbox, 'support', `${separators} ${address}`)
  assert.match(servedBy(desk('-')).match(signed)?.tag ?? '', /^r[a-z2-7]+$/)
  assert.is(servedBy(desk('+')).match(signed.replace('support', 'nobody')), null)
})

test('addresses are compared without case and as A-labels', () => {
  assert.is(comparable('Eva@BÜCHER.example'), comparable('eva@xn--bcher-kva.example'))
  assert.is.not(comparable('eva@a.example'), comparable('eva@b.example'))
})

const code = (reply: string | null) => reply?.slice(0, 9) ?? null

test('an address has a share of the connections, a minute and at a time; trusted networks have none (1.16)', () => {
  const limits = { ...smtp, connections: 8, connectionsPerAddress: 2, connectsPerMinute: 4 }
  const doors = openDoors(limits, ['10.0.0.0/8', 'fd00::/8', '192.0.2.7'])
  const stranger = '198.51.100.1'
  assert.is(doors.enter(stranger, 0), null)
  assert.is(doors.enter(stranger, 0), null)
  assert.is(code(doors.enter(stranger, 0)), '421 4.7.0')
  assert.is(doors.enter('198.51.100.2', 0), null, 'another address')
  doors.leave(stranger)
  assert.is(doors.enter(stranger, 1), null)
  doors.leave(stranger)
  assert.is(doors.enter(stranger, 2), null)
  doors.leave(stranger)
  assert.is(code(doors.enter(stranger, 59_000)), '421 4.7.0', 'four in a minute')
  doors.sweep(59_000)
  assert.is(code(doors.enter(stranger, 59_999)), '421 4.7.0')
  assert.is(doors.enter(stranger, 60_001), null)
  for (const address of ['10.1.2.3', 'fd00::1', '192.0.2.7', '127.0.0.1', '::1', ''])
    assert.ok(doors.isTrusted(address), address)
  for (const address of ['11.1.2.3', 'fe80::1', '192.0.2.8']) assert.not(doors.isTrusted(address), address)
  for (let n = 0; n < 5; n++) assert.is(doors.enter('10.1.2.3', 0), null)
  assert.is(code(doors.enter('10.1.2.3', 0)), '421 4.7.0', 'the cap for all is for all')
})

test('a network that is none is refused at start', () => {
  for (const word of ['10.0.0.0/33', '10.0.0/8', 'relay.example', '::/129', '10.0.0.0/', '10.0.0.0/-1', ''])
    assert.throws(
      () => openDoors(smtp, [word]),
      (error: unknown) => error instanceof Refusal && error.fault === 'config',
      word,
    )
})

test('an IPv4 peer of a dual-stack listener is that IPv4 address', () => {
  assert.is(plainAddress('::ffff:192.0.2.1'), '192.0.2.1')
  assert.is(plainAddress('2001:db8::1'), '2001:db8::1')
  assert.is(plainAddress(undefined), '')
})

test('trace lines: several recipients, no address of a unix socket, nothing from the client ends a line (1.18)', () => {
  const mail = {
    from: 'eva@acme.example',
    recipients: ['a@desk.example', 'b@desk.example'],
    ip: '2001:db8::1',
    helo: 'mail.acme.example) by evil;\r\nX: y',
    hostname: 'desk.example',
    protocol: 'ESMTPS',
    smtputf8: true,
    id: 'abc.1',
  }
  const now = new Date('2026-03-02T10:00:00Z')
  assert.equal(tracePrefix(mail, now).split('\r\n'), [
    'Return-Path: <eva@acme.example>',
    'Delivered-To: a@desk.example',
    'Delivered-To: b@desk.example',
    'Received: from mail.acme.example??by?evil???X:?y ([IPv6:2001:db8::1])',
    '\tby desk.example with UTF8SMTPS id abc.1; Mon, 02 Mar 2026 10:00:00 +0000',
    '',
  ])
  const local = tracePrefix({ ...mail, from: '', ip: '', helo: '', recipients: ['a@desk.example'] }, now)
  assert.match(local, /^Return-Path: <>\r\nDelivered-To: a@desk\.example\r\nReceived: from unknown\r\n\tby/)
})

test('hops are counted at line starts only, folded or not', () => {
  const header = [
    'Received: from a',
    ' received: by b',
    'RECEIVED : from c',
    'X-Received: no',
    'Delivered-To: <Support@Desk.example>',
    'delivered-to:',
    '\tsupport@desk.example',
  ].join('\r\n')
  const { received, deliveredTo } = readHops(Buffer.from(header))
  assert.is(received, 2)
  assert.equal([...deliveredTo], [['support@desk.example', 2]])
})

test.run()
