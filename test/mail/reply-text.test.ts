/** Reply extraction: every fixture by language and client, the rules of MAIL 7 one by one, properties, linear time. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { markedText } from '../../src/html/quotes.ts'
import { htmlToText } from '../../src/html.ts'
import type { IncomingMail } from '../../src/incoming.ts'
import * as limits from '../../src/limits.ts'
import { parseBuffer } from '../../src/mail/parse/read.ts'
import { normalisedParagraph } from '../../src/mail/reply-text/signature.ts'
import { extractReply, type Reply } from '../../src/mail/reply-text.ts'

type Expected = {
  visible?: string
  quoted?: string
  signature?: string
  visible_contains?: string[]
  quoted_contains?: string[]
  signature_contains?: string[]
}

const FIXTURES = fileURLToPath(new URL('../../fixtures/mails/reply/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'postroom-reply-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const names = readdirSync(FIXTURES).filter((name) => name.endsWith('.eml'))
test('there are fixtures: languages, clients, phones', () => {
  const count = (prefix: string) => names.filter((name) => name.startsWith(prefix)).length
  assert.ok(count('attribution-') >= 40, 'attributions')
  assert.ok(count('header-block-') >= 25, 'header blocks')
  assert.ok(count('client-') >= 30, 'clients')
  assert.ok(count('mobile-') >= 24, 'phones')
})

for (const name of names) {
  const mail = (await parseBuffer(readFileSync(join(FIXTURES, name)), folder)) as IncomingMail
  const { reply } = JSON.parse(readFileSync(join(FIXTURES, name.replace(/\.eml$/, '.json')), 'utf8')) as {
    reply: Expected
  }
  test(`fixture ${name}`, () => {
    const found = extractReply({ text: mail.text, html: mail.html, subject: mail.subject })
    isPartition(mail.text, found)
    for (const kind of ['visible', 'quoted', 'signature'] as const) {
      if (reply[kind] !== undefined) assert.is(found[kind].trim(), reply[kind].trim(), kind)
      for (const words of reply[`${kind}_contains`] ?? []) assert.ok(found[kind].includes(words), `${kind}: ${words}`)
    }
  })
  // 7.4: phones and Notes quote without `>`; an attribution with a date or an address is enough
  if (name.startsWith('attribution-')) {
    test(`${name} without quote marks`, () => {
      const found = extractReply({ text: mail.text.replace(/^> /gm, ''), html: null })
      assert.is(found.visible.trim(), reply.visible)
    })
    test(`${name} with the answer right above it`, () => {
      const found = extractReply({ text: mail.text.replace('\n\n', '\n'), html: null })
      assert.is(found.visible.trim(), reply.visible)
    })
  }
}

const ON = 'On 23 Sep 2026, at 10:00, Desk <support@desk.example> wrote:'

/** Text, what is visible of it (trimmed), and what is signature. */
const cases: [name: string, text: string, visible: string, signature?: string][] = [
  ['nothing quoted', 'Hello\n\nthere', 'Hello\n\nthere'],
  ['empty', '', ''],
  ['one word below a quote is no interleaving (7.3)', `${ON}\n> Hi\nThanks!`, 'Thanks!'],
  ['two words below a quote are (7.3)', `${ON}\n> Hi\nYes, solved`, `${ON}\n> Hi\nYes, solved`],
  [
    'a sign-off below a quote is not (7.3)',
    `Solved.\n\n${ON}\n> Hi\n\nBest regards,\nMara`,
    'Solved.\n\nBest regards,\nMara',
  ],
  ['a signature below a quote is not (7.3)', `Solved.\n\n${ON}\n> Hi\n\n-- \nMara Lind`, 'Solved.', '-- \nMara Lind'],
  ['a link that broke out of its quote', `Solved.\n\n${ON}\n> see (https://a.example/x\n?id=12)\n> bye`, 'Solved.'],
  ['a one word answer between quotes stays', `${ON}\n> Red?\nYes\n> Blue?\nNo`, `${ON}\n> Red?\nYes\n> Blue?\nNo`],
  [
    'single From: line (7.8)',
    'From: mara@acme.example\nthere is a letter',
    'From: mara@acme.example\nthere is a letter',
  ],
  [
    'two headers (7.8)',
    'Hi\n\nFrom: a@acme.example\nTo: b@acme.example\n\nx',
    'Hi\n\nFrom: a@acme.example\nTo: b@acme.example\n\nx',
  ],
  [
    'labels of two languages (7.8)',
    'Hi\n\nVon: a@acme.example\nSent: 3 May\nOggetto: x\n\ny',
    'Hi\n\nVon: a@acme.example\nSent: 3 May\nOggetto: x\n\ny',
  ],
  ['bold header block', 'Hi\n\n*From:* D [mailto:\nd@desk.example]\n*Sent:* Monday\n*To:* M\n*Subject:* x\n\ny', 'Hi'],
  [
    'block with wrapped recipients',
    'Hi\n\nFrom: d@desk.example\nSent: Monday\nTo: a@acme.example;\n b@acme.example\nSubject: x\n\ny',
    'Hi',
  ],
  ['a paragraph a header', 'Hi\n\nFrom: d@desk.example\n\nSent: Monday\n\nTo: M\n\nSubject: x\n\ny', 'Hi'],
  [
    'drawn line and two headers',
    'Hi\n________________________________\nFrom: d@desk.example\nSent: 3 May 2026\n\ny',
    'Hi',
  ],
  [
    'block quoted with marks, answer below (7.4)',
    'From: d@desk.example\nSent: Monday\nTo: M\nSubject: x\n> y\n\nNo, it is not solved',
    'From: d@desk.example\nSent: Monday\nTo: M\nSubject: x\n> y\n\nNo, it is not solved',
  ],
  ['banner alone', 'Hi\n\n-----Original Message-----\ny', 'Hi'],
  ['a drawn line alone is no cut', 'Hi\n\n-------- Enter below --------\ny', 'Hi\n\n-------- Enter below --------\ny'],
  ['a sentence with On', 'Hi\nOn Monday it works\nbye', 'Hi\nOn Monday it works\nbye'],
  [
    'a sentence that ends with wrote:',
    'This is what he wrote:\n\nall is fine',
    'This is what he wrote:\n\nall is fine',
  ],
  ['attribution without a date needs marks (7.4)', 'Hi\n\nDesk wrote:\n> x', 'Hi'],
  [
    'attribution of six lines',
    'Hi\n\nOn Tue, Apr 11, 2026 at 10:07 PM Desk\n\n<\nsupport@desk.example\n> wrote:\nx',
    'Hi',
  ],
  ['attribution on the line of the answer', 'Fine On Wed, Sep 23, 2026 at 3:59 PM, d@desk.example wrote:\n> x', 'Fine'],
  [
    'a letter in a sentence',
    'Hi\n\nAm 3.5.2026 schrieb ich Ihnen, dass etwas fehlt:\n- Papier',
    'Hi\n\nAm 3.5.2026 schrieb ich Ihnen, dass etwas fehlt:\n- Papier',
  ],
  [
    'a colleague in a sentence',
    'Am 3.5.2026 hat mir Ihr Kollege geschrieben:\nGeht nicht.',
    'Am 3.5.2026 hat mir Ihr Kollege geschrieben:\nGeht nicht.',
  ],
  [
    'a date, an address and a colon in a list',
    'Keys:\n2026-05-03 Bo <bo@acme.example>:\nhall 2',
    'Keys:\n2026-05-03 Bo <bo@acme.example>:\nhall 2',
  ],
  ['name before verb and date', 'Ok\n\nBo Lind schrieb am 23.09.2026 10:00:\nx', 'Ok'],
  ['Notes', 'Ok\n\nBo Lind/ACME wrote on 23.09.2026 10:00:00:\n\n> x', 'Ok'],
  ['GroupWise', 'Ok\n\n>>> Bo Lind <bo@acme.example> 23.09.2026 10:00 >>>\nx\ny z', 'Ok'],
  ['163.com', 'Ok\n\nAt 2026-09-23 10:00:00, "Bo" <bo@acme.example> wrote:\n>x', 'Ok'],
  ['between dashes', 'Hi\n\n---- Desk Support wrote ----\n\n> x', 'Hi'],
  ['Thunderbird: marks and no attribution', 'Hi\n\n> Subject: x\n> From: y', 'Hi'],
  ['fullwidth marks', 'はい、そうです。\n\n＞ 直りましたか？', 'はい、そうです。'],
  ['an emoji is an answer', `👍\n\n${ON}\n> x`, '👍'],
  ['punctuation is none (7.2)', `...\n\n${ON}\n> x`, `...\n\n${ON}\n> x`],
  ['dash in the middle of a line', 'A -- b\n\nc', 'A -- b\n\nc'],
  ['delimiter without its blank', 'Hi\n--\nMara', 'Hi', '--\nMara'],
  ['nothing but a signature (7.2)', '-- \nMara', '-- \nMara'],
  [
    'forty lines after -- are no signature',
    `Hi\n--\n${'a line\n'.repeat(40)}`,
    `Hi\n--\n${'a line\n'.repeat(40)}`.trim(),
  ],
  [
    'sent from a desk',
    'Hi\n\nSent from my desk, is much easier than my phone.',
    'Hi\n\nSent from my desk, is much easier than my phone.',
  ],
  ['sent from, far above the end (7.9)', 'Sent from my iPhone\na\nb\nc\nd', 'Sent from my iPhone\na\nb\nc\nd'],
  ['phone line above the quote', `Hi\n\nSent from my iPhone\n\n${ON}\n> x`, 'Hi', 'Sent from my iPhone'],
  [
    'our marker alone cuts nothing (7.10)',
    '##- Please type your reply above this line -##\nHall 2, the left one',
    '##- Please type your reply above this line -##\nHall 2, the left one',
  ],
]
for (const [name, text, visible, signature] of cases) {
  for (const [ends, as] of [
    ['LF', text],
    ['CRLF', text.replaceAll('\n', '\r\n')],
  ] as const) {
    test(`${name} (${ends})`, () => {
      const found = extractReply({ text: as, html: null })
      isPartition(as, found)
      const lf = (part: string) => part.replaceAll('\r\n', '\n').trim()
      assert.is(lf(found.visible), visible.trim())
      if (signature !== undefined) assert.is(lf(found.signature), signature.trim())
    })
  }
}

