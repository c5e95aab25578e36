import { createHash, randomBytes } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { blobBytes } from '../../src/blobs.ts'
import { isOutage, listen, openClient, type Sql, transaction } from '../../src/database.ts'
import { Refusal } from '../../src/errors.ts'
import * as limits from '../../src/limits.ts'
import { silent } from '../../src/log.ts'
import { acceptIn, startSpool } from '../../src/mail/spool/accept.ts'
import { claim, extend, fail, findLikeness, finish, giveBack, quarantine } from '../../src/mail/spool/claims.ts'
import {
  discard,
  type Envelope,
  getMail,
  listMails,
  MAIL_CHANNEL,
  type Outcome,
  purge,
  readRaw,
  release,
  retry,
} from '../../src/mail/spool.ts'
import { after, DAY, MINUTE } from '../../src/time.ts'
import { testDatabase } from '../database.ts'

const database = await testDatabase()
const { sql } = database
const spool = startSpool({ sql, log: silent })
test.before.each(database.empty)
test.after(async () => {
  await spool.stop()
  await database.close()
})

const now = new Date('2026-03-02T10:00:00Z')

const envelope = (more: Partial<Envelope> = {}): Envelope => ({
  via: 'mx',
  listener: 'mx',
  from: 'eva@acme.example',
  recipients: [{ address: 'support@desk.example', inbox: 'support', tag: null }],
  session: { ip: '192.0.2.1', helo: 'mail.acme.example', tls: false },
  prefix: 'Return-Path: <eva@acme.example>\r\n',
  receivedAt: now,
  ...more,
})

const mail = (id: string, references: string[] = [], body = 'Hello') =>
  Buffer.from(
    [
      'From: Eva <eva@acme.example>',
      'Subject: Printer',
      `Message-ID: <${id}>`,
      ...(references.length ? [`References: ${references.map((one) => `<${one}>`).join(' ')}`] : []),
      '',
      body,
      '',
    ].join('\r\n'),
  )

const accept = (bytes: Buffer, more: Partial<Envelope> = {}) => spool.accept({ envelope: envelope(more), bytes })

const outcome = (more: Partial<Outcome> = {}): Outcome => ({
  state: 'recorded',
  kind: 'human',
  messageId: '<a@acme.example>',
  from: 'eva@acme.example',
  subject: 'Printer',
  ticketId: null,
  commentId: null,
  duplicateOf: null,
  dedupeKey: null,
  likeness: null,
  reasons: [{ code: 'test', words: 'Because.' }],
  trace: { steps: ['one'] },
  ...more,
})

const end = (id: number, worker: string, more: Partial<Outcome> = {}, at = now) =>
  transaction(sql, (tx) => finish(tx, [{ id, worker, outcome: outcome(more) }], at))

const refusal = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  return error instanceof Refusal ? error.code : `not refused: ${error}`
}

const count = async (table: string) => (await sql<{ n: number }[]>`select count(*) as n from ${sql(table)}`)[0]!.n

