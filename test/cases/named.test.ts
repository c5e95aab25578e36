/**
 * Nothing gets lost of what others learned the hard way: each of the 60 regressions of MAIL 11 names a test, each that
 * is a mail has its fixture, and each language and mail program that the rules name has one.
 */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { VACATION_PREFIXES } from '../../src/mail/classify/vacation.ts'

const root = path.join(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')
const ids = Array.from({ length: 60 }, (_, n) => `X${String(n + 1).padStart(2, '0')}`)

/** They are about a connection, a server or a time, and no mail shows them. */
const NO_MAIL = 'X01 X02 X03 X04 X05 X06 X08 X09 X10 X11 X12 X13 X14 X17 X18 X23 X58'.split(' ')

/** A title stands where a test is made, or begins a line of a table of tests. */
const TITLE =
  /^[ \t]*(?:test|\w+)\(\s*(['"`])((?:(?!\1)[^\\\n]|\\.)*)\1, (?:async )?\(|^[ \t]*\[?\s*'((?:[^'\\\n]|\\.)*)',/gm

const titles = globSync('test/**/*.test.ts', { cwd: root })
  .filter((file) => !file.endsWith('named.test.ts'))
  .flatMap((file) => [...read(file).matchAll(TITLE)].map((found) => found[2] ?? found[3] ?? ''))

test('each of the regressions names a test that `npm test` runs', () => {
  assert.ok(titles.length > 500, `${titles.length} titles`)
  const missing = ids.filter((id) => !titles.some((title) => title.includes(id)))
  assert.equal(missing, [])
})

test('no test names a regression that there is not', () => {
  const named = titles.flatMap((title) => title.match(/\bX\d{2}\b/g) ?? [])
  assert.equal(
    [...new Set(named)].filter((id) => !ids.includes(id)),
    [],
  )
})

// those of the demo are input of another test
const fixtures = globSync('fixtures/mails/*/*.eml', { cwd: root, exclude: ['fixtures/mails/demo/**'] })
const named = (folder: string, prefix: string) =>
  new Set(
    fixtures
      .filter((file) => file.startsWith(`fixtures/mails/${folder}/${prefix}`))
      .map((file) => path.basename(file, '.eml').slice(prefix.length)),
  )

test('each regression that is a mail has its fixture', () => {
  const cases = fixtures.flatMap((file) => {
    const { case: of = [] } = JSON.parse(read(file.replace(/\.eml$/, '.json'))) as { case?: string | string[] }
    return [of].flat()
  })
  assert.equal(
    ids.filter((id) => !NO_MAIL.includes(id) && !cases.includes(id)),
    [],
  )
  assert.equal(
    cases.filter((id) => !ids.includes(id)),
    [],
  )
})

const missing = (wanted: string, there: Set<string>) => wanted.split(' ').filter((one) => !there.has(one))

test('there is a vacation notice in each language of MAIL 4a.17, and each begins as that language does', () => {
  const languages = 'en de fr es it pt nl sv da no fi pl cs sk hu ro ru uk bg tr el he ar zh zh-tw ja ko et lv lt hr sl'
  const there = named('autoreply', 'language-')
  assert.equal(missing(languages, there), [])
  const subjects = [...there].map((one) => {
    const expected = JSON.parse(read(`fixtures/mails/autoreply/language-${one}.json`)) as { subject: string }
    return expected.subject.toLowerCase()
  })
  for (const subject of subjects)
    assert.ok(
      VACATION_PREFIXES.some((prefix) => subject.startsWith(prefix.toLowerCase())),
      subject,
    )
})

test('there is an attribution in each language of MAIL 7.7, and a header block in each of 7.8', () => {
  const attributions = 'en de fr es it pt nl sv da no fi pl cs sk hu ro ru uk bg tr el he ar zh zh-tw ja ko vi'
  assert.equal(missing(attributions, named('reply', 'attribution-')), [])
  assert.equal(missing('ru-yandex ru-mailru', named('reply', 'attribution-')), [])
  const blocks = 'en de fr es it pt nl sv da no fi pl cs hu ro ru uk tr el zh zh-tw ja ko'
  assert.equal(missing(blocks, named('reply', 'header-block-')), [])
})

/** How each mail program of MAIL 7.5 marks what it quotes or signs. */
const MARKS = [
  'class="gmail_quote gmail_quote_container"',
  'class="gmail_attr"',
  'border-top:solid #E1E1E1 1.0pt',
  'border-top:solid #B5C4DF 1.0pt',
  'WordSection1',
  'MsoNormal',
  'id="divRplyFwdMsg"',
  'id="appendonsend"',
  'id="x_x_divRplyFwdMsg"',
  'id="m_-4821736450912m_771divRplyFwdMsg"',
  'border-style:solid none none',
  'mail-editor-reference-message-container',
  'ms-outlook-mobile-reference-message',
  'OLK_SRC_BODY_SECTION',
  '<blockquote type="cite"',
  'AppleMailSignature',
  'moz-cite-prefix',
  'moz-signature',
  'moz-forward-container',
  'class="yahoo_quoted"',
  'protonmail_quote',
  'mail-quote-collapse',
  'mail-app-auto-quote',
  'composeWebView_previouse_content',
  'mail-app-auto-signature',
  'rgb(229, 229, 229)',
  'stopSpelling',
  'composer_signature',
  'elided',
  '-------- Original message --------',
  '__QUOTED_TEXT__',
  '原始邮件',
  'front-blockquote',
  'class="gmail_signature"',
]
test('there is a fixture of each mail program of MAIL 7.5, told by its marks', () => {
  const all = fixtures
    .filter((file) => /mails\/(?:reply|forward)\//.test(file))
    .map(read)
    .join('\n')
  assert.equal(
    MARKS.filter((mark) => !all.includes(mark)),
    [],
  )
  assert.equal(
    missing('hey front zimbra qq 163 samsung hotmail windows-mail proton yandex', named('reply', 'client-')),
    [],
  )
})

test.run()
