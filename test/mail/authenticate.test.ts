/** Verdicts on senders (MAIL 5.1-5.5, 5.11, 5.14): own keys, own zones, real signatures; no question leaves this machine. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { dkimSign, sealMessage } from 'mailauth'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Zone } from '../../src/config.ts'
import type { Auth, IncomingMail } from '../../src/incoming.ts'
import { silent } from '../../src/log.ts'
import { type Resolver, startResolver, zoneResolver } from '../../src/mail/authenticate/resolver.ts'
import { readResults, topmostId, trustedResults } from '../../src/mail/authenticate/results.ts'
import { authenticate, type Journey } from '../../src/mail/authenticate.ts'
import { parseHeaders } from '../../src/mail/parse/headers.ts'
import { startParser } from '../../src/mail/parse.ts'

const AT = new Date('2026-11-23T08:30:00Z')
const rsa = (bits: number) =>
  generateKeyPairSync('rsa', {
    modulusLength: bits,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
const good = rsa(2048)
const short = rsa(768)
const edwards = generateKeyPairSync('ed25519')
const record = (key: Buffer, more = '') => `v=DKIM1; k=rsa; ${more}p=${key.toString('base64')}`

const zone: Zone = {
  example: {}, // so that whatever is not here does not exist
  'reject.example': { TXT: ['v=spf1 ip4:192.0.2.10 -all'], A: ['192.0.2.10'] },
  '_dmarc.reject.example': { TXT: ['v=DMARC1; p=reject'] },
  's1._domainkey.reject.example': { TXT: [record(good.publicKey)] },
  'short._domainkey.reject.example': { TXT: [record(short.publicKey)] },
  'test._domainkey.reject.example': { TXT: [record(good.publicKey, 't=y; ')] },
  'ed._domainkey.reject.example': {
    TXT: [
      `v=DKIM1; k=ed25519; p=${Buffer.from(edwards.publicKey.export({ format: 'jwk' }).x!, 'base64url').toString('base64')}`,
    ],
  },
  'none.example': { TXT: ['v=spf1 ip4:192.0.2.10 -all'], A: ['192.0.2.10'] },
  '_dmarc.none.example': { TXT: ['v=DMARC1; p=none'] },
  'strict.example': { A: ['192.0.2.10'] },
  '_dmarc.strict.example': { TXT: ['v=DMARC1; p=quarantine; adkim=s; aspf=s'] },
  's1._domainkey.mail.strict.example': { TXT: [record(good.publicKey)] },
  'plain.example': { TXT: ['v=spf1 ip4:192.0.2.10 -all'], A: ['192.0.2.10'] },
  's1._domainkey.plain.example': { TXT: [record(good.publicKey)] },
  'other.example': { TXT: ['v=spf1 ip4:192.0.2.20 -all'], A: ['192.0.2.20'] },
  's1._domainkey.other.example': { TXT: [record(good.publicKey)] },
  's1._domainkey.lists.example': { TXT: [record(good.publicKey)] },
}
const resolver = zoneResolver(zone)

const temp = mkdtempSync(path.join(os.tmpdir(), 'postroom-auth-'))
const parser = await startParser({ temp, log: silent, children: 1 })
test.after(async () => {
  await parser.stop()
  rmSync(temp, { recursive: true, force: true })
})

const letter = (headers: Record<string, string> = {}, body = 'Please help.\r\nThe printer is on fire.\r\n') =>
  `${Object.entries({
    From: 'Eva <eva@reject.example>',
    To: 'support@desk.example',
    Subject: 'The printer',
    Date: 'Mon, 23 Nov 2026 09:29:00 +0100',
    'Message-ID': '<one@mail.example>',
    ...headers,
  })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n${body}`

type Signing = {
  domain?: string
  selector?: string
  key?: string
  at?: Date
  expires?: Date
  length?: number
  headers?: string
}
async function signed(raw: string, how: Signing = {}): Promise<string> {
  const { signatures, errors } = await dkimSign(raw, {
    canonicalization: 'relaxed/relaxed',
    signTime: how.at ?? new Date(AT.getTime() - 60_000),
    ...(how.expires && { expires: how.expires }),
    ...(how.headers && { headerList: how.headers.split(':') }),
    signatureData: [
      {
        signingDomain: how.domain ?? 'reject.example',
        selector: how.selector ?? 's1',
        privateKey: how.key ?? good.privateKey,
        ...(how.length !== undefined && { maxBodyLength: how.length }),
      },
    ],
  } as never)
  assert.equal(errors, [])
  return signatures + raw
}

async function parse(raw: string | Buffer): Promise<IncomingMail> {
  async function* bytes() {
    yield Buffer.from(raw)
  }
  const { mail, dispose } = await parser.parse(bytes())
  await dispose()
  assert.is(mail.error, null)
  return mail as IncomingMail
}

async function verdict(raw: string, journey: Partial<Journey> = {}, ask: Resolver = resolver): Promise<Auth> {
  const mail = await parse(raw)
  const whole: Journey = {
    mail,
    ip: '192.0.2.66',
    helo: 'client.elsewhere.example',
    envelopeFrom: mail.from?.address ?? '',
    authservId: null,
    sealers: [],
    receivedAt: AT,
    ...journey,
  }
  return await authenticate(Buffer.from(raw), whole, ask)
}

const HOME = { ip: '192.0.2.10' }
const WIRELESS = { ip: null, helo: null, envelopeFrom: null }
const from = (address: string, more: Record<string, string> = {}) => letter({ From: address, ...more })

test('5.1: the matrix of verdicts', async () => {
  const none = 'eva@none.example'
  const cases: [string, string, Partial<Journey>, string, string?][] = [
    ['aligned DKIM under p=reject', await signed(letter()), {}, 'strong', 'dmarc_pass'],
    ['aligned DKIM on a path without a client', await signed(letter()), WIRELESS, 'strong', 'dmarc_pass'],
    [
      'ed25519',
      await signed(letter(), {
        selector: 'ed',
        key: edwards.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      }),
      {},
      'strong',
    ],
    ['aligned SPF under p=reject', letter(), HOME, 'strong', 'dmarc_pass'],
    ['SPF of a subdomain aligns', letter(), { ...HOME, envelopeFrom: 'bounce@reject.example' }, 'strong'],
    [
      'aligned DKIM where there is no DMARC record',
      await signed(from('a@plain.example'), { domain: 'plain.example' }),
      {},
      'strong',
      'dkim_pass',
    ],
    [
      'DKIM of a parent domain aligns',
      await signed(from('a@team.plain.example'), { domain: 'plain.example' }),
      {},
      'strong',
    ],
    ['forwarded: SPF broken, DKIM good (5.11)', await signed(letter()), { ip: '198.51.100.9' }, 'strong'],
    ['aligned SPF where there is no DMARC record', from('a@plain.example'), HOME, 'weak', 'spf_only'],
    ['signed by another domain', await signed(from(none), { domain: 'other.example' }), {}, 'weak', 'dkim_unaligned'],
    [
      'SPF of another domain',
      from(none),
      { ip: '192.0.2.20', envelopeFrom: 'x@other.example' },
      'weak',
      'spf_unaligned',
    ],
    ['DMARC fails under p=none', from(none), {}, 'none', 'no_pass'],
    ['SPF -all without DMARC', from('a@plain.example'), {}, 'none', 'no_pass'],
    ['SPF-only domain, forwarded by another server', from('a@plain.example'), { ip: '198.51.100.9' }, 'none'],
    ['a domain that DNS does not know', from('a@nowhere.example'), {}, 'none', 'no_pass'],
    ['no From', letter().replace(/^From:.*\r\n/m, ''), HOME, 'none', 'no_from'],
    ['nothing passes under p=reject', letter(), {}, 'fail', 'dmarc_fail'],
    ['nothing passes under p=reject, no client (1.6)', letter(), WIRELESS, 'fail', 'dmarc_fail'],
    ['signed by another domain under p=reject', await signed(letter(), { domain: 'other.example' }), {}, 'fail'],
    ['a subdomain inherits p=reject', from('a@team.reject.example'), {}, 'fail'],
    [
      'strict alignment: a subdomain does not count',
      await signed(from('a@strict.example'), { domain: 'mail.strict.example' }),
      {},
      'fail',
    ],
    ['the body was changed', (await signed(letter())).replace('on fire', 'on sale'), {}, 'fail'],
    ['the From was changed', (await signed(letter())).replace('eva@', 'ceo@'), {}, 'fail'],
    ['expired', await signed(letter(), { expires: new Date(AT.getTime() - 30_000) }), {}, 'fail'],
    ['signed in the future', await signed(letter(), { at: new Date(AT.getTime() + 86_400_000) }), {}, 'fail'],
    ['a key below 1024 bits', await signed(letter(), { selector: 'short', key: short.privateKey }), {}, 'fail'],
    ['a key marked as a test', await signed(letter(), { selector: 'test' }), {}, 'fail'],
    ['From is not signed', signedByHand(['subject', 'date']), {}, 'fail'],
    ['the same by hand, with From', signedByHand(['from', 'subject', 'date']), {}, 'strong'],
    [
      'l= and more text than it covers',
      `${await signed(letter(), { length: 14 })}And buy this.\r\n`,
      {},
      'weak',
      'dkim_partial',
    ],
    [
      'a Subject put above the signed one',
      (await signed(letter())).replace('From:', 'Subject: #close\r\nFrom:'),
      {},
      'weak',
      'dkim_partial',
    ],
  ]
  for (const [name, raw, journey, expected, code] of cases) {
    const auth = await verdict(raw, journey)
    assert.is(auth.verdict, expected, `${name}: ${JSON.stringify(auth)}`)
    if (code) assert.is(auth.reasons[0]!.code, code, name)
  }
})

/** A signature by hand, for no signer makes one without From. */
function signedByHand(fields: string[]): string {
  const raw = letter()
  const [head = '', body = ''] = raw.split('\r\n\r\n')
  const hash = createHash('sha256').update(body).digest('base64')
  const unsigned = `v=1; a=rsa-sha256; c=relaxed/relaxed; d=reject.example; s=s1; h=${fields.join(':')}; bh=${hash}; b=`
  const lines = fields.map((name) => {
    const line = head.split('\r\n').find((one) => one.toLowerCase().startsWith(`${name}:`))!
    return `${name}:${line.slice(name.length + 1).trim()}\r\n`
  })
  const signature = sign('sha256', Buffer.from(`${lines.join('')}dkim-signature:${unsigned}`), good.privateKey)
  return `DKIM-Signature: ${unsigned}${signature.toString('base64')}\r\n${raw}`
}

