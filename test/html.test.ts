/** HTML of mails: nothing alive survives, what reads as text stays text, and no input is slow. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { escapeHtml, htmlToText, sanitise } from '../src/html.ts'
import * as limits from '../src/limits.ts'

const attacks = [
  '<script>x()</script>',
  '<img src=x onerror=x()>',
  '<svg onload=x()><a xlink:href="javascript:x()">y</a></svg>',
  '<math><mtext><table><mglyph><style><img src=x onerror=x()>',
  '<math><annotation-xml encoding="text/html"><style><img src=x onerror=x()></style></annotation-xml></math>',
  '<noscript><p title="</noscript><img src=x onerror=x()>">',
  '<title><a title="</title><img src=x onerror=x()>">',
  '<xmp><img src=x onerror=x()></xmp>',
  '<textarea><img src=x onerror=x()></textarea>',
  '<a href="javascript:x()">y</a>',
  '<a href="java\tscript:x()">y</a>',
  '<a href="&#106;avascript:x()">y</a>',
  '<a href=" vbscript:x()">y</a>',
  '<a href="data:text/html,<script>x()</script>">y</a>',
  '<a href="//evil.example/x">y</a>',
  '<img src="data:image/svg+xml;base64,PHN2Zz4=">',
  '<img src="http://evil.example/p.gif" srcset="http://evil.example/q.gif 2x">',
  '<iframe src="http://evil.example"></iframe>',
  '<iframe srcdoc="<script>x()</script>"></iframe>',
  '<object data="http://evil.example"></object><embed src="http://evil.example">',
  '<form action="http://evil.example"><input name=a><button formaction="http://evil.example">b</button></form>',
  '<base href="http://evil.example/"><meta http-equiv=refresh content="0;url=http://evil.example">',
  '<link rel=stylesheet href="http://evil.example/x.css"><style>@import url(http://evil.example);</style>',
  '<div style="position:fixed;z-index:9;top:0">y</div>',
  '<div style="background:url(http://evil.example/x)">y</div>',
  '<div style="background-color:red;width:expression(x())">y</div>',
  '<div style="color:red;background-\\69mage:u\\72l(http://evil.example)">y</div>',
  '<div style="font-family:\'a;position:fixed;\'">y</div>',
  '<div style="margin-top:-900px">y</div>',
  '<table background="http://evil.example/x"><tr><td background="http://evil.example/x">y</td></tr></table>',
  '<video src="http://evil.example/x" poster="http://evil.example/x"></video><audio src="http://evil.example/x">',
  '<!--[if mso]><img src=x onerror=x()><![endif]-->',
  '<img alt="<script>x()</script>" src="cid:a">',
  '<p/onclick=x()>y</p>',
  '<a target="_top" rel="opener" href="https://ok.example">y</a>',
]
// Attribute values are taken out first: what stands in them is text, unless the attribute itself is alive.
const LIVE_TAG =
  /<\/?(?:script|style|svg|math|iframe|object|embed|form|input|button|base|meta|link|noscript|title|xmp|textarea|video|audio|template)\b/i
const LIVE_ATTRIBUTE = /\s(?:on\w+|srcset|srcdoc|background|action|formaction|poster|data|xlink:href)=/i
for (const attack of attacks) {
  test(`sanitise (9.1, X60): ${attack.slice(0, 70)}`, () => {
    const { html } = sanitise(`<p>before</p>${attack}`)
    const bare = html!.replace(/"[^"]*"/g, '""')
    assert.not.match(bare, LIVE_TAG)
    assert.not.match(bare, LIVE_ATTRIBUTE)
    for (const [, name, value] of html!.matchAll(/\s(href|src|style|target|rel)="([^"]*)"/g)) {
      if (name === 'href') assert.match(value!, /^(?:https?|mailto|tel):/)
      else if (name === 'src') assert.match(value!, /^(?:cid:|data:image\/(?:png|jpe?g|gif|webp);)/)
      else if (name === 'style') assert.not.match(value!, /position|z-index|url|expression|\\|-900/)
      else if (name === 'target') assert.is(value, '_blank')
      else assert.is(value, 'noopener noreferrer nofollow')
    }
    assert.match(html!, 'before')
  })
}

test('what is harmless stays: structure, colours, classes of the quote finder, images of the mail', () => {
  const input =
    '<div class="gmail_quote" id="x"><table width="100%"><tr><td colspan="2" style="color:#f00;PADDING: 4px 1em">a</td></tr></table>' +
    '<blockquote type="cite" cite="mid:1@x">q</blockquote><img src="cid:Logo@1" alt="logo"><img src="data:image/png;base64,AAAA"></div>'
  const { html } = sanitise(input, (src) => (src === 'cid:Logo@1' ? 'cid:logo%401' : null))
  for (const kept of [
    'class="gmail_quote"',
    'colspan="2"',
    'color:#f00;padding:4px 1em',
    'type="cite"',
    'src="cid:logo%401"',
    'alt="logo"',
    'data:image/png',
  ]) {
    assert.ok(html!.includes(kept), `${kept} in ${html}`)
  }
})

test('remote images become an address to ask for, unknown ones nothing', () => {
  assert.match(sanitise('<img src="http://a.example/x.png">').html!, 'data-remote-src="http://a.example/x.png"')
  assert.match(sanitise('<img src="//a.example/x.png">').html!, 'data-remote-src="https://a.example/x.png"')
  assert.not.match(
    sanitise('<img src="file:///etc/passwd" data-remote-src="javascript:x()">').html!,
    /passwd|javascript/,
  )
})

test('what was sanitised before is not changed by sanitising it again', () => {
  const { html } = sanitise(
    '<p style="color:red">a<img src="http://a.example/x.png?a=1&amp;b=2"><img src="cid:x" alt="<">&lt;b&gt;<a href="https://x.example/?a&amp;b">x</a></p>',
    (src) => (src.startsWith('cid:') ? src : null),
  )
  assert.match(html!, 'data-remote-src="http://a.example/x.png?a=1&amp;b=2"')
  assert.is(sanitise(html!, (src) => (src.startsWith('cid:') ? src : null)).html, html)
})

test('empty is told: no text, no image', () => {
  assert.is(sanitise('<div>&nbsp;<br> </div>').empty, true)
  assert.is(sanitise('<div>x</div>').empty, false)
  assert.is(sanitise('<img src="cid:a">', () => 'cid:a').empty, false)
})

const texts: [html: string, text: string][] = [
  ['<p>one</p><p>two</p>', 'one\n\ntwo'],
  ['<div>one</div><div>two<br></div><div><br></div><div>three</div>', 'one\ntwo\n\nthree'],
  ['a  b\n c&nbsp;d &amp; &lt;e&gt; &#x20AC; &euro; &#0;', 'a b c d & <e> € € \uFFFD'],
  ['<ul><li>x</li><li>y</li></ul>', '* x\n* y'],
  ['<blockquote type="cite">q<br>r</blockquote>z', '> q\n> r\n\nz'],
  ['<blockquote style="border-left:1px solid">q</blockquote>z', '> q\n\nz'],
  ['a<blockquote style="margin:0 0 0 40px">q<br>r</blockquote>z', 'a\n\n    q\n    r\n\nz'],
  ['<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>', 'a b\nc'],
  ['<pre>a\n  b</pre>', 'a\n  b'],
  ['<style>x</style><script>y</script><title>t</title>z', 'z'],
  ['<!-- x --><p>y', 'y'],
  ['1 < 2 and 3 > 2', '1 < 2 and 3 > 2'],
]
for (const [html, text] of texts) test(`text of ${html.slice(0, 50)}`, () => assert.is(htmlToText(html), text))

test('the sanitised and the raw HTML read the same', () => {
  for (const [html, text] of texts.filter(([html]) => !html.includes('&#0;') && !html.includes('<pre>'))) {
    assert.is(sanitise(html).text(), text)
  }
})

test('escapeHtml', () => assert.is(escapeHtml(`<a b="c" d='e'>&`), '&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;'))

const MB = 1_000_000
const slow: [name: string, html: string][] = [
  ['nested div', '<div>'.repeat(MB / 5)],
  ['nested tables', '<table><tr><td>'.repeat(MB / 15)],
  ['open tags', '<a '.repeat(MB / 3)],
  ['open comments', '<!--'.repeat(MB / 4)],
  ['one attribute', `<p title="${'x'.repeat(MB - 20)}">`],
  ['many attributes', `<p ${'a=b '.repeat(MB / 4 - 10)}>`],
  ['many styles', '<p style="color:red">x</p>'.repeat(MB / 26)],
  ['one long style', `<p style="${'color:red;'.repeat(MB / 10 - 10)}">x</p>`],
  ['different styles', Array.from({ length: MB / 45 }, (_, i) => `<p style="width:${i}px;color:#${i}">x</p>`).join('')],
  ['links', '<a href="http://a.example/">x</a>'.repeat(4900)],
  ['blanks', ' '.repeat(MB)],
  ['line ends', '\n'.repeat(MB)],
  ['ampersands', '&'.repeat(MB)],
  ['closing tags', '</p>'.repeat(MB / 4)],
  ['half entities', '&#x'.repeat(MB / 3)],
  ['noscript', '<noscript>'.repeat(MB / 10)],
  ['pre with lines', `<pre>${'\n'.repeat(MB - 20)}</pre>`],
  ['quotes in quotes', '<blockquote>x'.repeat(MB / 13)],
]
for (const [name, html] of slow) {
  test(`1 MB of ${name} within the budget of 9.2`, () => {
    assert.ok(html.length <= limits.parse.html)
    const before = process.cpuUsage()
    const { text } = sanitise(html)
    text()
    htmlToText(html)
    const { user, system } = process.cpuUsage(before)
    assert.ok((user + system) / 1000 < 2000, `${Math.round((user + system) / 1000)} ms`)
  })
}

test.run()
