/**
 * The tests that stand beside rules in the desk file: a mail and what is expected of it, run through the real routing.
 * A desk file with a red test is refused. Without `at:` a test runs on Monday 5 January 2026, 12:00 UTC.
 */

import { wordsOf } from '../../errors.ts'
import { parseSize } from '../../sizes.ts'
import { type Fault, type Path, show } from '../../yaml.ts'
import type { RuleTestSource, TestMail } from '../desk/schema.ts'
import type { Desk } from '../desk.ts'
import { type Route, route } from '../rules.ts'
import { selectPolicy } from '../sla.ts'
import { reasonText } from './conditions.ts'
import { factsOf, type MailFacts } from './facts.ts'

/** `path` leads to the test in the desk file. */
export type RuleTest = { rule: string; path: Path; test: RuleTestSource }

/** `ok` null: not run. `faults` are empty unless it is false. */
export type TestResult = { rule: string; name: string; ok: boolean | null; words: string; faults: Fault[] }

/** Parses the mail of a file named relative to the desk file; throws when it cannot. */
export type ReadMail = (path: string) => Promise<MailFacts>

/** Runs the tests whose mail is written out; the others come back as not run. */
export function runInlineTests(desk: Desk, tests: readonly RuleTest[]): TestResult[] {
  return tests.map((test) => {
    const { mail } = test.test
    if (typeof mail !== 'string') return runTest(desk, test, toFacts(desk, mail))
    return {
      rule: test.rule,
      name: nameOf(test),
      ok: null,
      words: `not run: ${mail} needs the mail parser`,
      faults: [],
    }
  })
}

/** Runs the tests whose mail is a file. */
export async function runFileTests(desk: Desk, tests: readonly RuleTest[], readMail: ReadMail): Promise<TestResult[]> {
  const results: TestResult[] = []
  for (const test of tests) {
    const { mail } = test.test
    if (typeof mail !== 'string') continue
    try {
      results.push(runTest(desk, test, await readMail(mail)))
    } catch (error) {
      const cause = `${mail} cannot be read: ${wordsOf(error)}`
      const faults = [{ path: [...test.path, 'mail'], cause, remedy: 'write the path relative to the desk file' }]
      results.push({ rule: test.rule, name: nameOf(test), ok: false, words: cause, faults })
    }
  }
  return results
}

const MONDAY_NOON = '2026-01-05T12:00:00Z'

function runTest(desk: Desk, { rule, path, test }: RuleTest, mail: MailFacts): TestResult {
  const now = new Date(test.at ?? MONDAY_NOON)
  const facts = factsOf(desk, mail)
  const inbox = desk.inboxes.find((one) => one.key === facts.inboxes[0]) ?? desk.inboxes[0]!
  const routed = route(desk, facts, { project: inbox.project }, now)
  const own = routed.trace.find((step) => step.rule === rule)
  const got = { ...outcome(routed), matched: own?.matched ?? false, policy: policyOf(desk, facts, routed, now) }
  const why = own ? own.why.map(reasonText).join(', ') : 'an earlier rule stopped'
  const faults = Object.entries(test.expect).flatMap(([key, wanted]): Fault[] => {
    const seen = got[key as keyof typeof got]
    if (same(key, wanted, seen)) return []
    return [
      {
        path: [...path, 'expect', key],
        cause: `the test of rule "${rule}" is red: expected ${show(wanted)}, got ${show(seen)}`,
        remedy: `correct the rule or its test; the rule ${got.matched ? 'held' : 'did not hold'} (${why})`,
      },
    ]
  })
  const words = faults.length === 0 ? 'green' : faults.map((fault) => fault.cause).join(', ')
  return { rule, name: nameOf({ rule, path, test }), ok: faults.length === 0, words, faults }
}

const nameOf = ({ test, path }: RuleTest): string => test.name ?? `test ${Number(path.at(-1)) + 1}`

/** The route in the words of `expect:`. */
const outcome = ({ trace: _trace, ackRule: _a, priorityRule: _p, notes: _notes, hold, ack, ...rest }: Route) => ({
  ...rest,
  ack: ack ?? 'none',
  hold: hold !== null,
})

const same = (key: string, wanted: unknown, seen: unknown): boolean => {
  if (Array.isArray(wanted)) return JSON.stringify(wanted.toSorted()) === JSON.stringify((seen as string[]).toSorted())
  if (wanted === 'none' && seen === null) return true
  return wanted === seen || (key === 'assignee' && String(wanted).toLowerCase() === seen)
}

function policyOf(desk: Desk, facts: ReturnType<typeof factsOf>, routed: Route, now: Date): string | null {
  const { project, type, product, priority, priorityRule, status, tags } = routed
  const selection = selectPolicy(
    desk,
    {
      facts: { ...facts, project, type, product, priority, unassessed: priorityRule === null, status, tags },
      organization: desk.organizations.get(facts.organization ?? '') ?? null,
      requester: facts.from_address || null,
      inboxPolicy: desk.inboxes.find((one) => one.key === facts.inboxes[0])?.policy ?? null,
      project: desk.projects.get(project) ?? null,
      automatic: facts.kind !== 'human',
    },
    now,
  )
  return selection.policy?.key ?? null
}

function toFacts(desk: Desk, mail: TestMail): MailFacts {
  const from = toPerson(mail.from)
  const to = many(mail.to ?? desk.inboxes[0]!.address)
  const given = Object.entries(mail.headers ?? {}).flatMap(([name, value]) =>
    many(value).map((one): [string, string] => [name, one]),
  )
  const text = mail.text ?? ''
  return {
    from_address: from.address,
    from_name: from.name,
    recipients: [...to, ...many(mail.cc ?? [])].map((one) => toPerson(one).address),
    subject: mail.subject ?? '',
    body: text,
    headers: [['From', mail.from], ['To', to.join(', ')], ['Subject', mail.subject ?? ''], ...given],
    has_attachment: mail.has_attachment ?? false,
    size: (mail.size && parseSize(mail.size)) || Buffer.byteLength(text),
    language: mail.language ?? null,
    kind: mail.kind ?? 'human',
  }
}

const many = (value: string | string[]): string[] => (Array.isArray(value) ? value : [value])

function toPerson(text: string): { name: string; address: string } {
  const match = /^(.*)<([^<>]*)>\s*$/s.exec(text)
  const name = (match?.[1] ?? '').trim().replace(/^"(.*)"$/, '$1')
  return { name, address: (match?.[2] ?? text).trim().toLowerCase() }
}
