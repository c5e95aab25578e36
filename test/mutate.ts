/**
 * Does a test notice when a rule is broken? One line of the sources is changed at a time, in a copy of the checkout,
 * and the tests named beside it in test/mutations.txt must turn red.
 *
 *     node test/mutate.ts [--json] [id...]
 *
 * Their tests are run without any change first, for a verdict of red tests is worth nothing. A line that has changed
 * since (stale), a mutant that does not even load (broken) and tests that were not green (unproven) fail the run like a
 * survivor. The last line is `N killed, N survived`, and what else there was.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs, styleText } from 'node:util'
import { MINUTE, SECOND } from '../src/time.ts'
import { type Mutation, parseMutations } from './mutate/list.ts'
import { copyCheckout, keyOf, type Outcome, type Result, type Trial, tryMutation, tryTests } from './mutate/trial.ts'
import { withTestServer } from './run-server.ts'

type Lane = { copy: string; isFirst: boolean }
type Tools = { lanes: Lane[]; env: NodeJS.ProcessEnv; stopping: AbortSignal }

const root = path.join(import.meta.dirname, '..')
const { values: flags, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } },
})
/** Figures for a program go to stdout, so what is for people then goes elsewhere. */
const say = flags.json ? console.error : console.log

process.exitCode = await main()

async function main(): Promise<number> {
  const all = parseMutations(readFileSync(path.join(root, 'test/mutations.txt'), 'utf8'))
  const unknown = wanted.filter((id) => !all.some((mutation) => mutation.id === id))
  if (unknown.length > 0) throw new Error(`test/mutations.txt has no ${unknown.join(', ')}`)
  const mutations = all.filter(({ id }) => wanted.length === 0 || wanted.includes(id))
  const temp = mkdtempSync(path.join(os.tmpdir(), 'postroom-mutate-'))
  process.once('exit', () => rmSync(temp, { recursive: true, force: true }))
  const lanes = [0, 1].map((n) => ({ copy: path.join(temp, `${n}`), isFirst: n === 0 }))
  for (const { copy } of lanes) copyCheckout(root, copy)
  const results = await withTestServer(async (server, stopping) => {
    const env = { ...process.env, POSTROOM_TEST_SERVER: JSON.stringify(server) }
    const tools = { lanes, env, stopping }
    return await mutate(mutations, await runUnchanged(mutations, tools), tools)
  })
  return report(results)
}

/** What each test is without a mutation, by its key. */
async function runUnchanged(mutations: Mutation[], tools: Tools): Promise<Map<string, Trial>> {
  const tests = new Map(mutations.flatMap(({ tests }) => tests).map((test) => [keyOf(test), test]))
  say(`${mutations.length} mutations; first their ${tests.size} tests without one`)
  const normal = new Map<string, Trial>()
  await share(
    [...tests.values()],
    ({ file }) => isSystem(file),
    tools,
    async (test, copy) => {
      const trial = await tryTests(test, { copy, limit: 10 * MINUTE, env: tools.env })
      normal.set(keyOf(test), trial)
      if (normal.size % 10 === 0) say(`${`${normal.size}/${tests.size}`.padStart(7)}  tried without one`)
      if (!trial.green) say(styleText('red', `not green: ${keyOf(test)}: ${trial.why}`))
    },
  )
  return normal
}

async function mutate(mutations: Mutation[], normal: Map<string, Trial>, tools: Tools): Promise<Result[]> {
  const results: Result[] = []
  const usesSystem = ({ tests }: Mutation) => tests.some(({ file }) => isSystem(file))
  await share(mutations, usesSystem, tools, async (mutation, copy) => {
    const result = await tryMutation(mutation, { copy, normal, env: tools.env, patience: 30 * SECOND })
    results.push(result)
    say(row(result, `${results.length}/${mutations.length}`))
  })
  return mutations.flatMap(({ id }) => results.filter((result) => result.id === id))
}

/** Two at a time, but system suites one after the other: all in the first lane. */
async function share<T>(
  items: T[],
  isAlone: (item: T) => boolean,
  { lanes, stopping }: Tools,
  work: (item: T, copy: string) => Promise<void>,
): Promise<void> {
  const alone = items.filter(isAlone)
  const others = items.filter((item) => !isAlone(item))
  await Promise.all(
    lanes.map(async ({ copy, isFirst }) => {
      const next = () => (isFirst ? alone.shift() : undefined) ?? others.shift()
      for (let item = next(); item && !stopping.aborted; item = next()) await work(item, copy)
    }),
  )
}

function isSystem(file: string): boolean {
  return file.endsWith('.system.ts')
}

function row({ id, title, outcome, words, seconds }: Result, place: string): string {
  const color = outcome === 'killed' ? 'green' : 'red'
  const head = `${place.padStart(7)}  ${styleText(color, outcome.padEnd(8))}  ${id.padEnd(13)} ${`${seconds.toFixed(1)} s`.padStart(7)}`
  return `${head}  ${title}${outcome === 'killed' && !words.startsWith('by time-out') ? '' : `\n${' '.repeat(43)}${words}`}`
}

function report(results: Result[]): number {
  if (flags.json) console.log(JSON.stringify(results, null, 2))
  const count = (outcome: Outcome) => results.filter((result) => result.outcome === outcome).length
  const bad = results.filter(({ outcome }) => outcome !== 'killed')
  if (bad.length > 0) say(`\nnot killed:`)
  for (const result of bad) say(row(result, ''))
  const rest = (['stale', 'broken', 'unproven'] as const)
    .filter(count)
    .map((outcome) => `, ${count(outcome)} ${outcome}`)
  say(`${count('killed')} killed, ${count('survived')} survived${rest.join('')}`)
  return bad.length > 0 || results.length === 0 ? 1 : 0
}
