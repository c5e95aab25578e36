/** Open queues: told within five seconds by a stream of their own, which ends with the sign-in, the browser or the daemon. */
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openClient } from '../../src/database.ts'
import { live as limits } from '../../src/limits.ts'
import { after, HOUR } from '../../src/time.ts'
import { startWatch } from '../../src/web/queues/watch.ts'
import { startWeb } from '../../src/web/server.ts'
import { testDatabase } from '../database.ts'
import { NOON, webDesk } from './desk.ts'

const database = await testDatabase()
const { sql } = database
const desk = await webDesk(sql)
const { ada, bo } = desk
const other = openClient(database.target, { max: 1, name: 'another daemon' })
const server = await startWeb(desk.web, { host: '127.0.0.1', port: 0 })
const { cookie, page } = await desk.signIn(ada)

test.after(async () => {
  await server.stop()
  await other.end()
  await database.close()
})

/** The address that a queue's page names for its stream. */
const streamOf = async (path: string) => /data-live="([^"]+)"/.exec(await page(path))![1]!.replaceAll('&amp;', '&')

/** A stream as a browser reads it: its events, one after the other. */
async function follow(path: string, options: { at?: string; headers?: Record<string, string> } = {}) {
  const cut = new AbortController()
  const answer = await fetch((options.at ?? server.address) + path, {
    headers: { cookie, ...options.headers },
    signal: cut.signal,
    redirect: 'manual',
  })
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  return {
    answer,
    /** The next event, or null when none came in time or the stream ended. */
    async event(milliseconds: number): Promise<string | null> {
      const late = sleep(milliseconds, null)
      for (;;) {
        const found = /event: change\n[\s\S]*?\n\n/.exec(text)?.[0]
        if (found) {
          text = text.replace(found, '')
          return found
        }
        const read = await Promise.race([reader.read(), late])
        if (!read || read.done) return null
        text += read.value
      }
    },
    close: () => cut.abort(),
  }
}

test('a change by another connection reaches the open page within five seconds, and nothing else does', async () => {
  const ticket = await desk.addTicket({ subject: 'first' })
  const stream = await follow(await streamOf('/queues/open'))
  assert.is(stream.answer.status, 200)
  assert.match(stream.answer.headers.get('content-type')!, 'text/event-stream')
  assert.is(stream.answer.headers.get('cache-control'), 'no-store')
  await sql`update agents set name = name where id = ${bo.id}` // committed, and not to be seen on the page
  const quiet = stream.event(limits.poll * 1.5)
  assert.is(await quiet, null)
  stream.close()

  const again = await follow(await streamOf('/queues/open'))
  const started = performance.now()
  await other`update tickets set next_due_at = ${after(NOON, HOUR).toISOString()}::timestamptz where id = ${ticket.id}`
  const told = await again.event(5000)
  assert.ok(told, 'no event')
  assert.ok(performance.now() - started < 5000)
  const mark = /^id: (.+)$/m.exec(told)![1]!
  assert.match(await streamOf('/queues/open'), `since=${mark}`)
  again.close()
})

test('what happened between the page and its stream is told at once, and so is what a lost stream missed', async () => {
  const before = await streamOf('/queues/open')
  await desk.addTicket({ subject: 'between' })
  const stream = await follow(before)
  const told = await stream.event(5000)
  assert.ok(told)
  stream.close()
  const id = /^id: (.+)$/m.exec(told)![1]!
  const later = await follow(before, { headers: { 'last-event-id': id } })
  assert.is(await later.event(limits.poll * 1.5), null)
  later.close()
})

test('a page is told of its own changes only', async () => {
  const [mine, open] = [await follow(await streamOf('/queues/mine')), await follow(await streamOf('/queues/open'))]
  await desk.addTicket({ assignee: 'bo@desk.example' })
  assert.ok(await open.event(5000))
  const before = mine.event(limits.poll)
  assert.is(await before, null)
  mine.close()
  open.close()
})

test('a stream is for who is signed in, for queues that are there, and not for any number of pages', async () => {
  const path = await streamOf('/queues/open')
  const stranger = await follow(path, { headers: { cookie: 'postroom=x' } })
  assert.is(stranger.answer.status, 303)
  assert.is(stranger.answer.headers.get('location'), '/sign-in')
  const { get } = await desk.signIn(bo)
  assert.is((await get('/queues/events?queue=everything')).status, 404)
  assert.is((await get('/queues/events')).status, 404)
  const head = await fetch(server.address + path, { method: 'HEAD', headers: { cookie } })
  assert.is(head.status, 200)

  await sleep(200) // the streams of the tests before are gone
  const streams = await Promise.all(Array.from({ length: limits.streams }, () => follow(path)))
  assert.equal(new Set(streams.map(({ answer }) => answer.status)), new Set([200]))
  assert.is((await follow(path)).answer.status, 429)
  streams[0]!.close()
  await sleep(200)
  const next = await follow(path)
  assert.is(next.answer.status, 200)
  for (const stream of [...streams, next]) stream.close()
})

test('streams end when the daemon stops, at once', async () => {
  const second = await startWeb(desk.web, { host: '127.0.0.1', port: 0 })
  const stream = await follow(await streamOf('/queues/open'), { at: second.address })
  const ended = stream.event(10_000).catch(() => 'cut')
  await sleep(100)
  const started = performance.now()
  await second.stop()
  assert.is(await ended, 'cut')
  assert.ok(performance.now() - started < 1000)
})

test('one look for all who wait, none for nobody, and one after an outage', async () => {
  let asked = 0
  let broken = false
  const counting = new Proxy(sql, {
    apply: (target, self, given) => {
      const text = (given[0] as string[]).join('')
      if (text.includes('pg_current_snapshot')) {
        asked++
        if (broken) throw Object.assign(new Error('gone'), { code: 'ECONNREFUSED' })
      }
      return Reflect.apply(target, self, given)
    },
  })
  const warned: string[] = []
  const log = { ...desk.web.log, warn: (event: string) => void warned.push(event) }
  const watch = startWatch({ sql: counting, log })
  const query = {
    queue: 'open' as const,
    agentId: ada.id,
    projectId: null,
    order: 'due' as const,
    after: null,
    before: null,
  }
  const all = Array.from({ length: 5 }, () => watch(query, 'nothing'))
  const marks = await Promise.all(all.map((one) => one.next(1000)))
  assert.ok(marks[0])
  assert.is(new Set(marks).size, 1)
  assert.is(asked, 1)
  broken = true
  await sleep(limits.poll + 200)
  await desk.addTicket()
  broken = false
  const told = await all[0]!.next(5000)
  assert.ok(told && told !== marks[0])
  assert.equal(warned, ['live_failed'])
  const waiting = all[1]!.next(60_000).then(() => all[1]!.next(60_000))
  for (const one of all) one.end()
  assert.is(await waiting, null)
  await sleep(limits.poll + 200)
  const then = asked
  await sleep(limits.poll + 200)
  assert.is(asked, then)
})

test.run()