test('known mails: a line typed into the quote stays visible (7.4)', () => {
  const known = [
    'Please switch the printer off and on.\nThen wait for two minutes.\nIs the lamp green or red?\nKind regards',
  ]
  const text = `See below.\n\n${ON}\n> Please switch the printer off and\n> on.\n> Then wait for two minutes.\n> Is the lamp green or red?\n> it blinks yellow all the time\n> Kind regards\n`
  const found = extractReply({ text, html: null, known })
  assert.is(found.visible, 'See below.\n\n> it blinks yellow all the time\n')
  assert.ok(found.why.some(({ code }) => code === 'edited_quote'))
  isPartition(text, found)
  assert.is(extractReply({ text, html: null }).visible.trim(), 'See below.')
  assert.is(extractReply({ text, html: null, known: ['something else entirely'] }).visible.trim(), 'See below.')
})

test('our marker is believed where the text below it is our mail, and nowhere else (7.10)', () => {
  const known = ['Please switch the printer off and on.\nThen wait for two minutes.']
  const marker = '##- Please type your reply above this line -##'
  const text = `Solved.\n\n${marker}\n${known[0]}\n`
  assert.is(extractReply({ text, html: null, known }).visible.trim(), 'Solved.')
  const typed = `Hello,\n\n${marker}\nit is in hall 2 and still smells of smoke.\n`
  assert.is(extractReply({ text: typed, html: null, known }).visible, typed)
  assert.is(extractReply({ text: typed, html: null }).visible, typed)
})

