/** zod's issues in words for the person who wrote the file: what stands there, what was expected, and the remedy. */
import type { z } from 'zod'

export type Path = readonly (string | number)[]

/** A problem known by its place in the value; `at: 'key'` points at the path's last key and not at its value. */
export type Fault = { path: Path; cause: string; remedy: string; at?: 'key' | 'value' }

type Issue = z.core.$ZodIssue
type Schema = z.core.$ZodType

/** One issue as faults (an unknown key each its own). `schema` and `value` are those of the whole file. */
export function explainIssue(issue: Issue, schema: z.ZodType, value: unknown): Fault[] {
  const path = issue.path as Path
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey([...path, key], knownKeys(schemasAt(schema, path))))
    case 'invalid_union':
      return explainUnion(issue, schema, value)
    case 'invalid_type':
      return [invalidType(issue, schema, valueAt(value, path))]
    case 'invalid_value':
      return [
        { path, cause: `${show(valueAt(value, path))} is not known here`, remedy: oneOf(issue.values.map(String)) },
      ]
    case 'custom':
      return [{ path, cause: issue.message, remedy: String(issue.params?.remedy ?? wanted(schema, path) ?? FIX) }]
    default:
      return [
        {
          path,
          cause: `${show(valueAt(value, path))} is not allowed`,
          remedy: wanted(schema, path) ?? lower(issue.message),
        },
      ]
  }
}

/** `remove it`, or the key that was probably meant. */
export function unknownKey(path: Path, known: readonly string[]): Fault {
  const key = String(path.at(-1))
  const meant = nearest(key, known)
  return {
    path,
    at: 'key',
    cause: `"${key}" is not a known key`,
    remedy: meant ? `did you mean "${meant}"?` : `known here: ${known.join(', ') || 'none'}`,
  }
}

/** `"golden" is no policy`, with the nearest one that exists. */
export const unknownName = (path: Path, what: string, name: string, known: readonly string[]): Fault => ({
  path,
  cause: `${show(name)} is no ${what}`,
  remedy: nearest(name, known) ? `did you mean "${nearest(name, known)}"?` : oneOf(known),
})

export const oneOf = (known: readonly string[]): string =>
  known.length === 0
    ? 'there is none yet: add one first'
    : `write ${known.length > 1 ? 'one of: ' : ''}${known.slice(0, 20).join(', ')}`

