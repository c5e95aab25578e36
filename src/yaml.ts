/**
 * YAML read for people: text and a zod schema in, a typed value or a list of problems out, each with file, line,
 * column, cause and remedy. The only importer of yaml. It refuses what a person cannot have meant: unknown keys, keys
 * named twice, several documents, tags, alias bombs, files beyond `limits.yaml`.
 */
import {
  isAlias,
  isCollection,
  isMap,
  isPair,
  LineCounter,
  type Node,
  parseDocument,
  type Document as Yaml,
} from 'yaml'
import type { z } from 'zod'
import { Refusal } from './errors.ts'
import { yaml as limits } from './limits.ts'
import { explainIssue, type Fault, type Path } from './yaml/issues.ts'

export { type Fault, oneOf, type Path, show, unknownKey, unknownName } from './yaml/issues.ts'

export type Problem = { file: string; line: number; column: number; path: string; cause: string; remedy: string }

/** Where in the text a path of the value stands; the nearest parent that exists when it does not. 1-based. */
export type Locate = (path: Path, at?: 'key' | 'value') => { line: number; column: number }

export type Reading<T> =
  | { value: T; locate: Locate; problems: [] }
  | { value: null; locate: Locate; problems: Problem[] }

/**
 * Reads `text` against `schema`. Never throws for anything in the text. `prepare` may change the tree before it is
 * checked, and report faults of its own.
 */
export function readYaml<S extends z.ZodType>(
  text: string,
  file: string,
  schema: S,
  prepare: (tree: unknown, faults: Fault[]) => unknown = (tree) => tree,
): Reading<z.output<S>> {
  const raw = readTree(text, file)
  const { locate } = raw
  if (raw.problems.length > 0) return { value: null, locate, problems: raw.problems }
  const faults: Fault[] = []
  const tree = prepare(raw.value ?? {}, faults)
  const parsed = schema.safeParse(tree)
  if (parsed.success && faults.length === 0) return { value: parsed.data, locate, problems: [] }
  // What could not be prepared is missing now; what the schema says of that, or of what it stood in, is no second fault.
  const prepared = faults.map((fault) => fault.path)
  const issues = parsed.error?.issues.flatMap((issue) => explainIssue(issue, schema, tree)) ?? []
  faults.push(...issues.filter(({ path }) => !prepared.some((own) => path.every((part, n) => part === own[n]))))
  return { value: null, locate, problems: locateFaults(faults, file, locate) }
}

/** Only the YAML, without a schema: plain objects, lists, texts, numbers, booleans and nulls. */
export function readTree(text: string, file: string): { value: unknown; locate: Locate; problems: Problem[] } {
  const lines = new LineCounter()
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const refuse = (offset: number, cause: string, remedy: string) => ({
    value: null,
    locate: () => place(0),
    problems: [{ file, ...place(offset), path: '', cause, remedy }],
  })
  if (text.length > limits.characters)
    return refuse(0, `the file is longer than ${limits.characters} characters`, 'split what is data out of it')
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const wrong = [...document.errors, ...document.warnings]
  if (wrong.length > 0) {
    const problems = wrong.slice(0, limits.problems).map((error) => ({
      file,
      ...place(error.pos[0]),
      path: '',
      cause: sentence(error.message),
      remedy: REMEDIES[error.code] ?? 'correct the YAML here: indentation, colons, quotes and brackets',
    }))
    return { value: null, locate: () => place(0), problems }
  }
  try {
    const value: unknown = document.toJS({ maxAliasCount: limits.aliases })
    return { value, locate: (path, at = 'value') => place(offsetOf(document, path, at)), problems: [] }
  } catch (error) {
    if (!(error instanceof ReferenceError) && !(error instanceof RangeError)) throw error
    return refuse(0, 'its aliases (*name) or its nesting unfold to far more than is written', 'write the values out')
  }
}

/** Gives faults their line and column; in the order of the text, each once. */
export function locateFaults(faults: Fault[], file: string, locate: Locate): Problem[] {
  const seen = new Set<string>()
  return faults
    .map(({ path, cause, remedy, at }) => ({ file, ...locate(path, at), path: showPath(path), cause, remedy }))
    .filter((problem) => {
      const line = showProblem(problem)
      return !seen.has(line) && seen.add(line)
    })
    .sort((a, b) => a.line - b.line || a.column - b.column)
    .slice(0, limits.problems)
}

/** `desk.yml:4:12: sla[0].policy: "golden" is no policy; write one of: gold, silver`. */
export const showProblem = ({ file, line, column, path, cause, remedy }: Problem): string =>
  `${file}:${line}:${column}: ${path ? `${path}: ` : ''}${cause}; ${remedy}`

/** All problems as one refusal of fault `config`, a line each. */
export const refusalOf = (code: string, problems: Problem[]): Refusal =>
  new Refusal(code, problems.map(showProblem).join('\n'), 'config')

export const showPath = (path: Path): string =>
  path.map((part, n) => (typeof part === 'number' ? `[${part}]` : n === 0 ? part : `.${part}`)).join('')

const REMEDIES: Partial<Record<string, string>> = {
  DUPLICATE_KEY: 'keep one of the two',
  TAB_AS_INDENT: 'indent with spaces',
  BAD_INDENT: 'indent it like its neighbours',
  MULTIPLE_DOCS: 'remove the line --- and what follows it',
  TAG_RESOLVE_FAILED: 'remove the tag (the word that begins with !)',
  MISSING_CHAR: 'close the bracket or the quote',
}

const sentence = (message: string): string => {
  const line = message.split('\n')[0]!.trim()
  return line.charAt(0).toLowerCase() + line.slice(1)
}

/** Walks the text's tree as far as the path goes, through aliases; a list and a mapping hold nodes or pairs. */
function offsetOf(document: Yaml, path: Path, at: 'key' | 'value'): number {
  let node: unknown = document.contents
  let found = start(node) ?? 0
  for (const [n, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document)
    if (!isCollection(node)) break
    const item: unknown = isMap(node)
      ? node.items.find((pair) => String(keyOf(pair.key)) === String(part))
      : (node.items as unknown[])[Number(part)]
    if (item === undefined) break
    const key = isPair(item) ? item.key : item
    const value = isPair(item) ? item.value : item
    found = (at === 'key' && n === path.length - 1 ? start(key) : (start(value) ?? start(key))) ?? found
    node = value
  }
  return found
}

const keyOf = (key: unknown): unknown => (key as { value?: unknown } | null)?.value ?? key
const start = (node: unknown): number | undefined => (node as Node | null)?.range?.[0]
