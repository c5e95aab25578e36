import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { z } from 'zod'
import { type Config, loadConfig } from '../src/config.ts'
import { Refusal } from '../src/errors.ts'
import { readTree, readYaml, showProblem } from '../src/yaml.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'postroom-config-'))
test.after(() => rmSync(folder, { recursive: true }))

const empty = path.join(folder, 'empty')
mkdirSync(empty)

const LISTENER = 'listeners: [{kind: mx, listen: "127.0.0.1:0"}]\n'
const load = (text: string, env: NodeJS.ProcessEnv = {}): Config => {
  const file = path.join(folder, 'postroom.yml')
  writeFileSync(file, text)
  return loadConfig({ file, env, cwd: '/nowhere' })
}

/** The words of the refusal; every line must have line, column, cause and remedy. */
function refusal(text: string, env: NodeJS.ProcessEnv = {}): string {
  try {
    load(text, env)
  } catch (error) {
    assert.instance(error, Refusal)
    assert.is((error as Refusal).fault, 'config')
    const words = (error as Refusal).message
    if (words.startsWith('postroom.yml'))
      for (const line of words.split('\n')) assert.match(line, /^postroom\.yml:\d+:\d+: .+; .+/)
    return words
  }
  throw new Error(`accepted: ${text}`)
}

test('without a file it is the demo desk, all on this machine', () => {
  const config = loadConfig({ env: {}, cwd: empty })
  assert.is(config.file, null)
  assert.is(config.data, path.join(empty, 'data'))
  assert.is(config.database, 'embedded')
  assert.equal(config.listeners, [
    { kind: 'mx', listen: { host: '127.0.0.1', port: 2525 }, tls: null, mode: 0o660, authservId: null },
  ])
  assert.equal(config.web, { listen: { host: '127.0.0.1', port: 8025 }, url: null })
  assert.is(config.relay, null)
  assert.match(config.desk.fallback!, 'support@desk.example')
  assert.ok(config.dns.from === 'zone' && config.dns.zone['_dmarc.acme.example']?.TXT?.[0] === 'v=DMARC1; p=none')
})

test('the environment moves the demo desk, and data may be given three ways', () => {
  const env = {
    POSTROOM_SMTP: '[::1]:2600',
    POSTROOM_WEB: 'localhost:0',
    POSTROOM_RELAY: 'smtps://desk:p%40ss@relay.example',
    DATABASE_URL: 'postgres://desk@db.example/desk',
    POSTROOM_DATA: 'else',
  }
  const config = loadConfig({ env, cwd: empty })
  assert.equal(config.listeners[0]!.listen, { host: '::1', port: 2600 })
  assert.equal(config.web.listen, { host: 'localhost', port: 0 })
  assert.equal(config.database, { url: env.DATABASE_URL })
  const { host, port, tls, user, password } = config.relay!
  assert.equal(
    { host, port, tls, user, password },
    { host: 'relay.example', port: 465, tls: 'implicit', user: 'desk', password: 'p@ss' },
  )
  assert.is(config.data, path.join(empty, 'else'))
  assert.is(loadConfig({ env, cwd: empty, data: '/srv/desk' }).data, '/srv/desk')
  for (const [name, value] of [
    ['POSTROOM_SMTP', '25'],
    ['POSTROOM_WEB', 'x:99999'],
    ['POSTROOM_RELAY', 'relay.example'],
    ['DATABASE_URL', 'mysql://x/y'],
  ])
    assert.throws(() => loadConfig({ env: { [name!]: value }, cwd: empty }), new RegExp(`^${name} is no .*: write `))
})

test('a file: named, by the environment, or nearby; its paths are relative to it', () => {
  const nearby = path.join(folder, 'nearby')
  mkdirSync(nearby)
  const file = path.join(nearby, 'postroom.yml')
  writeFileSync(file, `${LISTENER}data: ./here\ndesk: desk.yml\n`)
  for (const options of [{ file, env: {} }, { env: { POSTROOM_CONFIG: file } }, { env: {}, cwd: nearby }]) {
    const config = loadConfig({ cwd: folder, ...options })
    assert.is(config.file, file)
    assert.is(config.data, path.join(nearby, 'here'))
    assert.equal(config.desk, { file: path.join(nearby, 'desk.yml'), fallback: null })
  }
  assert.throws(() => loadConfig({ file: 'absent.yml', env: {}, cwd: folder }), /absent\.yml cannot be read/)
})

test('values come from the environment and from files', () => {
  writeFileSync(path.join(folder, 'secret.txt'), 'two words \n')
  const text = `${LISTENER}relay: {url: smtp://u@127.0.0.1:25, password: {file: secret.txt}}\nweb: {url: {env: SITE}}\n`
  const config = load(text, { SITE: 'https://desk.example/' })
  assert.is(config.relay!.password, 'two words ')
  assert.is(config.relay!.tls, 'opportunistic')
  assert.is(config.web.url, 'https://desk.example')
  assert.match(refusal(text), 'postroom.yml:3:12: web.url: the environment variable SITE is not set; ')
  assert.match(
    refusal(text.replace('secret', 'sicret'), { SITE: 'https://x' }),
    /relay\.password: the file sicret\.txt cannot be read .*; make it readable/,
  )
})

