/** The runner sees what uvu lets pass: each of these files exits 0, or waits for ever, when run by uvu alone. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { runFile } from './run-file.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'postroom-run-file-'))
test.after(() => rmSync(folder, { recursive: true }))
let files = 0

async function verdict(body: string) {
  const file = path.join(folder, `${files++}.ts`)
  const uvu = import.meta.resolve('uvu')
  writeFileSync(file, `import { test } from '${uvu}'\n${body}`)
  const { passed, failed, why } = await runFile(file, { cwd: folder, limit: 3000, env: process.env })
  return { passed, failed, why }
}

const good = `test('good', () => {})`
const bad = `test('bad', () => { throw new Error('no') })`

test('passed and failed tests are counted', async () => {
  assert.equal(await verdict(`${good}\n${good}\ntest.run()`), { passed: 2, failed: 0, why: null })
  assert.equal(await verdict(`${good}\n${bad}\ntest.run()`), { passed: 1, failed: 1, why: null })
})

test('a forgotten run, an empty file and a crash are failures', async () => {
  const none = { passed: 0, failed: 1, why: 'ran no test (is `.run()` there?)' }
  assert.equal(await verdict(good), none)
  assert.equal(await verdict('test.run()'), none)
  assert.equal(await verdict(`throw new Error('at the top')`), none)
  const before = `test.before(() => { throw new Error('no') })`
  assert.equal(await verdict(`${before}\n${good}\ntest.run()`), { passed: 0, failed: 1, why: null })
})

test('a promise that never settles and a hang are failures', async () => {
  const never = await verdict(`test('never', () => new Promise(() => {}))\ntest.run()`)
  assert.is(never.failed, 1)
  const open = await verdict(`${good}\nsetInterval(() => {}, 1000)\ntest.run()`)
  assert.equal(open, { passed: 1, failed: 1, why: 'killed after 3 s' })
  assert.equal(await verdict('for (;;);'), { passed: 0, failed: 1, why: 'killed after 3 s' })
})

test('an error after the last test is a failure', async () => {
  const late = await verdict(
    `${good}\ntest.after(() => void setTimeout(() => { throw new Error('late') }, 50))\ntest.run()`,
  )
  assert.equal(late, { passed: 1, failed: 1, why: 'exit code 1 though every test passed' })
})

test('a process left behind does not hold up the run', async () => {
  const started = performance.now()
  const left = await verdict(
    `import { spawn } from 'node:child_process'\nspawn('sleep', ['30'], { stdio: 'inherit' }).unref()\n${good}\ntest.run()`,
  )
  assert.equal(left, { passed: 1, failed: 0, why: null })
  assert.ok(performance.now() - started < 3000)
})

test('a suite without its program is skipped, but not one that fails afterwards', async () => {
  assert.equal(await verdict(`console.log('SKIPPED x needs y')\nprocess.exit(0)`), { passed: 0, failed: 0, why: null })
  assert.is((await verdict(`console.log('SKIPPED x needs y')\nprocess.exit(1)`)).failed, 1)
})

test.run()