async function* cut(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

test('an accepted mail is there whole, with its envelope, its ids and a notification', async () => {
  let woken = 0
  const listening = await listen(sql, MAIL_CHANNEL, (payload) => {
    woken++
    assert.is(payload, '')
  })
  const atFirst = woken
  const raw = mail('a@acme.example', ['b@acme.example', 'c@acme.example'])
  const { id } = await accept(raw, { session: { helo: 'nul\0 lone \ud800', smtputf8: true } })
  const row = await getMail(sql, id)
  assert.is(row.state, 'received')
  assert.equal(row.recipients, envelope().recipients)
  assert.equal(row.session, { helo: 'nul\ufffd lone \ufffd', smtputf8: true })
  assert.is(row.prefix, envelope().prefix)
  assert.is(row.from, 'eva@acme.example')
  assert.is(row.subject, 'Printer')
  assert.equal(row.receivedAt, now)
  assert.is(row.bytes, raw.length)
  assert.equal(await blobBytes(sql, row.blobId!, 1e6), raw)
  assert.is(await count('pending_ids'), 3)
  for (let round = 0; woken === atFirst && round < 100; round++) await new Promise((done) => setTimeout(done, 10))
  assert.ok(woken > atFirst, 'woken')
  await listening.stop()
  const traced: Buffer[] = []
  for await (const chunk of readRaw(sql, { id, form: 'traced' })) traced.push(chunk)
  assert.equal(Buffer.concat(traced), Buffer.concat([Buffer.from(envelope().prefix), raw]))
})

test('mails sent at once share commits and keep the order of arrival; equal bytes are stored once', async () => {
  const raws = Array.from({ length: 300 }, (_, n) => mail(`${n % 290}@acme.example`))
  const ids = (await Promise.all(raws.map((raw) => accept(raw)))).map((stored) => stored.id)
  assert.equal(
    ids,
    [...ids].sort((a, b) => a - b),
    'in the order they were handed over',
  )
  assert.is(new Set(ids).size, 300)
  assert.is(await count('blobs'), 290)
  const [commits] = await sql<{ n: number }[]>`select count(distinct xmin::text) as n from inbound_mails`
  assert.ok(commits!.n < 20, `${commits!.n} commits`)
  for (const n of [0, 150, 299]) {
    const row = await getMail(sql, ids[n]!)
    assert.equal(await blobBytes(sql, row.blobId!, 1e6), raws[n])
  }
})

test('a mail of no bytes, and one of exactly a chunk, are stored', async () => {
  for (const raw of [Buffer.alloc(0), randomBytes(limits.spool.small), randomBytes(limits.spool.small + 1)]) {
    const { id } = await accept(raw)
    const row = await getMail(sql, id)
    assert.equal(await blobBytes(sql, row.blobId!, 1e6), raw)
  }
})

test('a large mail streams, and its ids are found in its head', async () => {
  const raw = Buffer.concat([mail('big@acme.example', ['small@acme.example']), randomBytes(3_000_000)])
  const { id } = await spool.accept({ envelope: envelope(), bytes: cut(raw, 70_001) })
  const row = await getMail(sql, id)
  assert.is(row.bytes, raw.length)
  const stored = await blobBytes(sql, row.blobId!, 1e7)
  assert.is(createHash('sha256').update(stored).digest('hex'), createHash('sha256').update(raw).digest('hex'))
  assert.is(await count('pending_ids'), 2)
})

test('a source that breaks leaves nothing behind, and the spool goes on', async () => {
  async function* breaking() {
    yield randomBytes(2_000_000)
    throw new Error('cable cut')
  }
  const broken = Array.from({ length: limits.spool.large + 2 }, () =>
    spool.accept({ envelope: envelope(), bytes: breaking() }).then(
      () => 'stored',
      (error: Error) => error.message,
    ),
  )
  assert.equal(new Set(await Promise.all(broken)), new Set(['cable cut']))
  assert.is(await count('inbound_mails'), 0)
  assert.is(await count('blob_chunks'), 0)
  const { id } = await spool.accept({ envelope: envelope(), bytes: cut(randomBytes(500_000), 10_000) })
  assert.is((await getMail(sql, id)).bytes, 500_000)
})

test('one row that the database refuses does not cost its neighbours', async () => {
  const bad = { via: 'pigeon' as Envelope['via'], receivedAt: new Date(Number.NaN) }
  const results = await Promise.allSettled([
    accept(mail('1@acme.example')),
    accept(mail('2@acme.example'), bad),
    accept(mail('3@acme.example')),
  ])
  assert.equal(
    results.map((result) => result.status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.is(await count('inbound_mails'), 2)
})

test('the server kills the connection under a large mail: an outage, nothing is left, and the next one goes in', async () => {
  let sent = 0
  async function* endless() {
    while (true) {
      sent++
      yield randomBytes(300_000)
      if (sent % 20 === 0)
        await sql`
          select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and query like 'copy blob_chunks%'`
      await new Promise((done) => setTimeout(done, sent > 20 ? 20 : 0))
    }
  }
  const error = await spool.accept({ envelope: envelope(), bytes: endless() }).catch((thrown) => thrown)
  assert.ok(isOutage(error), String(error))
  // The driver hands its last error to one more query of each connection (test/database/lost.test.ts).
  await Promise.allSettled(Array.from({ length: 2 * limits.database.pool }, () => sql`select pg_sleep(0.01)`))
  assert.is(await count('inbound_mails'), 0)
  assert.is(await count('blobs'), 0)
  assert.ok((await spool.accept({ envelope: envelope(), bytes: cut(randomBytes(2_000_000), 50_000) })).id > 0)
})

test('after stop nothing is taken and what was handed over is settled', async () => {
  const own = startSpool({ sql, log: silent })
  const before = own.accept({ envelope: envelope(), bytes: mail('a@acme.example') })
  await own.stop()
  assert.is(await count('inbound_mails'), 1)
  assert.ok((await before).id > 0)
  const refused = await own.accept({ envelope: envelope(), bytes: mail('b@acme.example') }).catch((error) => error)
  assert.ok(isOutage(refused))
})

test('acceptIn is undone with its transaction', async () => {
  await transaction(sql, async (tx) => {
    await acceptIn(tx, { envelope: envelope({ via: 'imap', from: null }), bytes: mail('a@acme.example') })
    throw new Error('cursor lost')
  }).catch(() => {})
  assert.is(await count('inbound_mails'), 0)
  assert.is(await count('blobs'), 0)
})

test('a claim takes the oldest first and only once, counts the attempt, and gives back what it was given', async () => {
  const ids = []
  for (const n of [1, 2, 3]) ids.push((await accept(mail(`${n}@acme.example`))).id)
  const first = await claim(sql, { worker: 'w1', limit: 2 }, now)
  assert.equal(
    first.map((claimed) => claimed.id),
    ids.slice(0, 2),
  )
  assert.equal(first[0]!.envelope, envelope())
  assert.is(first[0]!.attempts, 1)
  assert.is(first[0]!.exhausted, false)
  const second = await claim(sql, { worker: 'w2', limit: 5 }, now)
  assert.equal(
    second.map((claimed) => claimed.id),
    ids.slice(2),
  )
  assert.is((await getMail(sql, ids[0]!)).state, 'processing')
})

test('a mail waits while an older unfinished one shares an id, also within one claim', async () => {
  const first = (await accept(mail('a@acme.example'))).id
  const reply = (await accept(mail('b@acme.example', ['a@acme.example']))).id
  const last = (await accept(mail('c@acme.example', ['b@acme.example']))).id
  const other = (await accept(mail('z@borealis.example'))).id
  const taken = async () => (await claim(sql, { worker: 'w', limit: 10 }, now)).map((claimed) => claimed.id)
  assert.equal(await taken(), [first, other])
  assert.equal(await taken(), [])
  await end(first, 'w', { state: 'held' })
  assert.equal(await taken(), [reply], 'held counts as finished')
  await transaction(sql, (tx) =>
    quarantine(tx, { id: reply, worker: 'w', ticketId: null, reason: { code: 'x', words: 'x' } }, now),
  )
  assert.equal(await taken(), [last], 'quarantined counts as finished')
  await end(last, 'w')
  await end(other, 'w')
  assert.is(await count('pending_ids'), 0)
})

test('four workers keep the order of arrival in every conversation', async () => {
  const conversations = 12
  const length = 8
  const arrived: string[][] = Array.from({ length: conversations }, () => [])
  const stored: Promise<unknown>[] = []
  for (let turn = 0; turn < length; turn++) {
    for (let which = 0; which < conversations; which++) {
      const id = `${which}.${turn}@acme.example`
      arrived[which]!.push(id)
      const references = turn === 0 ? [] : [`${which}.${turn - 1}@acme.example`]
      stored.push(accept(mail(id, references)))
    }
  }
  await Promise.all(stored)
  const done: string[][] = Array.from({ length: conversations }, () => [])
  let left = conversations * length
  const work = async (worker: string) => {
    while (left > 0) {
      const claimed = await claim(sql, { worker, limit: 5 }, now)
      for (const { id, blobId } of claimed) {
        const raw = (await blobBytes(sql, blobId, 1e6)).toString()
        const messageId = /^Message-ID: <(.*)>/m.exec(raw)![1]!
        await end(id, worker)
        done[Number(messageId.split('.')[0])]!.push(messageId)
        left--
      }
      if (claimed.length === 0) await new Promise((again) => setTimeout(again, 2))
    }
  }
  await Promise.all(['w1', 'w2', 'w3', 'w4'].map(work))
  assert.equal(done, arrived)
  assert.equal(
    (await listMails(sql, {})).map((row) => row.state),
    Array.from({ length: conversations * length }, () => 'recorded'),
  )
})

test('a lease runs out, passes to another worker, and the first cannot end the mail any more', async () => {
  const { id } = await accept(mail('a@acme.example'))
  await claim(sql, { worker: 'dead', limit: 1 }, now)
  assert.equal(await claim(sql, { worker: 'w2', limit: 1 }, after(now, limits.pipeline.lease - 1)), [])
  assert.equal(await extend(sql, { worker: 'dead', ids: [id] }, after(now, MINUTE)), [id])
  const later = after(now, MINUTE + limits.pipeline.lease)
  assert.equal(await claim(sql, { worker: 'w2', limit: 1 }, after(later, -1)), [], 'renewed')
  assert.is((await claim(sql, { worker: 'w2', limit: 1 }, later))[0]!.attempts, 2)
  assert.equal(await extend(sql, { worker: 'dead', ids: [id] }, later), [])
  assert.is(await refusal(end(id, 'dead')), 'lease_lost')
  assert.is(await refusal(fail(sql, { worker: 'dead', id, words: 'x' }, later)), 'lease_lost')
  await end(id, 'w2')
  assert.is(await refusal(end(id, 'w2')), 'lease_lost', 'a mail ends once')
})

test('2.15: mails that were begun before come back one at a time, beside any number of fresh ones', async () => {
  for (let n = 0; n < 4; n++) await accept(mail(`${n}@acme.example`))
  assert.is((await claim(sql, { worker: 'dead', limit: 10 }, now)).length, 4)
  const later = after(now, limits.pipeline.lease)
  const fresh = (await accept(mail('fresh@acme.example'))).id
  const taken = await claim(sql, { worker: 'w', limit: 10 }, later)
  assert.equal(
    taken.map((one) => one.attempts),
    [2, 1],
  )
  assert.is(taken[1]!.id, fresh)
  assert.equal(await claim(sql, { worker: 'w', limit: 10, suspects: 'none' }, later), [])
  assert.is((await claim(sql, { worker: 'w', limit: 10 }, later)).length, 1)
})

test('a lost lease undoes what was done in the same transaction', async () => {
  const { id } = await accept(mail('a@acme.example'))
  await claim(sql, { worker: 'w', limit: 1 }, now)
  const work = transaction(sql, async (tx) => {
    await tx`insert into leases (name, holder, until) values ('effect', 'x', now())`
    await finish(tx, [{ id, worker: 'other', outcome: outcome() }], now)
  })
  assert.is(await refusal(work), 'lease_lost')
  assert.is(await count('leases'), 0)
})

test('2.15: of the mails that were begun before the one begun least often is next, so that deaths spread', async () => {
  const tired = (await accept(mail('a@acme.example'))).id
  const fresher = (await accept(mail('b@acme.example'))).id
  const blocked = (await accept(mail('c@acme.example', ['a@acme.example']))).id
  await sql`update inbound_mails set attempts = case id when ${tired} then 3 when ${fresher} then 2 else 1 end`
  const taken = async (at: Date) => (await claim(sql, { worker: 'w', limit: 10 }, at)).map((claimed) => claimed.id)
  assert.equal(await taken(now), [fresher], `not ${blocked}, whose older mail is unfinished`)
  assert.equal(await taken(now), [tired])
  await end(tired, 'w', {})
  assert.equal(await taken(now), [blocked])
})

test('a mail that dies in every attempt is handed out as exhausted and then quarantined', async () => {
  const { id } = await accept(mail('a@acme.example'))
  let at = now
  for (let attempt = 1; attempt <= limits.pipeline.deaths; attempt++) {
    assert.is((await claim(sql, { worker: 'w', limit: 1 }, at))[0]!.exhausted, false)
    at = after(at, limits.pipeline.lease)
  }
  const [last] = await claim(sql, { worker: 'w', limit: 1 }, at)
  assert.is(last!.exhausted, true)
  const reason = { code: 'poison', words: 'Died three times.' }
  await transaction(sql, (tx) => quarantine(tx, { id, worker: 'w', ticketId: null, reason }, at))
  const row = await getMail(sql, id)
  assert.is(row.state, 'quarantined')
  assert.equal(row.reasons, [reason])
})

test('a failure counts and waits longer each time; an outage does neither count nor pile up words', async () => {
  const { id } = await accept(mail('a@acme.example'))
  const take = async (at: Date) => (await claim(sql, { worker: 'w', limit: 1 }, at))[0]
  for (const round of [1, 2, 3, 4]) {
    assert.is((await take(after(now, round)))!.attempts, 1)
    await giveBack(sql, { worker: 'w', id, delay: 1, words: `outage ${round}` }, after(now, round))
  }
  assert.equal((await getMail(sql, id)).reasons, [{ code: 'given_back', words: 'outage 4' }])
  assert.is((await take(after(now, 10)))!.attempts, 1)
  assert.is(await fail(sql, { worker: 'w', id, words: 'bang' }, now), 'again')
  assert.is(await take(after(now, limits.pipeline.backoff - 1)), undefined)
  assert.is((await take(after(now, limits.pipeline.backoff)))!.attempts, 2)
  assert.is(await fail(sql, { worker: 'w', id, words: 'bang' }, now), 'again')
  assert.is(await take(after(now, 2 * limits.pipeline.backoff - 1)), undefined)
  assert.is((await take(after(now, 2 * limits.pipeline.backoff)))!.attempts, 3)
  assert.is(await fail(sql, { worker: 'w', id, words: 'bang' }, now), 'exhausted')
  await transaction(sql, (tx) => {
    return quarantine(tx, { id, worker: 'w', ticketId: null, reason: { code: 'x', words: 'x' } }, now)
  })
})

test('20 parallel mails with one dedupe key: one keeps it, 19 are told and find it', async () => {
  const stored = await Promise.all(Array.from({ length: 20 }, (_, n) => accept(mail(`${n}@acme.example`))))
  await claim(sql, { worker: 'w', limit: 20 }, now)
  const dedupeKey = createHash('sha256').update('same').digest()
  const results = await Promise.all(stored.map(({ id }) => refusal(end(id, 'w', { dedupeKey }))))
  assert.is(results.filter((result) => result === 'duplicate_mail').length, 19, results.join())
  const kept = stored[results.findIndex((result) => result !== 'duplicate_mail')]!.id
  for (const { id } of stored.filter((one) => one.id !== kept)) {
    const earlier = await findLikeness(sql, { id, messageId: null, dedupeKeys: [dedupeKey] })
    assert.equal(
      earlier.map((one) => [one.id, one.sameKey]),
      [[kept, true]],
    )
    await end(id, 'w', { duplicateOf: kept })
  }
  assert.is((await listMails(sql, { states: ['recorded'] })).length, 20)
})

test('likeness is found by Message-ID too, and an absent id is never compared (3.1)', async () => {
  const first = (await accept(mail('a@acme.example'))).id
  const second = (await accept(mail('b@acme.example'))).id
  await claim(sql, { worker: 'w', limit: 5 }, now)
  const likeness = { from: 'eva@acme.example', date: 'x', subject: 'y', body: 'z', bare: 'z', list: false }
  await end(first, 'w', { messageId: '<same@acme.example>', likeness, dedupeKey: Buffer.from('k1') })
  const found = await findLikeness(sql, {
    id: second,
    messageId: '<same@acme.example>',
    dedupeKeys: [Buffer.from('k2')],
  })
  assert.equal(
    found.map((one) => [one.id, one.sameKey, one.likeness]),
    [[first, false, likeness]],
  )
  assert.equal(await findLikeness(sql, { id: second, messageId: null, dedupeKeys: [] }), [])
  assert.equal(
    await findLikeness(sql, { id: first, messageId: '<same@acme.example>', dedupeKeys: [] }),
    [],
    'not itself',
  )
})

test('finish stores what is odd: NUL and lone surrogates anywhere in the trace', async () => {
  const { id } = await accept(mail('a@acme.example'))
  await claim(sql, { worker: 'w', limit: 1 }, now)
  await end(id, 'w', { subject: 'a\0b', trace: { deep: ['\0', '\ud800'] }, reasons: [{ code: 'c', words: '\0' }] })
  const row = await getMail(sql, id)
  assert.is(row.subject, 'a\ufffdb')
  assert.equal(row.trace, { deep: ['\ufffd', '\ufffd'] })
})

test('retry, release and discard: who, when, why; each only from its state', async () => {
  const ids: number[] = []
  for (const n of [1, 2, 3]) ids.push((await accept(mail(`${n}@acme.example`, ['root@acme.example']))).id)
  const [held, poison, other] = ids as [number, number, number]
  for (const id of ids) {
    await claim(sql, { worker: 'w', limit: 5 }, now)
    await end(id, 'w', id === held ? { state: 'held' } : { state: id === poison ? 'quarantined' : 'recorded' })
  }
  const verb = (work: (tx: Parameters<typeof retry>[0]) => Promise<void>) => refusal(transaction(sql, work))
  assert.is(await verb((tx) => retry(tx, { id: held, by: 'ada' }, now)), 'mail_state')
  assert.is(await verb((tx) => release(tx, { id: other, by: 'ada' }, now)), 'mail_state')
  assert.is(await verb((tx) => discard(tx, { id: other, by: 'ada', why: '' }, now)), 'mail_state')
  assert.is(await verb((tx) => discard(tx, { id: 999_999, by: 'ada', why: '' }, now)), 'no_mail')
  const later = after(now, MINUTE)
  await transaction(sql, (tx) => release(tx, { id: held, by: 'ada@desk.example' }, later))
  await transaction(sql, (tx) => retry(tx, { id: poison, by: 'ada@desk.example' }, later))
  assert.is(await count('pending_ids'), 4)
  const [again] = await claim(sql, { worker: 'w', limit: 5 }, later)
  assert.is(again!.id, held, 'at its old place')
  assert.equal(again!.releasedAt, later)
  assert.is(again!.attempts, 1)
  await end(held, 'w', { state: 'held' })
  await transaction(sql, (tx) => discard(tx, { id: held, by: 'ada@desk.example', why: 'spam' }, later))
  const row = await getMail(sql, held)
  assert.is(row.state, 'discarded')
  assert.is(row.settledBy, 'ada@desk.example')
  assert.equal(row.reasons.at(-1), { code: 'discarded', words: 'Discarded by ada@desk.example: spam' })
})

test('the purge discards what was held too long, removes raws after that, and keeps shared content', async () => {
  const shared = mail('same@acme.example')
  const kept = (await accept(shared)).id
  const heldTwin = (await accept(shared)).id
  const heldAlone = (await accept(mail('alone@acme.example'))).id
  for (const id of [kept, heldTwin, heldAlone]) {
    await claim(sql, { worker: 'w', limit: 5 }, now)
    await end(id, 'w', { state: id === kept ? 'recorded' : 'held', dedupeKey: Buffer.from(`key ${id}`) })
  }
  const at = (days: number) => after(now, days * DAY)
  const none = { discarded: 0, removed: 0, forgotten: 0 }
  assert.equal(await purge(sql, at(30)), none)
  assert.equal(await purge(sql, at(31)), { ...none, discarded: 2 })
  assert.is((await getMail(sql, heldAlone)).settledBy, 'purge')
  assert.equal(await purge(sql, at(61)), none)
  assert.equal(await purge(sql, at(62)), { ...none, removed: 2 })
  assert.is((await getMail(sql, heldAlone)).blobId, null)
  assert.is(await count('blobs'), 1)
  assert.equal(await blobBytes(sql, (await getMail(sql, kept)).blobId!, 1e6), shared)
  assert.equal(await purge(sql, at(401)), { ...none, forgotten: 1 })
})

test('a claim reads no finished rows, however many there are', async () => {
  const { id: blobOwner } = await accept(mail('first@acme.example'))
  const { blobId } = await getMail(sql, blobOwner)
  await sql`
    insert into inbound_mails (received_at, due_at, via, recipients, blob_id, bytes, state)
    select ${now}, ${now}, 'mx', '[]', ${blobId}, 1, 'recorded' from generate_series(1, 20000)`
  for (let n = 0; n < 50; n++) await accept(mail(`${n}@acme.example`))
  await sql`analyze inbound_mails`
  const one = openClient(database.target, { max: 1 }) // statistics are counted by connection
  const before = await rowsRead(one)
  for (let n = 0; n < 5; n++) assert.is((await claim(one, { worker: 'w', limit: 10 }, now)).length, 10)
  const read = (await rowsRead(one)) - before
  await one.end()
  assert.ok(read >= 50 && read < 2000, `${read} rows read`)
})

/** Rows of inbound_mails that this connection fetched, by scan or by index. */
async function rowsRead(one: Sql): Promise<number> {
  await one`select pg_stat_force_next_flush()`
  const [row] = await one<{ n: number }[]>`
    select seq_tup_read + idx_tup_fetch as n from pg_stat_user_tables where relname = 'inbound_mails'`
  return row!.n
}

test.run()
