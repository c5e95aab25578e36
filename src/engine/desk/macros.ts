/**
 * Macros and the desk's own words for commands: their form, and whether they can run. What a macro names is looked for
 * when the file is loaded, not when a customer waits: an unknown command or placeholder refuses the version.
 */
import { z } from 'zod'
import type { Path } from '../../yaml.ts'
import { aliasFault, nameOf, nearestNames } from '../commands/aliases.ts'
import { readLine } from '../commands/grammar.ts'
import { SPECS } from '../commands/names.ts'
import type { Macro } from '../desk.ts'
import { key, LOCALES, list, locale, name } from './values.ts'

/** What every macro's text may name besides its own values; a value of the ticket is never in a command. */
export const PLACEHOLDERS = ['customer', 'number', 'subject', 'agent', 'inbox'] as const

const word = z
  .string()
  .regex(/^\p{L}[\p{L}\p{M}\p{N}'’ʼ-]{0,59}$/u)
  .meta({ remedy: 'write one word that begins with a letter, without #' })

export const macro = z.strictObject({
  key,
  name: name.optional(),
  values: list(key, 'write a list of the names that the text takes, such as [host]'),
  text: z
    .partialRecord(locale, z.string().trim().min(1).max(20_000))
    .default({})
    .meta({ remedy: 'write a text for each language: {en: ..., de: ...}' }),
  commands: list(z.string().trim().min(1).max(998), 'write a list of commands such as ["#close", "#tag +vpn"]'),
})

export const aliases = z
  .partialRecord(locale, z.record(word, z.string()))
  .default({})
  .meta({ remedy: `write words by language: {de: {fertig: close}}; languages are ${LOCALES.join(', ')}` })

type File = { macros: z.output<typeof macro>[]; aliases: z.output<typeof aliases> }
type Complain = (path: Path, cause: string, remedy: string) => void

/** The desk's words by the word, NFKC and lower case. */
export function aliasesOf(file: Pick<File, 'aliases'>): Map<string, string> {
  const entries = Object.values(file.aliases).flatMap((words) => Object.entries(words ?? {}))
  return new Map(entries.map(([one, command]) => [folded(one), command]))
}

export const macroOf = ({ name, ...one }: File['macros'][number]): Macro => ({ ...one, name: name ?? one.key })

/** Reports every word that is two commands', every command and placeholder that there is not, and empty macros. */
export function checkMacros(file: File, complain: Complain): void {
  const own = new Map<string, string>()
  for (const [language, words] of Object.entries(file.aliases))
    for (const [one, command] of Object.entries(words ?? {})) {
      const path = ['aliases', language, one]
      const fault = aliasFault(folded(one), command)
      if (fault) complain(path, fault, `commands are ${NAMES.join(', ')}`)
      else if (own.has(folded(one)) && own.get(folded(one)) !== command)
        complain(path, `"${one}" is "${own.get(folded(one))}" already`, 'name one of the two otherwise')
      own.set(folded(one), command)
    }
  for (const [n, one] of file.macros.entries()) {
    if (one.commands.length === 0 && Object.keys(one.text).length === 0)
      complain(['macros', n], `macro "${one.key}" does nothing`, 'give it a text or commands')
    if (Object.keys(one.text).length > 0 && !one.text.en)
      complain(
        ['macros', n, 'text'],
        `macro "${one.key}" has no English text`,
        'add en: it is used where a language has none',
      )
    for (const [language, text] of Object.entries(one.text))
      checkPlaceholders(
        text,
        { path: ['macros', n, 'text', language], known: [...PLACEHOLDERS, ...one.values] },
        complain,
      )
    for (const [m, line] of one.commands.entries()) {
      const path = ['macros', n, 'commands', m]
      checkPlaceholders(line, { path, known: one.values }, complain)
      checkCommand(line, { path, desk: { aliases: own } }, complain)
    }
  }
}

const NAMES = SPECS.map((spec) => spec.name)

function checkPlaceholders(
  text: string,
  { path, known }: { path: Path; known: readonly string[] },
  complain: Complain,
) {
  for (const [, found] of text.matchAll(/\{\{\s*([^{}]*?)\s*\}\}/g))
    if (!known.includes(found!))
      complain(
        path,
        `{{${found}}} is no placeholder here`,
        known.length ? `write one of: ${known.join(', ')}` : 'name it in values: first',
      )
}

function checkCommand(line: string, at: { path: Path; desk: { aliases: Map<string, string> } }, complain: Complain) {
  const given = readLine(line.replace(/\{\{[^{}]*\}\}/g, 'x'))
  if (!given)
    return complain(at.path, `"${line.slice(0, 60)}" is no command`, 'begin it with # and its name, such as "#close"')
  if (given.fault) return complain(at.path, 'its quotation is not closed', 'write the closing "')
  const name = nameOf(given.name, at.desk)
  if (!name) {
    const meant = nearestNames(given.name, at.desk)
    const remedy = meant.length ? `did you mean #${meant.join(', #')}?` : `commands are ${NAMES.join(', ')}`
    return complain(at.path, `there is no command #${given.name}`, remedy)
  }
  const { level } = SPECS.find((spec) => spec.name === name)!
  if (name === 'macro' || name === 'undo' || name === 'dry' || level === 'strong' || level === 'customer')
    complain(at.path, `#${name} cannot stand in a macro`, 'take it out')
}

const folded = (text: string) => text.normalize('NFKC').toLowerCase()
