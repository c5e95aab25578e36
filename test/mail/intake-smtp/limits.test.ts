/** Limits, outages and ends: what the listeners do when clients, the disk or the database are not as they should be. */
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { connect } from '../../../src/database.ts'
import { type Log, silent, startLog } from '../../../src/log.ts'
import { type Spool, startSpool } from '../../../src/mail/spool/accept.ts'
import * as tls from '../../tls.ts'
import { MAIL, openHouse } from './listen.ts'

const { spool, listening, raw, hello, rows, tmp, clear, close } = await openHouse()
test.after.each(clear)
test.after(close)

test('a full disk defers before anything is taken (1.2)', async () => {
  let free = 2_000
  const client = await hello(await listening({ limits: { reserve: 1_000 }, diskFree: async () => free }))
  assert.match(await client.ask('MAIL FROM:<a@b.example> SIZE=1001'), /^452 4\.3\.1 /)
  assert.match(await client.ask('MAIL FROM:<a@b.example> SIZE=1000'), /^250 /)
  await client.ask('RSET')
  free = 999
  assert.match(await client.ask('MAIL FROM:<a@b.example>'), /^452 4\.3\.1 /)
})

test('a client that talks before the greeting is refused on mx, not on lmtp (1.17)', async () => {
  const mx = await listening()
  for (const early of ['EHLO x.example\r\n', 'EH']) {
    const client = await raw(mx)
    await client.send(early)
    assert.match(await client.reply(), /^554 5\.5\.1 /)
    assert.is(await client.closed(), '')
  }
  const relay = await raw(await listening({ listener: { kind: 'lmtp' } }))
  await relay.send('LHLO relay.example\r\n')
  assert.match(await relay.reply(), /^220 /)
  assert.match(await relay.reply(), /^250-/)
})

test('connections: a cap for all', async () => {
  const place = await listening({ limits: { connections: 3 } })
  const inside = await Promise.all([hello(place), hello(place), hello(place)])
  const client = await raw(place)
  assert.match(await client.reply(), /^421 4\.7\.0 /)
  assert.is(await client.closed(), '')
  await inside[0]!.ask('QUIT')
  await inside[0]!.closed()
  await sleep(20)
  assert.match(await (await raw(place)).reply(), /^220 /, 'a place is free again')
})

test('a TLS session gives its place back too', async () => {
  const place = await listening({ limits: { connections: 1 }, listener: { tls } })
  for (let round = 0; round < 3; round++) {
    const client = await hello(place)
    await client.ask('STARTTLS')
    await client.secure()
    assert.match(await client.ask('EHLO x.example'), /^250-/)
    client.leave()
    await sleep(50)
  }
})

test('too many errors end a connection', async () => {
  const client = await hello(await listening({ limits: { errors: 5 } }))
  for (let n = 0; n < 4; n++) assert.match(await client.ask('MAIL FROM:broken'), /^501 /)
  assert.match(await client.ask('MAIL FROM:broken'), /^501 /)
  assert.match(await client.closed(), /^421 4\.7\.0 /)
})

test('slow clients are cut while others are served (1.16)', async () => {
  const limits = { idle: 300, data: 300, dataMinimum: 60_000 } // 300 bytes in 300 ms
  const place = await listening({ limits })
  const inCommand = await Promise.all(Array.from({ length: 10 }, () => hello(place)))
  const inData = await Promise.all(Array.from({ length: 10 }, () => hello(place)))
  for (const client of inData) await client.begin('eva@acme.example', 'support@desk.example')
  let dripping = true
  const drip = async () => {
    while (dripping) {
      for (const client of [...inCommand, ...inData]) await client.send('x')
      await sleep(50)
    }
  }
  const drips = drip()
  const honest = await hello(place)
  const since = Date.now()
  await honest.begin('eva@acme.example', 'support@desk.example')
  assert.match(await honest.body(MAIL), /^250 /)
  assert.ok(Date.now() - since < 1000)
  const last = await Promise.all([...inCommand, ...inData].map((client) => client.closed()))
  dripping = false
  await drips
  assert.equal(new Set(last.map((words) => words.slice(0, 9))), new Set(['421 4.4.2']))
  assert.is((await rows()).length, 1)
})