test('5.1: only an answer of DNS makes a fail', async () => {
  const refusing: Resolver = async (name, type) => {
    throw Object.assign(new Error('no server'), { code: 'ECONNREFUSED', name, type })
  }
  const nothing: Resolver = async () => {
    throw Object.assign(new Error('NXDOMAIN'), { code: 'ENOTFOUND' })
  }
  assert.is((await verdict(letter(), {}, refusing)).verdict, 'none')
  const unknown = await verdict(letter(), {}, nothing)
  assert.is(unknown.verdict, 'none')
  assert.ok(unknown.reasons.some((one) => one.code === 'unknown_domain'))
  // the policy is known, the key cannot be asked for
  const halfway: Resolver = (name, type) => (name.includes('_domainkey') ? refusing(name, type) : resolver(name, type))
  const auth = await verdict(await signed(letter()), {}, halfway)
  assert.equal([auth.verdict, auth.reasons[0]!.code], ['none', 'temperror'])
  const blindSpf: Resolver = (name, type) => (name === 'reject.example' ? refusing(name, type) : resolver(name, type))
  assert.is((await verdict(letter(), {}, blindSpf)).verdict, 'none')
})

test('4.5, 4.9: an irregular From is never more than none, and a forged one is still forged', async () => {
  const two = await signed(letter({ From: 'Eva <eva@reject.example>, Ada <ada@desk.example>' }))
  assert.is((await verdict(two, HOME)).verdict, 'none')
  const hidden = letter({ From: '=?utf-8?q?Eva_=3Ceva=40reject=2Eexample=3E?=' })
  assert.is((await verdict(hidden, { ...HOME, envelopeFrom: 'eva@reject.example' })).verdict, 'none')
  const doubled = letter().replace('To:', 'From: ada@desk.example\r\nTo:')
  assert.is((await verdict(doubled, HOME)).verdict, 'none')
  assert.is((await verdict(doubled)).verdict, 'fail')
})

