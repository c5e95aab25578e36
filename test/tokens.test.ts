import { randomBytes } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  agentRootId,
  type Keys,
  looksSigned,
  makeMessageId,
  readMessageId,
  readSignedAddress,
  rootId,
  signedAddress,
  type Token,
} from '../src/tokens.ts'

const keys: Keys = {
  instance: 'i',
  current: 1,
  byId: new Map([
    [0, randomBytes(32)],
    [1, randomBytes(32)],
  ]),
}
const now = new Date('2026-11-22T10:00:00Z')
const inbox = 'support@desk.example'
const token: Token = { purpose: 'c', inbox: 1, ticket: 12, person: 0, generation: 0, comment: 0 }

test('MAIL 5.7: a signed address carries its token back', () => {
  for (const purpose of ['c', 'a', 'n', 'q', 'b'] as const)
    for (const ticket of [0, 1, 15, 16, 4095, 2 ** 40]) {
      const full = { purpose, inbox: 300, ticket, person: 70_000, generation: 3, comment: 999 }
      assert.equal(readSignedAddress(keys, inbox, signedAddress(keys, inbox, full)), full)
    }
})

test('MAIL 5.7: upper case stays valid, another base or domain does not', () => {
  const address = signedAddress(keys, inbox, token)
  assert.equal(readSignedAddress(keys, inbox, address.toUpperCase()), token)
  assert.is(readSignedAddress(keys, 'billing@desk.example', address.replace('support', 'billing')), null)
  assert.is(readSignedAddress(keys, 'support@other.example', address.replace('desk.', 'other.')), null)
})

test('MAIL 1.8, 5.8: every single flipped character makes it invalid, and it still looks signed', () => {
  const address = signedAddress(keys, inbox, token)
  const from = 'support+r'.length
  for (let i = from; i < address.indexOf('@'); i++) {
    const flipped = address.slice(0, i) + (address[i] === 'a' ? 'b' : 'a') + address.slice(i + 1)
    assert.is(readSignedAddress(keys, inbox, flipped), null, `position ${i}`)
    assert.ok(looksSigned(flipped))
  }
  assert.not(looksSigned('support+returns@desk.example'))
})

test('MAIL 5.7: 2^40 tickets fit into 64 characters with a base of 20', () => {
  const longest = {
    purpose: 'a' as const,
    inbox: 255,
    ticket: 2 ** 40,
    person: 65_535,
    generation: 15,
    comment: 65_535,
  }
  const local = signedAddress(keys, `${'a'.repeat(20)}@desk.example`, longest).split('@')[0]!
  assert.ok(local.length <= 64, `${local.length}`)
})

test('MAIL 5.8: an address signed by an older key is valid, one by an unknown key is not', () => {
  const old = signedAddress({ ...keys, current: 0 }, inbox, token)
  assert.equal(readSignedAddress(keys, inbox, old), token)
  assert.is(readSignedAddress({ ...keys, byId: new Map([[1, keys.byId.get(1)!]]) }, inbox, old), null)
})

test('MAIL 8.1, 6.4: our Message-IDs name their ticket, guessed and altered ones do not', () => {
  const id = makeMessageId(keys, 'c', 12, 'desk.example', now)
  assert.match(id, /^c\.c\.[0-9a-z]{26}\.[a-z2-7]{17}@desk\.example$/)
  assert.equal(readMessageId(keys, id), { kind: 'c', ticket: 12 })
  assert.equal(readMessageId(keys, id.toUpperCase()), { kind: 'c', ticket: 12 })
  for (const forged of [
    'ticket-5@desk.example',
    id.replace('c.c.', 'c.d.'),
    id.replace('desk.', 'other.'),
    `${id}x`,
    '',
  ])
    assert.is(readMessageId(keys, forged), null, forged)
  assert.is.not(id, makeMessageId(keys, 'c', 12, 'desk.example', now))
})

test('MAIL 8.2: the root of a ticket is always the same and names it, also after keys rotate', () => {
  const root = rootId(keys, 12, 'desk.example')
  assert.is(root, rootId(keys, 12, 'desk.example'))
  assert.is(root, rootId({ ...keys, current: 0 }, 12, 'desk.example'))
  assert.equal(readMessageId(keys, root), { kind: 't', ticket: 12 })
  const inside = agentRootId(keys, 12, 'desk.example')
  assert.equal(readMessageId(keys, inside), { kind: 'w', ticket: 12 })
  assert.is(readMessageId(keys, inside.replace(/^w/, 't')), null)
  assert.is(readMessageId(keys, root.replace(/^t/, 'w')), null)
  assert.equal(readMessageId(keys, root), { kind: 't', ticket: 12 })
})

test.run()
