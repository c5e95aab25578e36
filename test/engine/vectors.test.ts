/** The vector runner: passes what is right, fails what is wrong, unknown or unreadable, and counts it all. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { runVectors, vectorsCommand } from '../../src/engine/vectors.ts'
import { testDatabase } from '../database.ts'

const database = await testDatabase()
const { sql } = database
test.after(database.close)

const calendar = { tz: 'Europe/Paris', weekly: { 1: [['10:00', '12:00']] }, holidays: [], exceptions: {} }
const add = (id: string, due: string | null) =>
  JSON.stringify({
    id,
    op: 'add',
    calendar,
    start: '2026-11-23T00:00:00Z',
    duration_s: 5400,
    tags: [],
    expect: { due },
  })
const between = (id: string, seconds: unknown) =>
  JSON.stringify({
    id,
    op: 'between',
    calendar,
    a: '2026-11-23T00:00:00Z',
    b: '2026-11-24T00:00:00Z',
    expect: { seconds },
  })

test('right results pass, empty lines do not count', async () => {
  const lines = [`\uFEFF${add('a', '2026-11-23T10:30:00Z')}`, '', between('b', 7200), '  ']
  assert.equal(await runVectors(sql, lines), { passed: 2, failed: 0, failures: [] })
})

test('wrong results fail with both values', async () => {
  const result = await runVectors(sql, [add('a', '2026-11-23T10:30:01Z'), add('b', null), between('c', 7199)])
  assert.is(result.passed, 0)
  assert.is(result.failed, 3)
  assert.equal(result.failures, [
    { id: 'a', words: 'due 2026-11-23T10:30:00Z, expected 2026-11-23T10:30:01Z' },
    { id: 'b', words: 'due 2026-11-23T10:30:00Z, expected never' },
    { id: 'c', words: '7200 seconds, expected 7199' },
  ])
})

test('clock vectors run through the database, are undone, and fail where the rows differ', async () => {
  const clocks = {
    id: 'clock',
    calendars: { c1: { tz: 'UTC', weekly: { 1: [['08:00', '16:00']], 2: [['08:00', '16:00']] } } },
    policies: {
      p1: {
        calendar: 'c1',
        reopen: 'resume',
        pause_on: { first_response: [], next_response: [], resolution: ['on_hold'], ola: [] },
        targets: { normal: { first_response: 3600, resolution: 10 * 3600 } },
        ola: { l1: { normal: 1800 } },
        warn_pct: 50,
      },
    },
    teams: { l1: { calendar: null } },
    events: [
      {
        at: '2026-11-23T09:00:00Z',
        type: 'created',
        origin: 'customer',
        priority: 'normal',
        policy: 'p1',
        team: 'l1',
        assignee: 'a1',
        status: 'open',
      },
      { at: '2026-11-23T09:30:00Z', type: 'status', to: 'on_hold' },
      { at: '2026-11-23T11:00:00Z', type: 'agent_reply', public: true, automated: false, agent: 'a2' },
    ],
    as_of: '2026-11-23T12:00:00Z',
    expect: {
      clocks: [
        {
          kind: 'first_response',
          state: 'stopped',
          breached_at: '2026-11-23T10:00:00Z',
          breach_assignee: 'a1',
          over_by_s: 3600,
        },
        { kind: 'resolution', state: 'paused', elapsed_s: 1800, due_at: null, remaining_s: 34_200 },
        {
          kind: 'ola',
          team: 'l1',
          state: 'running',
          breached_at: '2026-11-23T09:30:00Z',
          warned_at: '2026-11-23T09:15:00Z',
        },
      ],
      next_due_at: null,
      ola_due_at: '2026-11-23T09:30:00Z',
    },
  }
  const wrong = structuredClone(clocks)
  wrong.expect.clocks[1]!.elapsed_s = 1801
  const result = await runVectors(sql, [JSON.stringify(clocks), JSON.stringify({ ...wrong, id: 'wrong' })])
  assert.equal(result.failures, [{ id: 'wrong', words: 'clocks.1.elapsed_s 1800, expected 1801' }])
  for (const table of ['tickets', 'teams', 'sla_clocks', 'calendars'])
    assert.is((await sql`select 1 from ${sql(table)}`).length, 0, table)
})

test('a goal never reached is null', async () => {
  const never = {
    id: 'n',
    op: 'add',
    calendar: { ...calendar, weekly: {} },
    start: '2026-11-23T00:00:00Z',
    duration_s: 1,
  }
  const result = await runVectors(sql, [JSON.stringify({ ...never, expect: { due: null } })])
  assert.is(result.passed, 1)
})

test('what is not handled, not JSON or not a vector fails and is named', async () => {
  const result = await runVectors(sql, [
    '{"id":"what","op":"subtract","expect":{}}',
    '{"id":"bill","entries":[]}',
    'not json',
    'null',
    between('text', '7200'),
    add('zone', '2026-11-23T11:30:00+01:00'),
  ])
  assert.is(result.passed, 0)
  assert.equal(
    result.failures.map((failure) => failure.id),
    ['what', 'bill', 'line 3', 'line 4', 'text', 'zone'],
  )
  assert.is(result.failures[0]?.words, 'not handled by this version')
  assert.match(result.failures[5]?.words ?? '', 'is not an instant')
})

test('the command counts all files, prints failures first and the sum last', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vectors-'))
  try {
    const [good, bad, empty] = ['good', 'bad', 'empty'].map((name) => join(folder, `${name}.jsonl`)) as [
      string,
      string,
      string,
    ]
    writeFileSync(good, `${between('a', 7200)}\r\n${add('b', '2026-11-23T10:30:00Z')}`)
    writeFileSync(bad, `${between('c', 1)}\n`)
    writeFileSync(empty, '')
    const run = async (...files: string[]) => {
      const printed: string[] = []
      return { code: await vectorsCommand(sql, files, (line) => printed.push(line)), printed }
    }
    assert.equal(await run(good), { code: 0, printed: ['2 passed, 0 failed'] })
    assert.equal(await run(bad, good), {
      code: 1,
      printed: [`${bad}: c: 7200 seconds, expected 1`, '2 passed, 1 failed'],
    })
    assert.equal(await run(empty), { code: 1, printed: ['0 passed, 0 failed'] })
    try {
      await run(join(folder, 'missing'))
      assert.unreachable('a missing file was read')
    } catch (error) {
      assert.is((error as { code?: string }).code, 'unreadable_file')
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test.run()
