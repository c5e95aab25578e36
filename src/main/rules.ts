/** `rules check FILE` and `rules test FILE`: what is wrong with a desk file, and do its rules do what they promise. */
import { createReadStream } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { checkRules, testRules } from '../engine/desk/check.ts'
import { readHolidayFiles } from '../engine/desk/holiday-files.ts'
import { mailFactsOf } from '../engine/rules/facts.ts'
import type { ReadMail } from '../engine/rules/tests.ts'
import { Refusal, wordsOf } from '../errors.ts'
import type { Log } from '../log.ts'
import { classify } from '../mail/classify.ts'
import { type Parser, startParser } from '../mail/parse.ts'
import { TEMPLATES } from './installation.ts'
import type { Print } from './show.ts'

/** Reads a test's mail, named relative to the desk file, through the real parser. */
export function readRuleMail(parser: Parser, deskFile: string | null): ReadMail {
  const folder = deskFile ? path.dirname(path.resolve(deskFile)) : process.cwd()
  return async (name) => {
    const { mail, dispose } = await parser.parse(createReadStream(path.resolve(folder, name)))
    try {
      if (mail.error !== null) throw new Refusal('unreadable_mail', mail.error.words)
      const { kind } = classify(mail, { from: null, nullSender: false })
      return mailFactsOf(mail, { recipients: mail.deliveredTo, from: null, kind })
    } finally {
      await dispose()
    }
  }
}

/** Prints what `rules check` or `rules test` find; exit code 1 when something is wrong. */
export async function rules(
  what: 'check' | 'test',
  file: string,
  { log, print }: { log: Log; print: Print },
): Promise<number> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Refusal('unreadable_file', `${file} cannot be read: ${wordsOf(error)}`)
  })
  const temp = await mkdtemp(path.join(tmpdir(), 'postroom-rules-'))
  const parser = await startParser({ temp, log, children: 1 })
  try {
    const holidays = await readHolidayFiles(text, path.dirname(path.resolve(file)))
    const readMail = readRuleMail(parser, file)
    const input = { text, file: path.basename(file), readMail, templates: TEMPLATES, holidays }
    const { ok, lines } = await (what === 'check' ? checkRules(input) : testRules(input))
    for (const line of lines) print(line)
    return ok ? 0 : 1
  } finally {
    await parser.stop()
    await rm(temp, { recursive: true, force: true })
  }
}
