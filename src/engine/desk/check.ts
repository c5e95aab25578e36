/** The commands `rules check` and `rules test`: what they print, and whether all is well. They write nothing. */

import { showProblem } from '../../yaml.ts'
import type { Desk } from '../desk.ts'
import { type ReadMail, runFileTests, runInlineTests, type TestResult } from '../rules/tests.ts'
import { locateInDocument, type ParseOptions, parseDesk } from './document.ts'

export type Report = { ok: boolean; lines: string[] }

export type CheckInput = { text: string; file: string; readMail?: ReadMail } & Pick<
  ParseOptions,
  'templates' | 'holidays'
>

/** Whether a desk file would be taken: one line when it would, else one for each problem. */
export async function checkRules(input: CheckInput): Promise<Report> {
  const { document, problems } = parseDesk(input.text, input.file, input)
  if (!document) return { ok: false, lines: problems.map(showProblem) }
  const results = input.readMail ? await runFileTests(document.desk, document.tests, input.readMail) : []
  const red = results.flatMap((result) => result.faults)
  if (red.length > 0) return { ok: false, lines: locateInDocument(document, red).map(showProblem) }
  return { ok: true, lines: [`${input.file}: ok (${inventory(document.desk)}; ${document.tests.length} tests green)`] }
}

/** Every test of a desk file with its colour, red ones with their line; ends with `N passed, N failed`. */
export async function testRules(input: CheckInput): Promise<Report> {
  const { document, problems } = parseDesk(input.text, input.file, { ...input, tests: 'skip' })
  if (!document) return { ok: false, lines: problems.map(showProblem) }
  const { desk, tests } = document
  const inline = runInlineTests(desk, tests).filter((result) => result.ok !== null || !input.readMail)
  const results = [...inline, ...(input.readMail ? await runFileTests(desk, tests, input.readMail) : [])]
  const lines = results.flatMap((result) => [
    `${COLOURS[String(result.ok)]}  ${result.rule} / ${result.name}${result.ok === null ? `: ${result.words}` : ''}`,
    ...locateInDocument(document, result.faults).map((problem) => `      ${showProblem(problem)}`),
  ])
  const count = (ok: TestResult['ok']) => results.filter((result) => result.ok === ok).length
  const skipped = count(null) > 0 ? `, ${count(null)} not run` : ''
  return { ok: count(false) === 0, lines: [...lines, `${count(true)} passed, ${count(false)} failed${skipped}`] }
}

const COLOURS: Record<string, string> = { true: 'green', false: 'RED  ', null: '-    ' }

function inventory(desk: Desk): string {
  const counts: [number, string][] = [
    [desk.inboxes.length, 'inboxes'],
    [desk.organizations.size, 'organizations'],
    [desk.projects.size, 'projects'],
    [desk.policies.size, 'policies'],
    [desk.rules.length, 'rules'],
  ]
  return counts.map(([count, what]) => `${count} ${what}`).join(', ')
}
