/**
 * `npm run bench`: the figures of the README, as ratios of one run on one machine. `npm run bench -- throughput memory`
 * runs some of them, `npm run bench -- parse FOLDER` reads the mails of a folder instead of the fixtures, `--json` prints
 * JSON. Exit 1 when a bar does not hold.
 */
import { existsSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { measureAnswer } from './answer.ts'
import { measureHours } from './business-hours.ts'
import { measureClocks } from './clocks.ts'
import { besideOf, type Figure, holds, tableOf } from './figures.ts'
import { type Ground, startGround } from './ground.ts'
import { measureGrowth } from './growth.ts'
import { measureMemory } from './memory.ts'
import { measureParse } from './parse.ts'
import { measureThroughput } from './throughput.ts'

const BENCHES: Record<string, (ground: Ground, tell: (words: string) => void) => Promise<Figure[]>> = {
  throughput: measureThroughput,
  growth: measureGrowth,
  memory: measureMemory,
  hours: measureHours,
  clocks: measureClocks,
  answer: measureAnswer,
  parse: (_ground, tell) => measureParse(folder, tell),
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } })
const names = positionals.filter((name) => BENCHES[name])
const unknown = positionals.filter((name) => !BENCHES[name] && !(names.includes('parse') && existsSync(name)))
const folder = positionals.find((name) => !BENCHES[name]) ?? path.join(import.meta.dirname, '..', 'fixtures', 'mails')
if (unknown.length) {
  console.error(`There is no bench "${unknown[0]}": ${Object.keys(BENCHES).join(', ')}.`)
  process.exit(2)
}

const say = (words: string) => void process.stderr.write(`${words}\n`)
const figures: Figure[] = []
const ground = await startGround()
try {
  for (const name of names.length ? names : Object.keys(BENCHES)) {
    say(`${name} ...`)
    figures.push(...(await BENCHES[name]!(ground, (words) => say(`  ${words}`))))
  }
} finally {
  await ground.stop()
}
const passed = figures.every(holds)
const machine = `${os.cpus().length} cores, Node ${process.versions.node}, load ${os.loadavg()[0]!.toFixed(1)} at the end`
if (values.json) console.log(JSON.stringify({ machine, passed, figures }))
else {
  console.log(`\n${tableOf(figures)}\n\nOn this machine (${machine}):\n${besideOf(figures)}\n`)
  const which = positionals.length ? ` -- ${positionals.join(' ')}` : ''
  console.log(`To repeat: npm run bench${which}   (on a quiet machine: both sides of a ratio share its cores)`)
}
process.exitCode = passed ? 0 : 1
