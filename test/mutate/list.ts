/**
 * The list of mutations: blocks parted by empty lines, `#` for comments.
 *
 *     X41 what breaks, in words
 *       src/engine/acknowledge.ts
 *     - the text that is there, within one line, found once in the file
 *     + the text that stands instead
 *       test/engine/bounces.test.ts X41
 *
 * After the test file stand words that the test's name holds: only such tests run. Without words those named by the id
 * run, where the id is one of MAIL.md's (X41), else the whole file.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'

export type Mutation = {
  id: string
  title: string
  file: string
  before: string
  after: string
  tests: { file: string; words: string }[]
  line: number
}

export const isFixture = (id: string): boolean => /^X\d\d$/.test(id)

/** Throws with the number of the line that is wrong. */
export function parseMutations(text: string): Mutation[] {
  const found: Mutation[] = []
  const lines = text.split('\n')
  for (let n = 0; n < lines.length; n++) {
    if (isSpace(lines[n]!)) continue
    const start = n
    while (n < lines.length && !isSpace(lines[n]!)) n++
    found.push(parseBlock(lines.slice(start, n), start + 1))
  }
  for (const { id, line } of found)
    if (found.some((other) => other.id === id && other.line < line))
      throw new Error(`line ${line}: ${id} is there twice`)
  return found
}

/** Why it cannot be applied to the files below `root`, null where it can. */
export function findStale({ file, before, tests, line }: Mutation, root: string): string | null {
  const says = (words: string) => `line ${line}: ${words}`
  let text: string
  try {
    text = readFileSync(path.join(root, file), 'utf8')
  } catch {
    return says(`${file} is not there`)
  }
  const times = text.split(before).length - 1
  if (times !== 1) return says(`${file} has this ${times === 0 ? 'nowhere' : `${times} times`}: ${before}`)
  for (const test of tests)
    try {
      if (!readFileSync(path.join(root, test.file), 'utf8').includes(test.words))
        return says(`${test.file} has no test named ${test.words}`)
    } catch {
      return says(`${test.file} is not there`)
    }
  return null
}

const isSpace = (line: string): boolean => line.trim() === '' || line.startsWith('#')

function parseBlock(block: string[], line: number): Mutation {
  const [, id, title] = /^(\S+) (\S.*)$/.exec(block[0]!) ?? []
  const [file, before, after, ...tests] = block.slice(1)
  const wrong = (words: string) => new Error(`line ${line}: ${words}`)
  if (!id || !title || /^[-+]$/.test(id)) throw wrong('a block begins with an id and words')
  if (!file?.startsWith('  src/')) throw wrong('below them stands a file of src/')
  if (!before?.startsWith('- ') || !after || !/^\+( |$)/.test(after)) throw wrong('then a line with - and one with +')
  const mutation = { id, title, file: file.trim(), before: before.slice(2), after: after.slice(2), line }
  if (mutation.before === mutation.after) throw wrong('nothing changes')
  if (tests.length === 0 || tests.some((test) => !/^ {2}test\/\S+\.ts( \S.*)?$/.test(test)))
    throw wrong('then the test files that must go red')
  return {
    ...mutation,
    tests: tests.map((test) => {
      const [, name = '', words] = /^(\S+)(?: (.*))?$/.exec(test.trim()) ?? []
      return { file: name, words: words ?? (isFixture(id) ? id : '') }
    }),
  }
}
