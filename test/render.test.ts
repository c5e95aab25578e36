import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Refusal } from '../src/errors.ts'
import {
  LOCALES,
  loadTemplates,
  localeFor,
  placeholders,
  render,
  spokenLocale,
  type TemplateName,
} from '../src/render.ts'

const folder = path.join(import.meta.dirname, '..', 'templates')
const templates = loadTemplates(folder)

const names = Object.keys(placeholders) as TemplateName[]
const due = {
  first_response_due: 'Mon 17:00',
  first_response_how: '8 h',
  resolution_due: 'Tue 17:00',
  resolution_how: '16 h',
}
const ack = {
  number: 12,
  name: 'Kim',
  their_subject: 'Help',
  inbox_name: 'Desk',
  reference: 'desk+r2@desk.example',
  ...due,
}

/** Every placeholder filled with its own name, or left out. */
const filled = (name: TemplateName, value: (key: string) => string | null) =>
  Object.fromEntries(
    Object.entries(placeholders[name]).map(([key, kind]) => {
      const text = value(key)
      return [key, text !== null && kind === 'rich' ? { text, html: text } : text]
    }),
  ) as never

const wordsOf = (html: string) =>
  html
    .replace(/<head>.*<\/head>/s, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/&#x27;/g, "'")
    .replace(/&amp;/g, '&')
    .replace(/\s+/g, ' ')
    .trim()

test('text and HTML say the same, in every template and language, with and without values (8.12)', () => {
  for (const name of names)
    for (const locale of LOCALES)
      for (const value of [(key: string) => `<${key}>`.replace(/[<>]/g, '°'), () => null]) {
        const { subject, text, html } = render(templates, name, locale, filled(name, value))
        assert.is(text.replace(/\s+/g, ' ').trim(), wordsOf(html), `${locale}/${name}`)
        assert.is(html.includes(`<html lang="${locale}">`), true)
        assert.not.match(subject + text + html, /\{\{|\}\}|undefined|null/)
        if (value('x') !== null) assert.ok(subject.length > 0)
        assert.is(subject.includes('\n'), false)
        if (value('x') !== null) assert.not.match(text, /\n{3,}/)
        for (const key of Object.keys(placeholders[name]))
          if (value(key) !== null)
            assert.ok(`${subject}${text}`.includes(`°${key}°`), `${locale}/${name} never says ${key}`)
      }
})

test('every language has its own words', () => {
  for (const name of ['ack', 'ack-follow-up', 'login'] as const) {
    const texts = LOCALES.map(
      (locale) =>
        render(
          templates,
          name,
          locale,
          filled(name, (key) => key),
        ).text,
    )
    assert.is(new Set(texts).size, LOCALES.length)
  }
})

test("golden: the acknowledgement in English, with and without the sender's words (4a.25)", () => {
  const full = render(templates, 'ack', 'en', ack)
  assert.is(full.subject, 'Re: Help')
  assert.is(
    full.text,
    `Hello Kim,

thank you for your message. It has reached us and its number is #12.

You will have a first answer by Mon 17:00 – 8 h.

We intend to have it solved by Tue 17:00 – 16 h.

Is there anything to add? Just reply to this email.

Desk
Reference: desk+r2@desk.example
`,
  )
  const bare = render(templates, 'ack', 'en', {
    ...ack,
    name: '',
    their_subject: '',
    resolution_due: null,
    first_response_how: null,
  })
  assert.is(bare.subject, 'We received your message [#12]')
  assert.match(bare.text, /^Hello,\n/)
  assert.match(bare.text, /a first answer by Mon 17:00\.\n/)
  assert.not.match(bare.text, /solved/)
})

test('values are data: escaped in HTML, raw in text, never a template (8.16)', () => {
  const evil = '{{number}} {{#if x}} <b onclick="x()">&amp;</b> {{{body}}} $(id)'
  const { subject, text, html } = render(templates, 'ack', 'en', { ...ack, name: evil, their_subject: evil })
  assert.is(subject, `Re: ${evil}`)
  assert.ok(text.includes(`Hello ${evil},`))
  assert.ok(html.includes('&lt;b onclick&#x3D;&quot;x()&quot;&gt;&amp;amp;&lt;/b&gt; {{{body}}}'))
  assert.not.match(html, /<b onclick/)
  const subjects = render(templates, 'ack', 'en', { ...ack, their_subject: 'a\r\nBcc: x@y\n\nb' })
  assert.is(subjects.subject, 'Re: a Bcc: x@y b')
})

test("an agent's blank lines and line breaks stay as they were written", () => {
  const body = 'one\n\n\n\n  two\n'
  const { text } = render(templates, 'answer', 'en', {
    ...(filled('answer', () => '') as object),
    body: { text: body, html: body },
  } as never)
  assert.ok(text.startsWith(body))
  assert.ok(text.includes('\n-- \n'))
})

test('a locale falls back to its language and then to English', () => {
  const found = ['de-AT', 'DE_de', 'pl', 'uk-UA', 'it', 'zh-Hant-TW', '', 'den'].map((wish) =>
    localeFor(templates, wish),
  )
  assert.equal(found, ['de', 'de', 'pl', 'uk', 'en', 'en', 'en', 'en'])
  assert.equal(
    ['de-AT', 'it', 'en-US'].map((wish) => spokenLocale(templates, wish)),
    ['de-AT', 'en', 'en-US'],
  )
})

// --- what load refuses ---

function refusal(change: (root: string) => void): string {
  const root = mkdtempSync(path.join(os.tmpdir(), 'postroom-templates-'))
  try {
    cpSync(folder, root, { recursive: true })
    change(root)
    loadTemplates(root)
    return 'nothing'
  } catch (error) {
    const { code, fault, message } = error as Refusal
    return `${code} ${fault} ${message.replace(`${root}/`, '')}`
  } finally {
    rmSync(root, { recursive: true })
  }
}

const edited = (file: string, edit: (source: string) => string) =>
  refusal((root) => writeFileSync(path.join(root, file), edit(readFileSync(path.join(root, file), 'utf8'))))

test('an unknown placeholder is refused with file and line, in either form', () => {
  assert.match(
    edited('de/ack.txt.hbs', (source) => source.replace('{{inbox_name}}', '\n{{ticket.secret}}')),
    /^bad_template config de\/ack\.txt\.hbs:17: \{\{ticket\.secret\}\} is no placeholder of ack; it has number, name/,
  )
  assert.match(
    edited('fr/login.html.hbs', (source) => source.replace('<body>', '<body>{{nmae}}')),
    /fr\/login\.html\.hbs:4: \{\{nmae\}\} is no placeholder/,
  )
  assert.match(
    edited('en/ack.txt.hbs', (source) => `{{subject}} ${source}`),
    /en\/ack\.txt\.hbs:1: /,
  )
})

test('helpers, partials, loops, paths, data and raw values are refused', () => {
  for (const tag of [
    '{{#each words}}x{{/each}}',
    '{{lookup words 0}}',
    '{{> ack}}',
    '{{words.length}}',
    '{{../words}}',
    '{{@root}}',
    '{{this}}',
    '{{constructor}}',
    '{{#if (lookup words 0)}}x{{/if}}',
    '{{#if words extra}}x{{/if}}',
    '{{{words}}}',
    '{{&words}}',
    '{{words x=1}}',
    '{{#*inline "x"}}{{/inline}}',
    '{{"words"}}',
  ])
    for (const form of ['txt', 'html'])
      assert.match(
        edited(`en/notice.${form}.hbs`, (source) => `${source}\n${tag}\n`),
        /^bad_template config en\/notice/,
        `${form} ${tag}`,
      )
  assert.match(
    edited('en/answer.html.hbs', (source) => source.replace('{{{body}}}', '{{body}}')),
    /needs three braces/,
  )
})

test('a syntax error, a missing file and an incomplete locale are refused with the file', () => {
  assert.match(
    edited('en/ack.txt.hbs', (source) => `${source}{{#if name}}\n`),
    /^bad_template config en\/ack\.txt\.hbs:\d+: /,
  )
  assert.match(
    edited('en/ack.html.hbs', (source) => `${source}{{name`),
    /^bad_template config en\/ack\.html\.hbs:\d+: /,
  )
  assert.match(
    refusal((root) => rmSync(path.join(root, 'pl', 'login.html.hbs'))),
    /^bad_template config pl\/login\.html\.hbs:1: cannot be read/,
  )
  assert.match(
    refusal((root) => rmSync(path.join(root, 'uk'), { recursive: true })),
    /^bad_template config uk\//,
  )
  assert.match(
    refusal((root) => cpSync(path.join(root, 'en', 'ack.txt.hbs'), path.join(root, 'it', 'ack.txt.hbs'))),
    /^bad_template config it\//,
  )
})

test('a complete new locale is simply there', () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'postroom-templates-'))
  try {
    cpSync(folder, root, { recursive: true })
    cpSync(path.join(folder, 'es'), path.join(root, 'it'), { recursive: true })
    assert.is(localeFor(loadTemplates(root), 'it-CH'), 'it')
  } finally {
    rmSync(root, { recursive: true })
  }
})

test.run()