/** A value as it would be quoted back to a person, at most 60 characters. */
export const show = (value: unknown): string => {
  const text = value === undefined ? 'nothing' : (JSON.stringify(value) ?? String(value))
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

const FIX = 'correct it'

/** The known word with the fewest edits, if they are few against its length. */
function nearest(word: string, known: readonly string[]): string | null {
  const ranked = known
    .map((other) => ({ other, edits: edits(word.toLowerCase(), other.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits)
  const best = ranked[0]
  if (!best) return null
  const starts = known.filter((other) => word.length >= 3 && other.startsWith(word.toLowerCase()))
  if (starts.length === 1) return starts[0]!
  return best.edits <= Math.max(1, Math.floor(Math.max(word.length, best.other.length) / 3)) ? best.other : null
}

/** Levenshtein with neighbours swapped counted once, on at most 40 characters. */
function edits(a: string, b: string): number {
  const [x, y] = [a.slice(0, 40), b.slice(0, 40)]
  const rows = [Array.from({ length: y.length + 1 }, (_, n) => n)]
  for (let i = 1; i <= x.length; i++) {
    const row = [i]
    for (let j = 1; j <= y.length; j++) {
      const change = x[i - 1] === y[j - 1] ? 0 : 1
      let least = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + change)
      if (i > 1 && j > 1 && x[i - 1] === y[j - 2] && x[i - 2] === y[j - 1])
        least = Math.min(least, rows[i - 2]![j - 2]! + 1)
      row.push(least)
    }
    rows.push(row)
  }
  return rows[x.length]![y.length]!
}

function invalidType(issue: Issue & { code: 'invalid_type' }, schema: z.ZodType, value: unknown): Fault {
  const path = issue.path as Path
  const hint = wanted(schema, path)
  if (value === undefined)
    return { path, cause: `the key "${String(path.at(-1))}" is missing`, remedy: hint ?? 'add it' }
  const quote = issue.expected === 'string' && (typeof value === 'number' || typeof value === 'boolean')
  return {
    path,
    cause: `${show(value)} is ${kindOf(value)} where ${KINDS[issue.expected] ?? issue.expected} is expected`,
    remedy: hint ?? (quote ? `put it in quotes: "${value}"` : `write ${KINDS[issue.expected] ?? issue.expected}`),
  }
}

/** The issues of the one option that the value was meant as (the others miss already by its kind), else the union's own words. */
function explainUnion(issue: Issue & { code: 'invalid_union' }, schema: z.ZodType, value: unknown): Fault[] {
  const path = issue.path as Path
  const misses = (one: Issue) => one.path.length === 0 && (one.code === 'invalid_type' || one.code === 'invalid_value')
  const meant = issue.errors.filter((issues) => !issues.some(misses))
  const nested = meant.length === 1 ? meant[0]! : null
  if (nested)
    return nested.flatMap((one) => explainIssue({ ...one, path: [...path, ...one.path] } as Issue, schema, value))
  return [
    {
      path,
      cause: `${show(valueAt(value, path))} is not allowed here`,
      remedy: wanted(schema, path) ?? lower(issue.message),
    },
  ]
}

/** The remedy that the schema carries: `.meta({ remedy: '...' })` on the key. */
function wanted(schema: z.ZodType, path: Path): string | null {
  for (const found of schemasAt(schema, path, 'wrapped')) {
    const remedy = (found as z.ZodType).meta?.()?.remedy
    if (typeof remedy === 'string') return remedy
  }
  return null
}

/** Every schema that may stand at a path, wrappers (optional, default, pipe) opened; with `wrapped` they are listed too. */
export function schemasAt(schema: Schema, path: Path, mode: 'open' | 'wrapped' = 'open'): Schema[] {
  let here = open(schema, mode)
  for (const part of path) here = here.flatMap((one) => children(one, part)).flatMap((one) => open(one, mode))
  return here
}

type Def = {
  type: string
  innerType?: Schema
  in?: Schema
  out?: Schema
  options?: Schema[]
  shape?: Record<string, Schema>
  element?: Schema
  keyType?: Schema
  valueType?: Schema
  getter?: () => Schema
}
const defOf = (schema: Schema): Def => schema._zod.def as unknown as Def

function open(schema: Schema, mode: 'open' | 'wrapped'): Schema[] {
  const def = defOf(schema)
  const own = mode === 'wrapped' ? [schema] : []
  if (def.innerType) return [...own, ...open(def.innerType, mode)]
  if (def.type === 'pipe') return [...own, ...open(defOf(def.in!).type === 'transform' ? def.out! : def.in!, mode)]
  if (def.options) return [...own, ...def.options.flatMap((option) => open(option, mode))]
  if (def.getter) return [...own, ...open(def.getter(), mode)]
  return [schema]
}

function children(schema: Schema, part: string | number): Schema[] {
  const def = defOf(schema)
  if (def.type === 'object') return def.shape?.[part] ? [def.shape[part]] : []
  if (def.type === 'array') return [def.element!]
  return def.type === 'record' ? [def.valueType!] : []
}

/** The keys that the objects among `schemas` know. */
export const knownKeys = (schemas: Schema[]): string[] => [...new Set(schemas.flatMap(keysOf))]

function keysOf(schema: Schema): string[] {
  const { shape, keyType } = defOf(schema)
  const words = keyType && (defOf(keyType) as { entries?: object }).entries // a record of an enum
  return Object.keys(shape ?? words ?? {})
}

function valueAt(value: unknown, path: Path): unknown {
  let here = value
  for (const part of path) here = (here as Record<string | number, unknown> | null | undefined)?.[part]
  return here
}

const KINDS: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping (key: value)',
  record: 'a mapping (key: value)',
}
const kindOf = (value: unknown): string => {
  if (value === null) return 'empty'
  return Array.isArray(value) ? 'a list' : (KINDS[typeof value] ?? typeof value)
}
const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)
