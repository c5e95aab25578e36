/** The grammar of commands (COMMANDS E2): what runs, what does not, and what a reader's client makes of a line. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { normalised, readBatch, readBlock, readLine } from '../../../src/engine/commands/grammar.ts'

const names = (text: string) => readBlock(text).given.map((one) => one.name)
const strays = (text: string) => readBlock(text).stray.map((one) => `${one.line} ${one.name}`)
const args = (line: string) => readLine(line)!.args

test('a block stands at the very top and ends at a blank line', () => {
  const block = readBlock('\n\n#assign anna\n#Prio HIGH\n\nHello Eva,\nplease retry.\n')
  assert.equal(
    block.given.map(({ line, name }) => [line, name]),
    [
      [3, 'assign'],
      [4, 'prio'],
    ],
  )
  assert.is(block.text, 'Hello Eva,\nplease retry.')
  assert.equal(block.stray, [])
})

test('the first line that is no command ends it too', () => {
  const block = readBlock('#note\nCustomer sounds angry, call first.')
  assert.equal(names('#note\nCustomer sounds angry, call first.'), ['note'])
  assert.is(block.text, 'Customer sounds angry, call first.')
})

test('#end separates: all that follows is text, whatever it looks like', () => {
  const block = readBlock('#note\n#end\n#close is what I would do\n#open')
  assert.equal(
    block.given.map(({ name }) => name),
    ['note'],
  )
  assert.is(block.text, '#close is what I would do\n#open')
  assert.equal(block.stray, [])
  assert.equal(readBlock('#END\n#close'), { given: [], text: '#close', stray: [] })
})

test('must not run: quoted, numbers, literals, text first, indented', () => {
  for (const text of ['> #close', '>#close', '#1 priority for us', '# close', '#', '##close', '|#close', '- #close'])
    assert.equal(names(text), [], text)
  assert.is(readBlock('#1 priority for us').text, '#1 priority for us')
  assert.is(readBlock('##close').text, '#close')
  assert.equal(strays('##close'), [])
  assert.equal(names('Hello,\n#close'), [])
  assert.equal(names('  #close'), [])
})

test('a command below text, or below a blank line, is a stray: whoever wrote it did not mean it to be sent', () => {
  assert.equal(strays('Hello,\n#close'), ['2 close'])
  assert.equal(strays('#note\n\n#close'), ['3 close'])
  assert.equal(strays('Hello\n   #close\n-- \n#spam'), ['2 close'], 'nothing below a signature')
  assert.equal(strays('  #close'), ['1 close'])
  assert.equal(strays('We are #1\nissue #12 is known'), [])
})

test('a literal is one only in the first line', () => {
  assert.is(readBlock('#note\n##close is a command').text, '#close is a command')
  assert.is(readBlock('Hello\n##close').text, 'Hello\n##close')
  assert.equal(strays('##close\n#close'), ['2 close'])
})

test('what clients put around a line', () => {
  assert.equal(names('\u200b#close\u00a0quiet'), ['close'])
  assert.equal(args('\u200b#close\u00a0quiet'), [{ kind: 'word', text: 'quiet', column: 8 }])
  assert.equal(names('＃close'), ['close'], 'full width')
  assert.equal(names('Get Outlook for iOS<https://aka.ms/o0ukef>\n\n#take'), ['take'])
  assert.equal(names('Sent from my iPhone\n#take'), ['take'])
  assert.equal(names('#take\r\n#close\r\rHello'), ['take', 'close'])
  assert.is(normalised('#cc +eva@acme.example<mailto:+eva@acme.example>'), '#cc +eva@acme.example')
  assert.is(normalised('#contact <mailto:eva@acme.example>'), '#contact eva@acme.example')
  assert.is(normalised('#note see acme.example<http://acme.example/>'), '#note see acme.example')
  assert.is(normalised('#new “Printer dead” –x'), '#new "Printer dead" -x')
})

test('arguments: words, quotations, pairs and list items with their columns', () => {
  assert.equal(args('#time 1h30m billable done:60% "migrated db"'), [
    { kind: 'word', text: '1h30m', column: 7 },
    { kind: 'word', text: 'billable', column: 13 },
    { kind: 'pair', key: 'done', value: '60%', column: 22 },
    { kind: 'quoted', text: 'migrated db', column: 31 },
  ])
  assert.equal(args('#tag +vpn -new =a'), [
    { kind: 'list', op: '+', text: 'vpn', column: 6 },
    { kind: 'list', op: '-', text: 'new', column: 11 },
    { kind: 'list', op: '=', text: 'a', column: 16 },
  ])
  assert.equal(args('#new «Drucker tot» from:„Eva B“ Project:acme/incoming'), [
    { kind: 'quoted', text: 'Drucker tot', column: 6 },
    { kind: 'pair', key: 'from', value: 'Eva B', column: 20 },
    { kind: 'pair', key: 'project', value: 'acme/incoming', column: 33 },
  ])
  assert.equal(args('#wait customer until:fri 17:00'), [
    { kind: 'word', text: 'customer', column: 7 },
    { kind: 'pair', key: 'until', value: 'fri', column: 16 },
    { kind: 'word', text: '17:00', column: 26 },
  ])
  assert.equal(args('#due  +2d'), [{ kind: 'list', op: '+', text: '2d', column: 7 }])
})

test('a name is any script, in any case, and ends at a blank', () => {
  assert.is(readLine('#ЗАКРЫТЬ')!.name, 'закрыть')
  assert.is(readLine('#close.')!.name, 'close.', 'unknown, so that nothing is guessed')
  assert.is(readLine('#ｃｌｏｓｅ')!.name, 'close')
})

test('what is wrong with a line is its fault, with the column', () => {
  assert.equal(readLine('#new "Printer dead')!.fault, { key: 'unclosed_quote', column: 6 })
  assert.equal(readLine('#new from:"Eva')!.fault, { key: 'unclosed_quote', column: 6 })
  assert.equal(readLine('#tag +"two words')!.fault, { key: 'unclosed_quote', column: 6 })
  assert.equal(readLine(`#note ${'x'.repeat(1000)}`)!.fault, { key: 'line_too_long', column: 998 })
  assert.is(readLine(`#note ${'x'.repeat(992)}`)!.fault, null)
  assert.equal(readLine('#note 24" screen')!.fault, null, 'an inch mark is no quotation')
})

test('the answer to a digest: tickets, then a command without its sign', () => {
  const { given, text } = readBatch('412 take\n413,414 dup 400\n#415, 416 due fri\n#list mine\n')
  assert.equal(
    given.map((one) => [one.ticket, one.name, one.args.length]),
    [
      [[412], 'take', 0],
      [[413, 414], 'dup', 1],
      [[415, 416], 'due', 1],
      [undefined, 'list', 1],
    ],
  )
  assert.is(text, '')
  assert.equal(given[1]!.args, [{ kind: 'word', text: '400', column: 13 }])
  assert.equal(
    readBatch('Hello\n412 take').stray.map((one) => one.name),
    ['take'],
  )
  assert.equal(readBatch('412 400').given, [], 'a number is no command')
  assert.equal(readBlock('412 take').given, [], 'only in the answer to a digest')
})

test('odd text is read in time, and nothing is lost', () => {
  for (const text of [
    '@'.repeat(200_000),
    'a@'.repeat(100_000),
    '#a '.repeat(60_000),
    '#'.repeat(100_000),
    '#x\n'.repeat(20_000),
  ]) {
    const start = performance.now()
    readBlock(text)
    assert.ok(performance.now() - start < 2000)
  }
  assert.equal(readBlock(''), { given: [], text: '', stray: [] })
  assert.is(readBlock('  \n Hello\n\n').text, 'Hello')
})

test.run()