test('a mail of nothing but a phone line, with a file: the file is the answer (7.9)', () => {
  const input = { text: 'Sent from my iPhone\n', html: null }
  assert.is(extractReply({ ...input, hasFiles: 'yes' }).signature, 'Sent from my iPhone\n')
  assert.is(extractReply(input).visible, 'Sent from my iPhone\n')
})

test('an image in the visible part is an answer (7.2)', () => {
  const html = '<img src="cid:a"><blockquote type="cite">Which lamp is on?</blockquote>'
  const text = htmlToText(html)
  assert.is(extractReply({ text, html }).quoted, text)
  assert.is(extractReply({ text, html: html.replace(/<img[^>]*>/, '') }).visible, text)
})

test('footers that the domain repeats are folded (7.9)', () => {
  const footer = 'This message is confidential.\nDelete it.'
  const text = `Solved.\n\n${footer}\n`
  const footers = new Set([normalisedParagraph(footer)])
  assert.is(extractReply({ text, html: null, footers }).visible.trim(), 'Solved.')
  assert.is(extractReply({ text, html: null }).visible, text)
})

test('beyond 5000 lines the rest joins the last range (7.14)', () => {
  const text = `Hi\n\n${ON}\n${'> x\n'.repeat(6000)}`
  const found = extractReply({ text, html: null })
  assert.is(found.visible.trim(), 'Hi')
  assert.is(found.ranges.at(-1)!.to, text.length)
  assert.ok(found.why.some(({ code }) => code === 'too_long'))
})