test('5.2: of 200 signatures ten are checked', async () => {
  let questions = 0
  const counting: Resolver = (name, type) => {
    if (name.includes('_domainkey')) questions++
    return resolver(name, type)
  }
  let raw = letter()
  const { signatures } = await dkimSign(raw, {
    canonicalization: 'relaxed/relaxed',
    signTime: AT,
    signatureData: Array.from({ length: 200 }, (_, n) => ({
      signingDomain: 'other.example',
      selector: `n${n}`,
      privateKey: good.privateKey,
    })),
  } as never)
  raw = signatures + raw
  const auth = await verdict(raw, {}, counting)
  assert.is(questions, 10)
  assert.ok(auth.reasons.some((one) => one.words.startsWith('190 more')))
})

test('5.2: a resolver that never answers costs five seconds a question, and its failure is remembered', async () => {
  const { resolver: ask, asked } = await silentServer()
  const began = Date.now()
  const first = await ask('slow.example', 'TXT').catch((error) => error.code)
  assert.ok(['ETIMEOUT', 'ECONNREFUSED'].includes(first), first)
  assert.ok(Date.now() - began < 6000)
  const again = Date.now()
  await ask('slow.example', 'TXT').catch(() => {})
  assert.ok(Date.now() - again < 100)
  asked.close()
})

