/**
 * `npm run bench`: the figures of the README, as ratios of one run on one machine. `npm run bench -- throughput memory`
 * runs some of them, `--json` prints JSON. Exit 1 when a bar does not hold.
 */
import os from 'node:os'
import { parseArgs } from 'node:util'
import { measureHours } from './business-hours.ts'
import { besideOf, type Figure, holds, tableOf } from './figures.ts'
import { type Ground, startGround } from './ground.ts'
import { measureGrowth } from './growth.ts'
import { measureMemory } from './memory.ts'
import { measureThroughput } from './throughput.ts'

const BENCHES: Record<string, (ground: Ground, tell: (words: string) => void) => Promise<Figure[]>> = {
  throughput: measureThroughput,
  growth: measureGrowth,
  memory: measureMemory,
  hours: measureHours,
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } })
const unknown = positionals.filter((name) => !BENCHES[name])
if (unknown.length) {
  console.error(`There is no bench "${unknown[0]}": ${Object.keys(BENCHES).join(', ')}.`)
  process.exit(2)
}

const say = (words: string) => void process.stderr.write(`${words}\n`)
const figures: Figure[] = []
const ground = await startGround()
try {
  for (const name of positionals.length ? positionals : Object.keys(BENCHES)) {
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
  const names = positionals.length ? ` -- ${positionals.join(' ')}` : ''
  console.log(`To repeat: npm run bench${names}   (on a quiet machine: both sides of a ratio share its cores)`)
}
process.exitCode = passed ? 0 : 1
