/** CSV by RFC 4180, and nothing in it that a spreadsheet runs. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { csvText } from '../src/csv.ts'

test('quotes what needs it, and ends each line in CRLF', () => {
  const rows = [
    ['id', 'note'],
    [1, 'a, b'],
    [-2, 'say "no"'],
    [null, 'two\nlines'],
    [0, ''],
  ]
  assert.is(csvText(rows), 'id,note\r\n1,"a, b"\r\n-2,"say ""no"""\r\n,"two\nlines"\r\n0,\r\n')
  assert.is(csvText([]), '')
})

test('MAIL 9.9: what a spreadsheet would run is text', () => {
  for (const text of ['=HYPERLINK(1)', '+1+1', '-1+cmd', '@SUM(A1)', '\t=1', ' =1', '\n=1', '＝1', '|x', '--1', '-1e5'])
    assert.match(csvText([[text]]), /^"?'/, JSON.stringify(text))
  for (const text of ['a=1', '#12', '2026-03-01', '-120.50', '0', 'Ä', "'="])
    assert.is(csvText([[text]]), `${text}\r\n`)
})

test.run()
