/** Who gets statements, by the desk file: their own word, a group's, and what is refused. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseDesk } from '../../../src/engine/desk/document.ts'

const desk = (organizations: string, groups = '') => `
inboxes: [{key: support, address: support@desk.example, aliases: [help@desk.example], project: triage}]
projects: [{key: triage}]
organizations: [${organizations}]
groups: [${groups}]
`
const read = (text: string) => {
  const { document, problems } = parseDesk(text, 'desk.yml')
  return {
    problems: problems.map((one) => `${one.line}: ${one.cause}`),
    chosen: Object.fromEntries([...(document?.desk.organizations ?? [])].map(([key, one]) => [key, one.statement])),
  }
}

test('off unless they say so, or a group of theirs does; their own word goes first', () => {
  const to = 'statement_to: [boss@acme.example]'
  assert.equal(
    read(
      desk(
        `{key: a}, {key: b, statement: monthly, ${to}}, {key: c, ${to}}, {key: d, statement: off, ${to}}`,
        '{key: all, rank: 1, statement: monthly, organizations: [c, d]}, {key: none, rank: 2, statement: off, organizations: [b]}',
      ),
    ),
    { problems: [], chosen: { a: 'off', b: 'monthly', c: 'monthly', d: 'off' } },
  )
})

test('nobody to send it to, ourselves, and other words are refused where they stand', () => {
  assert.match(
    read(desk('{key: a, statement: monthly}')).problems[0]!,
    '4: "a" is to get a statement each month, and nobody',
  )
  assert.match(
    read(desk('{key: a}', '{key: g, rank: 1, statement: monthly, organizations: [a]}')).problems[0]!,
    '4: "a" is to get a statement each month, and nobody',
  )
  assert.match(read(desk('{key: a, statement_to: [help@desk.example]}')).problems[0]!, 'is an inbox of this desk')
  assert.is(read(desk('{key: a, statement: weekly}')).problems.length, 1)
})

test.run()