async function silentServer() {
  const { createSocket } = await import('node:dgram')
  const asked = createSocket('udp4')
  await new Promise<void>((resolve) => asked.bind(0, '127.0.0.1', resolve))
  const servers = [`127.0.0.1:${asked.address().port}`]
  return { resolver: startResolver({ from: 'servers', servers }, () => new Date()), asked }
}

test('5.14: a zone answers, follows an alias, and cannot resolve what is not in it', async () => {
  const ask = zoneResolver({
    'acme.example': { TXT: ['v=spf1 -all'], MX: ['10 mail.acme.example'] },
    'key.acme.example': { CNAME: ['acme.example'] },
    'ring.acme.example': { CNAME: ['ring.acme.example'] },
  })
  const code = (name: string, type: string) => ask(name, type).catch((error) => error.code)
  assert.equal(await ask('ACME.example.', 'TXT'), [['v=spf1 -all']])
  assert.equal(await ask('acme.example', 'MX'), [{ exchange: 'mail.acme.example', priority: 10 }])
  assert.equal(await ask('key.acme.example', 'TXT'), [['v=spf1 -all']])
  assert.is(await code('acme.example', 'A'), 'ENODATA')
  assert.is(await code('nobody.acme.example', 'A'), 'ENOTFOUND')
  assert.is(await code('elsewhere.example', 'A'), 'ESERVFAIL')
  assert.is(await code('ring.acme.example', 'A'), 'ESERVFAIL')
})

const REAL =
  'mx.desk.example; dkim=pass header.d=reject.example; spf=pass smtp.mailfrom=eva@reject.example; dmarc=pass (p=reject) header.from=reject.example'
const FORGED = 'mx.desk.example; dmarc=pass header.from=reject.example'
const HOP =
  'Received: from client.elsewhere.example (client [192.0.2.66]) by mx.desk.example with ESMTP id 1; Mon, 23 Nov 2026 09:30:00 +0100\r\n'
