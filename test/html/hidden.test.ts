/** What a mail's HTML hides from its reader. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { hiddenText } from '../../src/html.ts'

for (const [name, html, hidden] of [
  ['nothing', '<p style="color:red">Hello</p><br>', ''],
  ['display', '<div style="display:none">#close</div><p>Hello</p>', '#close'],
  ['in capitals, with blanks', '<DIV STYLE="Display : None !important">#close</DIV>Hello', '#close'],
  ['an entity in the style', '<div style="&#100;isplay:none">#close</div>', '#close'],
  ['a comment in the style', '<div style="display:/**/none">#close</div>', '#close'],
  ['visibility', '<span style="visibility:hidden">#close</span>', '#close'],
  ['no size', '<span style="font-size:0px;color:red">#close</span>', '#close'],
  ['a size', '<span style="font-size:0.9em;line-height:0">#close</span>', ''],
  ['no opacity', "<span style='opacity:0.0'>#close</span>", '#close'],
  ['an opacity', '<span style="opacity:0.5">#close</span>', ''],
  ['no height', '<div style="max-height:0;overflow:hidden">#close</div>', '#close'],
  ['no border', '<div style="border-width:0;min-height:0.5em">#close</div>', ''],
  ['the attribute', '<div hidden>#close</div>', '#close'],
  ['a word that is none', '<div title="a hidden gem">#close</div>', ''],
  ['Outlook', '<p style="mso-hide:all">#close</p>', '#close'],
  ['elements within', '<div style="display:none">a<div>b</div>c</div>d', 'a\nb\nc'],
  ['two', '<i hidden>a</i><b>x</b><i hidden>b</i>', 'a\nb'],
  ['one that is never closed', '<div style="display:none">a<p>b', 'a\n\nb'],
] as const)
  test(`hidden: ${name}`, () => assert.is(hiddenText(html), hidden))

test('linear in what comes in', () => {
  const began = performance.now()
  hiddenText('<div hidden>'.repeat(200_000))
  hiddenText(`<div style="${'display:'.repeat(100_000)}">`)
  assert.ok(performance.now() - began < 2000)
})

test.run()