test('the object is frozen all the way down', () => {
  const config = loadConfig({ env: {}, cwd: empty })
  assert.throws(() => {
    ;(config.listeners[0]!.listen as { host: string }).host = 'x'
  })
  assert.throws(() => config.limits.trusted.push('x'))
})

test('listeners, networks, sizes, mailboxes', () => {
  const config = load(`
listeners:
  - {kind: lmtp, listen: /run/postroom/lmtp.sock, mode: "666"}
limits: {message: 1.5 MB, trusted: [10.0.0.0/8, ::1, 192.0.2.7]}
dns: [192.0.2.53]
mailboxes:
  - {name: a, inbox: support, host: imap.example, user: u, password: "1", tls: starttls, after: {move: Done}, first: {days: 7}, sent: Sent}
  - {name: b, inbox: support, host: imap.example, user: u, oauth: {client_id: c, refresh_token: r, token_url: https://idp.example/token}}
`)
  assert.equal(config.listeners[0], {
    kind: 'lmtp',
    listen: { path: '/run/postroom/lmtp.sock' },
    tls: null,
    mode: 0o666,
    authservId: null,
  })
  assert.is(config.limits.message, 1.5 * 1024 * 1024)
  assert.equal(config.limits.trusted, ['10.0.0.0/8', '::1/128', '192.0.2.7/32'])
  assert.equal(config.dns, { from: 'servers', servers: ['192.0.2.53'] })
  const [a, b] = config.mailboxes
  assert.equal([a!.port, a!.after, a!.importDays, a!.sent], [143, { do: 'move', folder: 'Done' }, 7, 'Sent'])
  assert.ok(b!.port === 993 && 'oauth' in b!.login && b!.login.oauth.clientSecret === null)
})

