/** CSV: RFC 4180, and no cell that a spreadsheet would run (MAIL 9.9). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { csvLine } from '../src/csv.ts'

test('RFC 4180: commas, quotes and line ends are quoted, records end with CRLF', () => {
  assert.is(csvLine(['plain', 'a,b', 'say "no"', 'one\ntwo', '']), 'plain,"a,b","say ""no""","one\ntwo",\r\n')
})

test('numbers are bare, negative ones too; null is empty', () => {
  assert.is(csvLine([0, -360, 12n, null, true]), '0,-360,12,,true\r\n')
})

test('what a stranger wrote is no formula', () => {
  const armed = ['=HYPERLINK("http://x.example")', '+1', '-2+3', '@SUM(A1)', '  =1', '\t=1', '\u200b=1', '＝1', '\rx']
  for (const text of armed) assert.match(csvLine([text]), /^"?'/, text)
  assert.is(csvLine(['=HYPERLINK("x")']), `"'=HYPERLINK(""x"")"\r\n`)
  for (const text of ['a=1', '1-2', '-1.50', 'x@example.org', "'quoted", '2026-03-02'])
    assert.is(csvLine([text]), `${text}\r\n`)
})

test.run()