const FOREIGN = 'Received: from a.example by b.example with SMTP id 2; Mon, 23 Nov 2026 09:29:00 +0100\r\n'
const judged = (...headers: string[]) =>
  `${headers.map((one) => (one.endsWith('\r\n') ? one : `Authentication-Results: ${one}\r\n`)).join('')}${letter()}`
const IMAP = { ...WIRELESS, authservId: 'mx.desk.example' }

test('5.3, X50: only the configured server, above the first foreign Received, topmost', async () => {
  const cases: [string, string, Partial<Journey>, string][] = [
    ['the real one', judged(HOP, REAL, FOREIGN), IMAP, 'strong'],
    ['the real one above our own Received', judged(REAL, HOP, FOREIGN), IMAP, 'strong'],
    ['nobody is configured', judged(HOP, REAL, FOREIGN), WIRELESS, 'fail'],
    ['another id', judged(HOP, REAL.replace('mx.', 'mx2.'), FOREIGN), IMAP, 'fail'],
    ['below a foreign Received', judged(HOP, FOREIGN, FORGED), IMAP, 'fail'],
    ['a second one below the real', judged(HOP, REAL.replaceAll('=pass', '=fail'), FORGED, FOREIGN), IMAP, 'fail'],
    [
      'the same in one value: words in a comment or quotes',
      judged(
        HOP,
        'mx.desk.example; spf=fail smtp.mailfrom="; dmarc=pass header.from=reject.example" (; dmarc=pass header.from=reject.example)',
      ),
      IMAP,
      'fail',
    ],
    [
      'an encoded word is no header syntax',
      judged(
        HOP,
        'mx.desk.example; spf=fail smtp.mailfrom==?utf-8?Q?x=3B_dmarc=3Dpass_header.from=3Dreject.example?=@b.example',
      ),
      IMAP,
      'fail',
    ],
    ['it judged another From (5.5)', judged(HOP, REAL.replace('header.from=reject', 'header.from=evil')), IMAP, 'none'],
    [
      'SPF of a server in front, for a domain that publishes a policy',
      judged(HOP, 'mx.desk.example; spf=pass smtp.mailfrom=eva@reject.example'),
      IMAP,
      'strong',
    ],
  ]
  for (const [name, raw, journey, expected] of cases) {
    const auth = await verdict(raw, journey)
    assert.is(auth.verdict, expected, `${name}: ${JSON.stringify(auth)}`)
  }
})

test('5.4: Microsoft 365 writes no id; its header counts below its own hops only', async () => {
  const results =
    'spf=pass (sender IP is 192.0.2.10) smtp.mailfrom=reject.example; dkim=pass (signature was verified) header.d=reject.example;dmarc=pass action=none header.from=reject.example;compauth=pass reason=100'
  const hop =
    'Received: from mail.reject.example (192.0.2.10) by AM0EUR02FT033.mail.protection.outlook.com (10.13.54.1) with Microsoft SMTP Server id 15.20; Mon, 23 Nov 2026 08:30:00 +0000\r\n'
  const account = { ...WIRELESS, authservId: 'm365' }
  assert.is((await verdict(judged(hop, results, FOREIGN), account)).verdict, 'strong')
  assert.is((await verdict(judged(FOREIGN, results), account)).verdict, 'fail')
  const hint = await verdict(
    judged(hop, results.replace('dmarc=pass', 'dmarc=fail').replace('spf=pass', 'spf=fail'), FOREIGN),
    account,
  )
  assert.is(hint.verdict, 'fail')
  assert.ok(hint.reasons.some((one) => one.code === 'compauth'))
})

test('RFC 8601: the header is read as it is written, and its topmost id can be named', () => {
  const read = readResults(
    'MX.Example 1 (really); dkim = pass header.d = a.example ; spf=fail (bad; dmarc=pass) smtp.mailfrom="x;y"@b.example;none',
  )
  assert.is(read.id, 'mx.example')
  assert.equal(read.methods, [
    { method: 'dkim', result: 'pass', props: { 'header.d': 'a.example' } },
    { method: 'spf', result: 'fail', props: { 'smtp.mailfrom': 'x;y@b.example' } },
  ])
  const { fields } = parseHeaders(Buffer.from(judged(HOP, REAL)))
  assert.is(topmostId(fields), 'mx.desk.example')
  assert.is(trustedResults(fields, 'MX.desk.example')?.id, 'mx.desk.example')
  assert.is(trustedResults(fields, 'other.example'), null)
})

