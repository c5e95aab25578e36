/** Lines of outgoing mails that would be commands when they come back (COMMANDS E5.6). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readBlock } from '../../src/engine/commands/grammar.ts'
import { inertHtml, inertText } from '../../src/engine/outbox/inert.ts'
import { htmlToText } from '../../src/html.ts'

const WORDS = [
  '#close',
  ' \u00a0#close quiet',
  '\u200b#close',
  '\u2060\u200e#\u200bclose',
  '＃close',
  '﹟close',
  '#закрыть',
  '#ⓒlose',
  '<mailto:#close>',
  '\t#close',
  '\u3000#close',
]
const PREFIXES = ['', '> ', '>', '>> ', '> > ', '| ', '>\u00a0', '  > ']

/** No line of it runs, at the top or below, with its quotation marks or without. */
function runsNothing(text: string, why: string): void {
  const lines = text.split('\n')
  for (let from = 0; from < lines.length; from++) {
    const cut = lines.slice(from).map((line) => line.replace(/^[\s>|]+/, ''))
    const block = readBlock(cut.join('\n'))
    assert.equal([block.given, block.stray], [[], []], `${why}: ${JSON.stringify(cut[0])}`)
  }
}

test('whatever its disguise and its quotation marks, the line is behind a dot', () => {
  for (const word of WORDS)
    for (const prefix of PREFIXES) {
      assert.ok(readBlock(word.trimStart()).given.length === 1, `${JSON.stringify(word)} is a command to begin with`)
      const text = inertText(`Hello\n${prefix}${word}\nbye`)
      runsNothing(text, JSON.stringify(prefix + word))
      assert.is(text.replaceAll('· ', ''), `Hello\n${prefix}${word}\nbye`, 'nothing else has changed')
      assert.is(inertText(text), text, 'once is enough')
    }
})

test('the same in HTML, as a client makes text of it', () => {
  const escaped = (text: string) => text.replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  for (const word of WORDS)
    for (const html of [
      `<p>Hello</p><div>${escaped(word)}</div>`,
      `<p>Hello<br>\n${escaped(word)}<br>bye</p>`,
      `${escaped(word)}`,
      `<blockquote>&gt; ${escaped(word)}</blockquote>`,
    ])
      runsNothing(htmlToText(inertHtml(html)), `${JSON.stringify(word)} in ${html}`)
  runsNothing(htmlToText(inertHtml('<p>&nbsp;&#35;close</p><p>&num;close</p><p>&#x23;close</p>')), 'as entities')
})

test('numbers, headings of other kinds and literals stay as they are', () => {
  for (const text of ['#12 is done', '##close', '# a heading', 'see #close below', '#1 priority', 'C# and F#'])
    assert.is(inertText(text), text)
  const html = '<p><a href="https://x.example/#close">#12</a> <b>##close</b> see #close</p>'
  assert.is(inertHtml(html), html)
})

test.run()
