import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transaction } from '../../../src/database.ts'
import { checkRules } from '../../../src/engine/desk/check.ts'
import { parseDesk } from '../../../src/engine/desk/document.ts'
import { holidayFilesIn, readHolidayFiles } from '../../../src/engine/desk/holiday-files.ts'
import { loadDesk } from '../../../src/engine/desk/load.ts'
import { type WatchOptions, watchDesk } from '../../../src/engine/desk/watch.ts'
import { howText } from '../../../src/engine/due-words.ts'
import { listOutdated } from '../../../src/engine/sla/find-due.ts'
import { listClocks } from '../../../src/engine/sla/read.ts'
import { sweepOutdated } from '../../../src/engine/tickets/sweep.ts'
import { silent } from '../../../src/log.ts'
import { showProblem } from '../../../src/yaml.ts'
import { demoDesk, MONDAY, mail, startDesk } from '../../desk.ts'

const BERLIN = 'weekly: {mon-fri: ["09:00-17:00"]}}\n  - {key: new-york'
assert.ok(demoDesk.includes(BERLIN))
const named = (files: string) => demoDesk.replace(BERLIN, BERLIN.replace('}}', `}, holidays_from: ${files}}`))

const folder = mkdtempSync(path.join(os.tmpdir(), 'postroom-holidays-'))
test.after(() => rmSync(folder, { recursive: true }))
const desk = await startDesk()
const { sql } = desk
test.before.each(async () => {
  await desk.idle()
  await desk.database.empty()
})
test.after(() => desk.stop())

const deskFile = path.join(folder, 'desk.yml')
const write = (text: string) => writeFileSync(deskFile, text)
const writeDays = (name: string, ...days: [date: string, name: string][]) => {
  const events = days.map(
    ([date, summary]) =>
      `BEGIN:VEVENT\nDTSTART;VALUE=${date.includes('T') ? 'DATE-TIME' : 'DATE'}:${date}\nSUMMARY:${summary}\nEND:VEVENT\n`,
  )
  writeFileSync(path.join(folder, name), `BEGIN:VCALENDAR\n${events.join('')}END:VCALENDAR\n`)
}
const watching = (options: Partial<WatchOptions> = {}) =>
  watchDesk({ sql, file: deskFile, fallback: null, log: silent, clock: () => desk.clock.at, poll: 100, ...options })
const until = async (what: string, holds: () => boolean | Promise<boolean>) => {
  for (let round = 0; !(await holds()); round++) {
    if (round > 2000) throw new Error(`never: ${what}`)
    await sleep(20)
  }
}

test('the days of the files a calendar names close it, beside its own holidays, with their names', async () => {
  mkdirSync(path.join(folder, 'years'), { recursive: true })
  writeDays('public.ics', ['20261124', 'Day of Trees'], ['20261125', 'Day of Tea'])
  writeDays('years/own.ics', ['20261126', 'Our birthday'])
  const text = named('[public.ics, years/own.ics], holidays: ["12-25"], exceptions: {"2026-11-25": ["10:00-12:00"]}')
  assert.equal(holidayFilesIn(text), ['public.ics', 'years/own.ics'])
  write(text)
  await (await watching()).stop()
  const berlin = (await loadDesk(sql)).calendars.get('berlin')!
  assert.equal(berlin.files, ['public.ics', 'years/own.ics'])
  assert.equal(berlin.calendar.holidays, ['12-25', '2026-11-24', '2026-11-25', '2026-11-26'])
  const stretch = { from: MONDAY.getTime() / 1000, due: Date.parse('2026-11-27T10:00:00Z') / 1000 }
  assert.match(
    howText({ calendar: berlin.calendar, targetSeconds: 36_000, locale: 'en', ...stretch }),
    '24 Nov closed (Day of Trees), 25 Nov 10-12, 26 Nov closed (Our birthday), Berlin',
  )
})