test('5.1: a trusted chain of seals rescues what a forwarder broke, another does not', async () => {
  const original = await signed(letter())
  const changed = original.replace('Please help.', '[list] Please help.')
  const sealed = async (domain: string, results: string) => {
    const seal = {
      signingDomain: domain,
      selector: 's1',
      privateKey: good.privateKey,
      authResults: results,
      cv: 'none',
    }
    return `${await sealMessage(changed, seal as never)}${changed}`
  }
  const saw = 'lists.example; dmarc=pass header.from=reject.example'
  const believed = { sealers: ['lists.example'] }
  const auth = await verdict(await sealed('lists.example', saw), believed)
  assert.equal([auth.verdict, auth.reasons[0]!.code], ['weak', 'arc'], JSON.stringify(auth))
  assert.is((await verdict(await sealed('lists.example', saw))).verdict, 'fail')
  assert.is((await verdict(await sealed('other.example', saw), believed)).verdict, 'fail')
  assert.is((await verdict(await sealed('lists.example', saw.replace('pass', 'fail')), believed)).verdict, 'fail')
  assert.is(
    (await verdict((await sealed('lists.example', saw)).replace('on fire', 'on sale'), believed)).verdict,
    'fail',
  )
})

test('0.4: a body made to be slow costs little, and a mail without signature is not read', async () => {
  const mail = await parse(await signed(letter()))
  const journey: Journey = {
    mail,
    ip: null,
    helo: null,
    envelopeFrom: null,
    authservId: null,
    sealers: [],
    receivedAt: AT,
  }
  const head = (await signed(letter())).split('\r\n\r\n')[0]!
  for (const byte of ['a', '\n']) {
    const began = Date.now()
    async function* slow() {
      yield Buffer.from(`${head}\r\n\r\n`)
      for (let n = 0; n < 40; n++) yield Buffer.alloc(256 * 1024, byte)
    }
    assert.is((await authenticate(slow, journey, resolver)).verdict, 'fail')
    assert.ok(Date.now() - began < 3000, `${JSON.stringify(byte)}: ${Date.now() - began} ms`)
  }
  const bare = await parse(letter())
  const never = () => {
    throw new Error('opened')
  }
  assert.is((await authenticate(never, { ...journey, mail: bare }, resolver)).verdict, 'fail')
})

test('an outage while reading is an outage, not a verdict', async () => {
  const raw = await signed(letter())
  const mail = await parse(raw)
  async function* broken() {
    yield Buffer.from(raw.slice(0, 400))
    throw new Error('connection lost')
  }
  const journey: Journey = {
    mail,
    ip: null,
    helo: null,
    envelopeFrom: null,
    authservId: null,
    sealers: [],
    receivedAt: AT,
  }
  const words = await authenticate(broken, journey, resolver).then(
    () => 'a verdict',
    (error) => error.message,
  )
  assert.is(words, 'connection lost')
})

test('LF line ends and pieces of any size verify alike', async () => {
  const raw = await signed(letter())
  const mail = await parse(raw)
  const journey: Journey = {
    mail,
    ip: null,
    helo: null,
    envelopeFrom: null,
    authservId: null,
    sealers: [],
    receivedAt: AT,
  }
  for (const form of [raw, raw.replaceAll('\r\n', '\n')])
    for (const size of [1, 7, 100_000]) {
      async function* pieces() {
        for (let at = 0; at < form.length; at += size) yield Buffer.from(form.slice(at, at + size))
      }
      assert.is((await authenticate(pieces, journey, resolver)).verdict, 'strong', `${size}`)
    }
})

test.run()
