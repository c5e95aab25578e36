import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Refusal } from '../src/errors.ts'
import { loadSecret, open, seal } from '../src/secrets.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'postroom-secrets-'))
test.after(() => rmSync(folder, { recursive: true }))

const refused = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code

test('what is sealed opens with the same secret only, and looks different each time', () => {
  const secret = loadSecret({ env: { POSTROOM_SECRET: 'correct horse battery' }, data: folder })
  const other = loadSecret({ env: { POSTROOM_SECRET: 'correct horse batterx' }, data: folder })
  const sealed = seal(secret, 'pässwörd')
  assert.is(open(secret, sealed).toString(), 'pässwörd')
  assert.is(open(secret, seal(secret, '')).length, 0)
  assert.not.equal(sealed, seal(secret, 'pässwörd'))
  assert.throws(() => open(other, sealed), refused('wrong_secret'))
})

test('a changed, cut or empty seal is refused', () => {
  const secret = loadSecret({ env: { POSTROOM_SECRET: 'correct horse battery' }, data: folder })
  const sealed = seal(secret, Buffer.from('token key'))
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed)
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
    assert.throws(() => open(secret, changed), refused('wrong_secret'), `byte ${at}`)
  }
  for (const cut of [0, 1, 13, 20, sealed.length - 1])
    assert.throws(() => open(secret, sealed.subarray(0, cut)), refused('wrong_secret'), `cut at ${cut}`)
})

test('the key file is made once, readable by its owner only, and found again', () => {
  const data = path.join(folder, 'data')
  const first = loadSecret({ env: {}, data })
  assert.is(first.length, 32)
  assert.equal(loadSecret({ env: {}, data }), first)
  assert.equal(readdirSync(data), ['secret.key'])
  assert.is(statSync(path.join(data, 'secret.key')).mode & 0o777, 0o600)
  assert.not.equal(loadSecret({ env: {}, data: path.join(folder, 'other') }), first)
})

test('a short secret is refused', () => {
  assert.throws(() => loadSecret({ env: { POSTROOM_SECRET: 'hunter2' }, data: folder }), refused('weak_secret'))
})

test.run()