test('a changed file is a new version of desk and calendar, and moves what open tickets are due', async () => {
  writeDays('public.ics', ['20261225', 'Christmas'])
  write(named('public.ics'))
  desk.clock.at = MONDAY
  const watch = await watching()
  try {
    const first = watch.desk().version
    const text = named(path.join(folder, 'public.ics'))
    await desk.change(text) // the same days by another name
    const { ticket_id: id } = await desk.deliver(mail({}))
    const due = async () => (await listClocks(sql, id!, desk.clock.at)).find((one) => one.kind === 'resolution')!.due_at
    const before = Date.parse((await due())!)
    const calendar = (await loadDesk(sql)).calendars.get('berlin')!.version
    await until('the other version', () => watch.desk().version > first)

    writeFileSync(deskFile, text)
    await until('the version of the file', () => watch.desk().version > first)
    const second = watch.desk().version
    writeDays('public.ics', ['20261225', 'Christmas'], ['20261124', 'Day of Trees'])
    await until('the new day', () => watch.desk().version > second)
    const now = watch.desk().calendars.get('berlin')!
    assert.is(now.version, calendar + 1)
    assert.equal(now.calendar.holidays, ['2026-11-24', '2026-12-25'])
    for (const version of await listOutdated(sql))
      await transaction(sql, (tx) => sweepOutdated(tx, { version, after: 0 }, MONDAY))
    assert.is(Date.parse((await due())!) - before, 86_400_000)

    // Another daemon, on a machine without the file, runs what the version holds.
    const other = await watching({ file: null })
    await other.stop()
    assert.equal(other.desk().calendars.get('berlin')!.calendar.names, {
      '2026-11-24': 'Day of Trees',
      '2026-12-25': 'Christmas',
    })
    const versions = (await sql`select count(*)::int as n from rule_sets`)[0]!.n
    await (await watching()).stop()
    assert.is((await sql`select count(*)::int as n from rule_sets`)[0]!.n, versions, 'nothing new is no version')
  } finally {
    await watch.stop()
  }
})

test('a bad or missing file is refused with its line, the last good desk stays, and a mended one is taken', async () => {
  writeDays('public.ics', ['20261225', 'Christmas'])
  write(named('public.ics'))
  const refused: (string | null)[] = []
  const watch = await watching({ onRefused: (words) => refused.push(words) })
  try {
    const version = watch.desk().version
    writeDays('public.ics', ['20261225', 'Christmas'], ['20261224T140000', 'Half a day'])
    await until('the refusal', () => refused.length === 1)
    assert.match(refused[0]!, /^public\.ics:7:1: DTSTART is a time of day.*exceptions:$/)
    rmSync(path.join(folder, 'public.ics'))
    await until('the absence', () => refused.length === 2)
    assert.match(
      refused[1]!,
      /^public\.ics:1:1: .*no such file.*; write the path of an \.ics file relative to the desk file/i,
    )
    assert.is(watch.desk().version, version)
    assert.equal(watch.desk().calendars.get('berlin')!.calendar.holidays, ['2026-12-25'])
    writeDays('public.ics', ['20261226', 'Boxing Day'])
    await until('the mended file', () => watch.desk().calendars.get('berlin')!.calendar.holidays[0] === '2026-12-26')
    assert.is(refused.at(-1), null)
  } finally {
    await watch.stop()
  }
})

test('addresses, other encodings, folders and files that are too large are refused; `rules check` says so too', async () => {
  const check = async (files: string, want: RegExp) => {
    const text = named(files)
    const holidays = await readHolidayFiles(text, folder)
    assert.match(parseDesk(text, 'desk.yml', { holidays }).problems.map(showProblem).join('\n'), want)
    const { ok, lines } = await checkRules({ text, file: 'desk.yml', holidays })
    assert.is(ok, false)
    assert.match(lines.join('\n'), want)
  }
  await check('https://dates.example/berlin.ics', /nothing is fetched: save the file/)
  await check(
    '{a: 1}',
    /^desk\.yml:13:\d+: calendars\[0\]\.holidays_from: calendar "berlin": names no files; write the path/,
  )
  await check('[1]', /names no files/)
  writeFileSync(
    path.join(folder, 'latin.ics'),
    Buffer.from('BEGIN:VCALENDAR\nSUMMARY:Allerheiligen \xfc\nEND:VCALENDAR', 'latin1'),
  )
  await check('latin.ics', /^latin\.ics:1:1: it is not in UTF-8/)
  await check('years', /it is no file/)
  writeFileSync(path.join(folder, 'large.ics'), `BEGIN:VCALENDAR\n${'X'.repeat(1_100_000)}`)
  await check('large.ics', /larger than 1048576 bytes/)
  assert.match(parseDesk(named('gone.ics'), 'desk.yml').problems.map(showProblem).join(), /gone\.ics was not read/)
})

test.run()
