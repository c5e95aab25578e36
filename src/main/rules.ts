/** `rules check FILE` and `rules test FILE`: what is wrong with a desk file, and do its rules do what they promise. */
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parseDesk } from '../engine/desk/document.ts'
import { mailFactsOf } from '../engine/rules/facts.ts'
import { type ReadMail, runFileTests, runInlineTests } from '../engine/rules/tests.ts'
import { Refusal, wordsOf } from '../errors.ts'
import type { Log } from '../log.ts'
import { classify } from '../mail/classify.ts'
import { type Parser, startParser } from '../mail/parse.ts'
import { placeholders } from '../render.ts'
import { refusalOf } from '../yaml.ts'
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

/** Refuses a bad file with every problem; else says what it holds. */
export async function checkRules(file: string, print: Print): Promise<number> {
  const { desk, tests } = await readDesk(file)
  print(`${file}: ok, ${desk.rules.length} rules, ${tests.length} tests, ${desk.organizations.size} organizations`)
  return 0
}

/** Runs the rules' own tests, a line each. Exit code 1 when one is red. */
export async function testRules(
  file: string,
  options: { temp: string; log: Log; json: boolean },
  print: Print,
): Promise<number> {
  const { desk, tests } = await readDesk(file, 'skip')
  const parser = await startParser({ temp: options.temp, log: options.log, children: 1 })
  try {
    const inline = runInlineTests(desk, tests).filter((one) => one.ok !== null)
    const results = [...inline, ...(await runFileTests(desk, tests, readRuleMail(parser, file)))]
    for (const { rule, name, ok, words } of results)
      print(
        options.json
          ? JSON.stringify({ rule, name, ok, words })
          : `${ok ? 'ok  ' : 'FAIL'} ${rule}: ${name}${ok ? '' : `: ${words}`}`,
      )
    const failed = results.filter((one) => !one.ok).length
    if (!options.json) print(`${results.length - failed} passed, ${failed} failed`)
    return failed ? 1 : 0
  } finally {
    await parser.stop()
  }
}

async function readDesk(file: string, tests: 'run' | 'skip' = 'run') {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Refusal('unreadable_file', `${file} cannot be read: ${wordsOf(error)}`)
  })
  const { document, problems } = parseDesk(text, path.basename(file), { tests, templates: Object.keys(placeholders) })
  if (!document) throw refusalOf('bad_desk', problems)
  return document
}
