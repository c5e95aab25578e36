/** Where links really lead (MAIL 9.4): told where the words name another place, and no mail can say it or hide it. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { sanitise } from '../../src/html.ts'
import { withTold } from '../../src/web/frame/told.ts'
import { otherHost, writesTo } from '../../src/web/links.ts'

const TO = 'https://evil.example/x?to=https://bank.example/'
const other: [words: string, href: string, host: string | null][] = [
  ['bank.example', TO, 'evil.example'],
  ['Go to https://bank.example/login now', TO, 'evil.example'],
  ['www.bank.example:443', TO, 'evil.example'],
  ['eva@bank.example', TO, 'evil.example'],
  ['ba\u200bnk.exa\u00admple', TO, 'evil.example'],
  ['bank。example', TO, 'evil.example'],
  ['ｂａｎｋ.example', TO, 'evil.example'],
  ['\u202eelpmaxe.knab\u202c', TO, 'evil.example'],
  ['(bank.example)', TO, 'evil.example'],
  ['evil.example, or bank.example.', TO, 'evil.example'],
  ['192.0.2.7', TO, 'evil.example'],
  ['https://bank.example@evil.example/', 'https://bank.example@evil.example/', 'evil.example'],
  ['Click here', 'https://bank.example:x@evil.example/', 'evil.example'],
  ['bank.example', 'https://xn--bnk-6ic.example/', 'xn--bnk-6ic.example'],
  ['bank.example', 'https://bank.example.evil.example/', 'bank.example.evil.example'],
  ['bank.example', 'https://login.bank.example/', 'login.bank.example'],
  ['bank.example', 'HTTP://EVIL.example', 'evil.example'],
  [`https://evil.example/?u=http://bank.example/`, TO, null],
  ['evil.example', TO, null],
  ['https://www.evil.example/a/b', TO, null],
  ['www.evil.example', TO, null],
  ['EVIL.example.', TO, null],
  ['müller.example', 'https://xn--mller-kva.example/', null],
  ['Click here', TO, null],
  ['e.g. version 1.2 of Invoice.pdf', TO, null],
  ['', TO, null],
  ['bank.example', 'tel:+491', null],
  ['bank.example', 'https://', null],
]
for (const [words, href, host] of other) test(`"${words}" with ${href}`, () => assert.is(otherHost(words, href), host))

test('otherHost is linear in what it is given', () => {
  const before = process.cpuUsage()
  for (const words of [
    'a.'.repeat(500_000),
    '@'.repeat(1e6),
    `http:${'/'.repeat(1e6)}`,
    'a@b.'.repeat(250_000),
    '。'.repeat(1e6),
  ])
    otherHost(words, TO)
  const { user } = process.cpuUsage(before)
  assert.ok(user < 500_000, `${user / 1000} ms`)
})

const told = (html: string) => withTold(sanitise(html).html!)

test('the host stands behind the link, whatever its words are made of', () => {
  const chip = '<desk-host>leads to evil.example</desk-host>'
  for (const inside of [
    'bank.example',
    '<b>bank</b>.<i>example</i>',
    '<img alt="bank.example" src="cid:x">',
    'bank&#46;example',
    '<span style="color:#fff">x</span> bank.example',
  ])
    assert.match(told(`<a href="${TO}">${inside}</a> and on`), `</a>${chip} and on`)
  assert.match(told(`<a href="${TO}">bank.example`), `</a>${chip}`)
  assert.not.match(told(`<a href="${TO}">evil.example</a>`), 'desk-host')
  assert.not.match(told('<a name="bank.example">bank.example</a>'), 'desk-host')
  const two = told(`<a href="${TO}">bank.example<a href="https://ok.example/">ok.example</a>`)
  assert.is(two.match(/<desk-host>/g)?.length, 1)
})

test('a mail cannot say it itself, nor take it away', () => {
  assert.not.match(
    told('<desk-host>leads to bank.example</desk-host><desk-write><a href=x>y</a></desk-write>'),
    '<desk-',
  )
  assert.match(
    told(`<a href="https://evil.example/&quot;>&lt;x">bank.example</a>`),
    '<desk-host>leads to evil.example<',
  )
})

test('an address to write to is words and a button with the real address', () => {
  assert.is(
    told('<a href="mailto:eva@acme.example?subject=a&amp;b" style="color:red">Eva</a>'),
    '<span style="color:red">Eva</span><desk-write><a href="mailto:eva@acme.example?subject=a&amp;b" ' +
      'rel="noopener noreferrer nofollow" target="_blank">Write to eva@acme.example</a></desk-write>',
  )
  assert.match(told('<a href="mailto:eva@acme.example">eva@acme.example</a>'), '>Write</a>')
  assert.match(told('<a href="mailto:evil@x.example">eva@acme.example</a>'), '>Write to evil@x.example</a>')
  assert.match(told('<a href="mailto:a%22%3Cb@x.example">x</a>'), '>Write to a&quot;&lt;b@x.example</a>')
  assert.is(writesTo('mailto:%'), '%')
  assert.is(writesTo('mailto:a@b.example,c@d.example?cc=x'), 'a@b.example,c@d.example')
})

test('pictures that are not loaded are counted', () => {
  assert.match(
    told('<img src="http://x.example/1.gif"><img src="//x.example/2">x'),
    /^<desk-note>2 pictures from other servers are not loaded/,
  )
  assert.match(told('<img src="http://x.example/1.gif">'), '1 picture from another server is not')
  assert.not.match(told('<img src="data:image/png;base64,AAAA"> data-remote-src="x"'), 'desk-note')
})

test('what is told changes nothing else, and costs one pass', () => {
  const html = sanitise('<p class="a" title="1 &lt; 2 <a">x &lt;a&gt; <b>y</b></p><ul><li>z</ul>').html!
  assert.is(withTold(html), html)
  const many = sanitise(`<a href="${TO}">${'<b>bank.example </b>'.repeat(20)}</a>`.repeat(2000)).html!
  const before = process.cpuUsage()
  assert.is(withTold(many).match(/<desk-host>/g)?.length, 2000)
  const { user } = process.cpuUsage(before)
  assert.ok(user < 2_000_000, `${user / 1000} ms`)
})

test.run()