test('marked text is the text of html.ts, and its marks lie within it', () => {
  const html =
    '<div>a <b>b</b></div><hr><blockquote type="cite">c<br>d</blockquote><div class="gmail_signature">e</div>'
  const { text, marks } = markedText(html)
  assert.is(text, htmlToText(html))
  assert.equal(
    marks.map(({ kind, from, to }) => [kind, from, to]),
    [
      ['rule', 2, 2],
      ['cite', 2, 6],
      ['signature', 6, 7],
    ],
  )
})

test('property: ranges are the whole, byte for byte, and the answer does not depend on line ends', () => {
  const bits = [
    `${ON}\n`,
    '> q\n',
    'word two\n',
    '\n',
    '-- \n',
    'From: a@b.example\nSent: x\nTo: y\nSubject: z\n',
    'Sent from my iPhone\n',
    '---------- Forwarded message ---------\n',
    '>> r\n',
    '\t',
    'é👍',
    '##- type above -##\n',
    '<',
    'wrote:\n',
    '____________\n',
  ]
  let seed = 7
  const random = (n: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648
    return seed % n
  }
  for (let round = 0; round < 2000; round++) {
    const text = Array.from({ length: 1 + random(12) }, () => bits[random(bits.length)]!).join('')
    const found = extractReply({ text, html: null })
    isPartition(text, found)
    const crlf = text.replaceAll('\n', '\r\n')
    const other = extractReply({ text: crlf, html: null })
    isPartition(crlf, other)
    assert.is(other.visible.replaceAll('\r\n', '\n'), found.visible)
    assert.ok(!/[\p{L}\p{N}]/u.test(text) || /[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(found.visible), text)
  }
})

const MB = 1024 * 1024
const unit = [
  'On ',
  'On \n',
  '>',
  '>\n',
  '<http://a',
  '<http://a\n',
  '\n',
  ' ',
  'wrote:\n',
  'On a a\n a wrote:\n',
  `${ON}\n`,
  'From: a\n',
  'From: a@b.example\nSent: 1\n',
  'a:\n',
  '--\n',
  '_',
  'Sent from my iPhone\n',
  '> a\nb c\n',
  'a@'.repeat(190).concat(':\n'),
  'skrev x skrev x skrev x skrev x:\n',
  `On 1${' '.repeat(370)}wrote:\n`,
  '写道:\n',
]
for (const part of unit) {
  test(`linear: 1 MB of ${JSON.stringify(part.slice(0, 20))}`, () => {
    const text = part.repeat(Math.ceil(MB / part.length))
    for (const known of [undefined, [text]]) {
      const found = timed(() => extractReply({ text, html: null, known }))
      isPartition(text, found)
    }
  })
}
for (const part of [
  '<blockquote>x',
  '<div class="gmail_quote">x',
  '</div>',
  '<hr>',
  '<p id=x_x_x_divRplyFwdMsg>x',
  '<',
  '<div '.concat('class=a '.repeat(50), '>x'),
]) {
  test(`linear: 1 MB of ${part.slice(0, 20)}`, () => {
    const html = part.repeat(Math.ceil(limits.parse.html / part.length))
    const text = htmlToText(html)
    isPartition(
      text,
      timed(() => extractReply({ text, html })),
    )
  })
}

/** By processor time: the machine may be busy with something else. */
function timed(run: () => Reply): Reply {
  const before = process.cpuUsage()
  const result = run()
  const { user, system } = process.cpuUsage(before)
  assert.ok(user + system < 1_000_000, `${Math.round((user + system) / 1000)} ms`)
  return result
}

function isPartition(text: string, { ranges, visible, quoted, signature }: Reply): void {
  let at = 0
  for (const [i, { from, to, kind }] of ranges.entries()) {
    assert.is(from, at)
    assert.ok(to > from)
    assert.is.not(kind, ranges[i - 1]?.kind)
    at = to
  }
  assert.is(at, text.length)
  assert.is(visible.length + quoted.length + signature.length, text.length)
}

test.run()