test('a private key for DKIM is tried', () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  writeFileSync(path.join(folder, 'dkim.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const text = `${LISTENER}relay: {url: smtp://relay.example, dkim: {domain: desk.example, selector: s1, key: {file: dkim.pem}}}`
  const { relay } = load(text)
  assert.match(relay!.dkim!.key, 'PRIVATE KEY')
  assert.is(relay!.tls, 'required')
  writeFileSync(path.join(folder, 'dkim.pem'), 'nonsense secret')
  const words = refusal(text)
  assert.match(words, 'relay.dkim.key: this is no private key that can be read; write {file: ...}')
  assert.not.match(words, 'nonsense')
})

test('every kind of mistake has its line, column, cause and remedy', () => {
  const check = (text: string, want: string) => assert.match(refusal(text), want)
  check('', 'nothing can come in; add a listener or a mailbox')
  check(
    `${LISTENER}databse: embedded`,
    'postroom.yml:2:1: databse: "databse" is not a known key; did you mean "database"?',
  )
  check(
    `${LISTENER}limits: {mesage: 5 MB}`,
    'postroom.yml:2:10: limits.mesage: "mesage" is not a known key; did you mean "message"?',
  )
  check(`${LISTENER}zzz: 1`, '; known here: database, data, web, listeners')
  check(
    `${LISTENER}limits: {message: big}`,
    'postroom.yml:2:19: limits.message: this is no size that may stand here; write a size',
  )
  check(
    `${LISTENER}limits: {message: 5}`,
    'postroom.yml:2:19: limits.message: 5 is a number where a text is expected; write a size',
  )
  check(`${LISTENER}limits: {trusted: [10.0.0.0/64]}`, 'limits.trusted[0]: this is no network; write it as 10.0.0.0/8')
  check(
    `${LISTENER}limits: {bare_newline: keep}`,
    'limits.bare_newline: "keep" is not known here; write one of: normalise, refuse',
  )
  check(
    'listeners: [{kind: smtp, listen: "127.0.0.1:25"}]',
    'listeners[0].kind: "smtp" is not known here; write one of: mx, lmtp',
  )
  check(
    'listeners: [{kind: mx}]',
    'postroom.yml:1:13: listeners[0].listen: the key "listen" is missing; write host:port',
  )
  check('listeners: [{kind: mx, listen: "300.1.1.1:25"}]', 'listeners[0].listen: this is no place to listen')
  check(
    'listeners: [{kind: mx, listen: /tmp/x.sock}]',
    'an mx listener has no socket file; write host:port, or kind: lmtp',
  )
  check(
    `listeners: [{kind: lmtp, listen: /${'x'.repeat(120)}}]`,
    'this is no place to listen; write host:port, or the absolute path of a socket of at most 107',
  )
  check(
    'listeners: [{kind: mx, listen: "[::1]:25"}, {kind: lmtp, listen: "[::1]:25"}]',
    '::1:25 is listened on twice; remove one',
  )
  check(
    'listeners: {kind: mx}',
    'listeners: {"kind":"mx"} is a mapping (key: value) where a list is expected; write a list such as',
  )
  check(`${LISTENER}database: mysql://x`, 'database: this is no database; write embedded, or postgres://')
  check(`${LISTENER}relay: {url: ftp://x}`, 'relay.url: this is no relay; write smtps://')
  check(
    `${LISTENER}relay: {url: smtp://u@relay.example, tls: opportunistic}`,
    'the password could travel in the clear; write required',
  )
  check(
    `${LISTENER}relay: {url: smtp://relay.example, password: x}`,
    'relay.url: there is a password and no user; write smtps://user@host',
  )
  check(
    `${LISTENER}relay: {url: smtp://relay.example, concurrency: 0}`,
    'relay.concurrency: 0 is not allowed; write a whole number from 1 to 100',
  )
  check(`${LISTENER}dns: [dns.example]`, 'dns[0]: "dns.example" is no address; write an address')
  check(`${LISTENER}dns: {zone: absent.yml}`, 'absent.yml cannot be read')
  const box = 'mailboxes: [{name: a, inbox: s, host: imap.example, user: u'
  check(`${box}}]`, 'mailboxes[0]: a mailbox has either a password or oauth; write password')
  check(
    `${box}, password: x, tls: none}]`,
    'mailboxes[0].tls: the password would travel in the clear; write implicit or starttls',
  )
  check(
    `${box}, password: x, folders: [INBOX, Sent], sent: Sent}]`,
    'mailboxes[0].sent: a folder that is polled cannot take the copies of what is sent; write the name of another folder',
  )
  check(
    `${box}, password: x, folders: [INBOX, Spam], junk: Spam}]`,
    'mailboxes[0].junk: a folder of other mail cannot be the spam folder; take it out of folders, or name another one',
  )
  check(`${box}, password: x, after: {mv: Done}}]`, 'mailboxes[0].after.mv: "mv" is not a known key; ')
  check(
    `${box}, password: x, after: burn}]`,
    'mailboxes[0].after: "burn" is not allowed here; write none, seen, keyword, delete, or {move: FOLDER}',
  )
  check(
    `${box}, password: x, first: {days: 0}}]`,
    'mailboxes[0].first.days: 0 is not allowed; write a whole number from 1 to 3650',
  )
})

test('YAML itself: doubled keys, documents, tags, aliases, nesting, length', () => {
  const check = (text: string, want: string) => assert.match(refusal(text), want)
  check('desk: a\ndesk: b\n', 'postroom.yml:2:1: map keys must be unique; keep one of the two')
  check('desk: a\n---\ndesk: b\n', 'remove the line --- and what follows it')
  check('desk: !!js/function x\n', 'postroom.yml:1:7: unresolved tag: tag:yaml.org,2002:js/function; remove the tag')
  check('web: {listen: x\n', '; ')
  check('web:\n\tlisten: x\n', '; ')
  const bomb = [
    'a: &a [x, x, x, x, x, x, x, x, x]',
    ...'bcdefgh'.split('').map((name, n) => `${name}: &${name} [${`*${'abcdefgh'[n]}, `.repeat(9)}]`),
  ]
  check(
    bomb.join('\n'),
    'postroom.yml:1:1: its aliases (*name) or its nesting unfold to far more than is written; write the values out',
  )
  check(`desk: ${'['.repeat(100_000)}`, '; ')
  check(`desk: ${'x'.repeat(3_000_000)}`, 'the file is longer than')
  check('just text', 'is a text where a mapping (key: value) is expected')
})

test('a value behind an alias is found, and __proto__ is a key like any other', () => {
  const schema = z.strictObject({ a: z.array(z.strictObject({ n: z.number() })), b: z.strictObject({ n: z.string() }) })
  const { problems } = readYaml('a: [&one {n: 5}]\nb: *one\n', 'x.yml', schema)
  assert.equal(problems.map(showProblem), [
    'x.yml:1:14: b.n: 5 is a number where a text is expected; put it in quotes: "5"',
  ])
  const evil = readYaml('__proto__: {polluted: 1}\n', 'x.yml', z.strictObject({ a: z.string().optional() }))
  assert.is(evil.problems.length, 1)
  assert.is(({} as Record<string, unknown>).polluted, undefined)
})

test('what YAML reads as text stays text', () => {
  const { value } = readTree('a: 09:00\nb: 01-01\nc: no\nd: 2026-12-25\ne: 1_000\nf: 0o17\n', 'x.yml')
  assert.equal(value, { a: '09:00', b: '01-01', c: 'no', d: '2026-12-25', e: '1_000', f: 15 })
})

test.run()
