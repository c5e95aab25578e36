/** The list of mutations is read rightly and fits the sources of today; a trial tells a red test from a green one. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { findStale, isFixture, type Mutation, parseMutations } from './mutate/list.ts'
import { keyOf, tryMutation, tryTests } from './mutate/trial.ts'

const root = path.join(import.meta.dirname, '..')
const list = parseMutations(readFileSync(path.join(import.meta.dirname, 'mutations.txt'), 'utf8'))

test('every mutation of the list can be applied to the sources as they are', () => {
  assert.equal(
    list.flatMap((mutation) => findStale(mutation, root) ?? []),
    [],
  )
})

test('every regression of MAIL 11 has its mutation', () => {
  const ids = list.map(({ id }) => id)
  const all = Array.from({ length: 60 }, (_, n) => `X${String(n + 1).padStart(2, '0')}`)
  assert.equal(
    all.filter((id) => !ids.includes(id)),
    [],
  )
  assert.ok(ids.filter((id) => !isFixture(id)).length >= 15, 'and the rules at the heart have theirs')
})

test('a block has an id, words, a file, two lines and tests', () => {
  const [first, second] = parseMutations(`# a comment

X41 what breaks
  src/a.ts
- if (a) return
+ if (!a) return
  test/a.test.ts

6.3 a line is dropped
  src/a.ts
- stop()
+
  test/a.test.ts a name, with words
  test/b.test.ts
`)
  assert.equal(first, {
    id: 'X41',
    title: 'what breaks',
    file: 'src/a.ts',
    before: 'if (a) return',
    after: 'if (!a) return',
    tests: [{ file: 'test/a.test.ts', words: 'X41' }],
    line: 3,
  })
  assert.is(second!.after, '')
  assert.equal(second!.tests, [
    { file: 'test/a.test.ts', words: 'a name, with words' },
    { file: 'test/b.test.ts', words: '' },
  ])
})

test('what is no block is refused with its line', () => {
  const block = 'X01 t\n  src/a.ts\n- a\n+ b\n  test/a.test.ts\n'
  const wrong: [string, string][] = [
    [`${block}\n${block}`, 'line 7: X01 is there twice'],
    ['\nX01\n', 'line 2: a block begins with an id and words'],
    ['X01 t\n  test/a.ts\n', 'line 1: below them stands a file of src/'],
    ['X01 t\n  src/a.ts\n- a\n  test/a.test.ts', 'line 1: then a line with - and one with +'],
    [block.replace('+ b', '+ a'), 'line 1: nothing changes'],
    ['X01 t\n  src/a.ts\n- a\n+ b\n', 'line 1: then the test files that must go red'],
  ]
  for (const [text, words] of wrong)
    assert.throws(
      () => parseMutations(text),
      (error: Error) => error.message === words,
    )
})

const toy = mkdtempSync(path.join(os.tmpdir(), 'postroom-toy-'))
test.after(() => rmSync(toy, { recursive: true }))
for (const folder of ['src', 'test']) mkdirSync(path.join(toy, folder))
symlinkSync(path.join(root, 'node_modules'), path.join(toy, 'node_modules'))
const source = `export const isAdult = (age: number) => age >= 18
export const isChild = (age: number) => age < 18
`
writeFileSync(path.join(toy, 'src/age.ts'), source)
writeFileSync(
  path.join(toy, 'test/age.test.ts'),
  `import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isAdult, isChild } from '../src/age.ts'
test('X01 who is of age', () => assert.ok(isAdult(18)))
test('X02 who is not, seen from afar', () => assert.ok(isChild(3)))
test('X03 is red as it is', () => assert.ok(isChild(30)))
test.run()
`,
)

const mutation = (change: Partial<Mutation>): Mutation => ({
  id: 'X01',
  title: 'too young',
  file: 'src/age.ts',
  before: 'age >= 18',
  after: 'age > 18',
  tests: [{ file: 'test/age.test.ts', words: 'X01' }],
  line: 1,
  ...change,
})

async function outcome(change: Partial<Mutation>) {
  const given = mutation(change)
  const options = { copy: toy, env: process.env, patience: 500 }
  const normal = new Map()
  for (const test of given.tests) normal.set(keyOf(test), await tryTests(test, { ...options, limit: 20_000 }))
  const { outcome, words } = await tryMutation(given, { ...options, normal })
  assert.is(readFileSync(path.join(toy, 'src/age.ts'), 'utf8'), source, 'the source is as it was')
  return [outcome, words]
}

test('a mutation that a test notices is killed, by the tests that bear its name and no others', async () => {
  assert.equal(await outcome({}), ['killed', 'X01 who is of age'])
  assert.equal(await outcome({ tests: [{ file: 'test/age.test.ts', words: 'X02' }] }), ['survived', 'test/age.test.ts'])
  assert.is((await outcome({ before: 'age < 18', after: 'age <= 18' }))[0], 'survived')
})

test('a mutant that hangs is killed by time-out', async () => {
  const [killed, words] = await outcome({ after: '(() => { for (;;); })()' })
  assert.is(killed, 'killed')
  assert.match(words!, /^by time-out after \d+ s$/)
})

test('what proves nothing is told apart: stale, broken, unproven', async () => {
  assert.equal(await outcome({ before: '18' }), ['stale', 'line 1: src/age.ts has this 2 times: 18'])
  assert.equal(await outcome({ before: 'size' }), ['stale', 'line 1: src/age.ts has this nowhere: size'])
  const missing = [{ file: 'test/age.test.ts', words: 'X09' }]
  assert.equal(await outcome({ tests: missing }), ['stale', 'line 1: test/age.test.ts has no test named X09'])
  const [broken, words] = await outcome({ after: 'age >= ' })
  assert.is(broken, 'broken')
  assert.match(words!, 'SyntaxError')
  const red = [{ file: 'test/age.test.ts', words: 'X03' }]
  const why = 'test/age.test.ts is not green without it: X03 is red as it is'
  assert.equal(await outcome({ tests: red }), ['unproven', why])
})

test.run()