test('a session has an end, but a steady sender is not slow', async () => {
  const place = await listening({ limits: { data: 100, dataMinimum: 60_000, session: 700 } })
  const client = await hello(place)
  await client.begin('eva@acme.example', 'support@desk.example')
  const since = Date.now()
  void client.closed().then(() => client.leave())
  let closed = false
  void client.closed().then(() => {
    closed = true
  })
  while (!closed && Date.now() - since < 3000) {
    await client.send('y'.repeat(300))
    await sleep(30)
  }
  assert.ok(closed, 'closed')
  assert.ok(Date.now() - since > 500, 'not before its time')
})

test('a client that goes in the middle of DATA leaves nothing behind', async () => {
  const place = await listening()
  const client = await hello(place)
  await client.begin('eva@acme.example', 'support@desk.example')
  await client.send(MAIL + 'x'.repeat(600_000))
  for (let n = 0; n < 250 && readdirSync(tmp).length === 0; n++) await sleep(20)
  assert.is(readdirSync(tmp).filter((name) => name.startsWith('smtp-')).length, 1)
  client.leave()
  for (let n = 0; n < 100 && readdirSync(tmp).some((name) => name.startsWith('smtp-')); n++) await sleep(20)
  assert.equal(readdirSync(tmp), [])
  assert.is((await rows()).length, 0)
})

test('without a database: 451, no row, and back by itself (1.2)', async () => {
  const lines: string[] = []
  const log: Log = startLog('warn', (line) => lines.push(line))
  const away = connect({ path: '/nonexistent/.s.PGSQL.5432', user: 'x', database: 'x' }, { name: 'test' })
  let down = true
  const broken = startSpool({ sql: away.sql, log: silent })
  const either: Spool = { accept: (arrival) => (down ? broken : spool).accept(arrival), stop: async () => {} }
  const client = await hello(await listening({ spool: either, log }))
  for (const body of [MAIL, MAIL + 'x'.repeat(600_000)]) {
    await client.begin('eva@acme.example', 'support@desk.example')
    assert.match(await client.body(body), /^451 4\.3\.0 /)
  }
  assert.equal(
    lines.map((line) => JSON.parse(line).event),
    ['mail_deferred', 'mail_deferred'],
  )
  assert.is((await rows()).length, 0)
  down = false
  await client.begin('eva@acme.example', 'support@desk.example')
  assert.match(await client.body(MAIL), /^250 /)
  await away.end()
})

test('a database that does not answer: 451 in time', async () => {
  const hanging: Spool = { accept: () => new Promise(() => {}), stop: async () => {} }
  const client = await hello(await listening({ spool: hanging, limits: { commit: 100 } }))
  await client.begin('eva@acme.example', 'support@desk.example')
  assert.match(await client.body(MAIL), /^451 4\.3\.0 /)
})

test('a mail the database refuses for good is deferred, not lost and not answered with 250', async () => {
  const lines: string[] = []
  const bad: Spool = { accept: async () => Promise.reject(new Error('a bug')), stop: async () => {} }
  const client = await hello(await listening({ spool: bad, log: startLog('warn', (line) => lines.push(line)) }))
  await client.begin('eva@acme.example', 'support@desk.example')
  assert.match(await client.body(MAIL), /^451 4\.3\.0 /)
  assert.is(JSON.parse(lines[0]!).event, 'mail_not_stored')
})

test('stop: idle clients get 421, DATA under way is finished and counts, no new connections (1.21)', async () => {
  const intake = await listening()
  const idle = await hello(intake)
  const busy = await hello(intake)
  await busy.begin('eva@acme.example', 'support@desk.example')
  await busy.send(MAIL)
  await sleep(20)
  const since = Date.now()
  const stopping = intake.stop()
  assert.match(await idle.closed(), /^421 4\.3\.2 /)
  assert.match(await busy.body('the rest'), /^250 2\.6\.0 /)
  assert.match(await busy.closed(), /^421 4\.3\.2 /)
  await stopping
  assert.ok(Date.now() - since < 2000)
  assert.is((await rows()).length, 1)
  const late = await raw(intake)
  assert.is(await late.closed(), '')
})

test('stop: a client that does not finish gets 421 and no row (1.21)', async () => {
  const intake = await listening({ limits: { stop: 200 } })
  const client = await hello(intake)
  await client.begin('eva@acme.example', 'support@desk.example')
  await client.send(MAIL)
  await sleep(20)
  await intake.stop()
  assert.match(await client.closed(), /^421 4\.3\.2 /)
  assert.is((await rows()).length, 0)
})

test('a port that is taken is an error at start', async () => {
  const { port } = await listening()
  const code = await listening({ listener: { listen: `127.0.0.1:${port}` } }).catch((error) => error.code)
  assert.is(code, 'EADDRINUSE')
})

test.run()
