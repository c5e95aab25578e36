/**
 * Outgoing texts: templates/<locale>/<name>.txt.hbs (subject on line 1) and .html.hbs, checked and compiled once. The
 * only importer of handlebars. A template may hold the placeholders of its table below and `if`, `unless`, `else`:
 * no helper, no partial, no loop, no path. Values are data and never templates (8.16); a customer may be called
 * `{{ticket.secret}}`. Adding a folder adds a locale; it must then be complete.
 */

import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import Handlebars from 'handlebars'
import { Refusal, wordsOf } from './errors.ts'

/** Something that has a form of its own in each alternative, such as an agent's words; `html` is safe HTML. */
export type Rich = { text: string; html: string }

export type Rendered = { subject: string; text: string; html: string }

export type TemplateName = keyof typeof placeholders

/** Every placeholder must be given; null leaves it (and its `{{#if}}`) out. */
export type TemplateData<N extends TemplateName> = {
  [K in keyof (typeof placeholders)[N]]: (typeof placeholders)[N][K] extends 'rich'
    ? Rich | null
    : string | number | null
}

export type Templates = { locales: string[]; byKey: Map<string, Compiled> }

const due = {
  first_response_due: 'value',
  first_response_how: 'value',
  resolution_due: 'value',
  resolution_how: 'value',
} as const

/** What each template may name. `rich` is written with three braces in HTML. */
export const placeholders = {
  ack: { number: 'value', name: 'value', their_subject: 'value', inbox_name: 'value', reference: 'value', ...due },
  'ack-follow-up': {
    number: 'value',
    earlier: 'value',
    name: 'value',
    their_subject: 'value',
    inbox_name: 'value',
    reference: 'value',
    ...due,
  },
  answer: {
    subject: 'value',
    body: 'rich',
    agent_name: 'value',
    inbox_name: 'value',
    number: 'value',
    reference: 'value',
    quote: 'rich',
    quote_author: 'value',
    quote_date: 'value',
  },
  digest: {
    desk: 'value',
    count: 'value',
    held: 'value',
    failed: 'value',
    discarded: 'value',
    dropped: 'value',
    list: 'rich',
    first: 'value',
    more: 'value',
    link: 'value',
    days: 'value',
    zone: 'value',
  },
  'duplicate-closed': { subject: 'value', number: 'value', name: 'value', inbox_name: 'value', reference: 'value' },
  invoice: {
    number: 'value',
    voids: 'value',
    date: 'value',
    period: 'value',
    seller_name: 'value',
    seller_address: 'value',
    seller_tax_id: 'value',
    customer_name: 'value',
    customer_address: 'value',
    customer_tax_id: 'value',
    lines: 'rich',
    net: 'value',
    taxes: 'rich',
    gross: 'value',
    reverse_charge: 'value',
    terms: 'value',
  },
  login: { desk: 'value', link: 'value', minutes: 'value' },
  'moved-dates': {
    subject: 'value',
    number: 'value',
    name: 'value',
    inbox_name: 'value',
    reference: 'value',
    ...due,
    first_response_was: 'value',
    resolution_was: 'value',
  },
  notice: {
    desk: 'value',
    title: 'value',
    words: 'value',
    count: 'value',
    first_at: 'value',
    last_at: 'value',
    link: 'value',
  },
  notification: {
    subject: 'value',
    customer: 'value',
    note: 'rich',
    news: 'rich',
    facts: 'rich',
    link: 'value',
    comments: 'rich',
    desk: 'value',
  },
  question: { subject: 'value', body: 'rich', agent_name: 'value', inbox_name: 'value' },
  queue: {
    desk: 'value',
    count: 'value',
    number: 'value',
    news: 'rich',
    done: 'rich',
    mine: 'rich',
    mine_count: 'value',
    free: 'rich',
    free_count: 'value',
    waiting: 'value',
    link: 'value',
    zone: 'value',
  },
  reminder: {
    desk: 'value',
    number: 'value',
    subject: 'value',
    what: 'value',
    left: 'value',
    due: 'value',
    customer: 'value',
    assignee: 'value',
    link: 'value',
    answers_to: 'value',
    note: 'rich',
    comments: 'rich',
  },
  statement: {
    desk: 'value',
    customer: 'value',
    month: 'value',
    table: 'rich',
    billable: 'value',
    free: 'value',
    net: 'value',
    unpriced: 'value',
    again: 'value',
    approve: 'value',
  },
  'statement-approved': {
    desk: 'value',
    customer: 'value',
    month: 'value',
    billable: 'value',
    free: 'value',
    net: 'value',
    by: 'value',
    reference: 'value',
  },
  timesheet: {
    desk: 'value',
    from: 'value',
    to: 'value',
    total: 'value',
    table: 'rich',
    example: 'value',
    link: 'value',
  },
} as const satisfies Record<string, Record<string, 'value' | 'rich'>>

/** The locales that this project ships; each must be there. */
export const LOCALES = ['en', 'de', 'fr', 'es', 'pl', 'uk', 'ru'] as const

/**
 * Reads, checks and compiles all templates.
 * @throws Refusal `bad_template` (fault config) with file and line: unknown placeholder, forbidden tag, syntax, no file
 */
export function loadTemplates(folder: string): Templates {
  const handlebars = Handlebars.create()
  const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const locales = [...new Set<string>([...LOCALES, ...folders.map((entry) => entry.name)])]
  const byKey = new Map<string, Compiled>()
  for (const locale of locales)
    for (const name of templateNames)
      byKey.set(`${locale}/${name}`, compileOne(handlebars, path.join(folder, locale), name))
  return { locales, byKey }
}

/** The template language nearest to a wish: `de-AT`, then `de`, then `en`. Case and `_` do not matter. */
export function localeFor(templates: Templates, wish: string): string {
  const parts = wish.toLowerCase().replaceAll('_', '-').split('-').slice(0, 4)
  for (let length = parts.length; length > 0; length--) {
    const found = templates.locales.find((locale) => locale.toLowerCase() === parts.slice(0, length).join('-'))
    if (found) return found
  }
  return 'en'
}

/** The reader's locale if the templates speak its language, for dates beside them; else the one they fall back to. */
export function spokenLocale(templates: Templates, wish: string): string {
  const found = localeFor(templates, wish)
  return wish.toLowerCase().startsWith(found.toLowerCase()) ? wish : found
}

/** Subject on one line, text with LF line ends, a whole HTML document; text and HTML say the same (8.12). */
export function render<N extends TemplateName>(
  templates: Templates,
  name: N,
  locale: string,
  data: TemplateData<N>,
): Rendered {
  const compiled = templates.byKey.get(`${localeFor(templates, locale)}/${name}`)!
  const [text, html] = [formOf(data, 'text'), formOf(data, 'html')]
  return {
    subject: compiled.subject(text).replace(/\s+/g, ' ').trim(),
    text: `${compiled.text(text).replace(/^\n/, '').trimEnd()}\n`,
    html: compiled.html(html),
  }
}

type Compiled = Record<'subject' | 'text' | 'html', (data: Values) => string>
type Values = Record<string, string | number | null>
type Form = 'text' | 'html'

const templateNames = Object.keys(placeholders) as TemplateName[]

function formOf(data: Record<string, string | number | Rich | null>, form: Form): Values {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, value && typeof value === 'object' ? value[form] : value]),
  )
}

function compileOne(handlebars: typeof Handlebars, folder: string, name: TemplateName): Compiled {
  const textFile = path.join(folder, `${name}.txt.hbs`)
  const htmlFile = path.join(folder, `${name}.html.hbs`)
  const [subject = '', ...lines] = read(textFile).split('\n')
  return {
    subject: compile(handlebars, { file: textFile, source: subject, name, form: 'text' }),
    // an empty first line keeps the numbers of the lines; render takes it off again
    text: compile(handlebars, { file: textFile, source: `\n${lines.join('\n')}`, name, form: 'text' }),
    html: compile(handlebars, { file: htmlFile, source: read(htmlFile), name, form: 'html' }),
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').replaceAll('\r\n', '\n')
  } catch (error) {
    throw refuse(file, 1, `cannot be read (${wordsOf(error)})`)
  }
}

const refuse = (file: string, line: number, words: string) =>
  new Refusal('bad_template', `${file}:${line}: ${words}.`, 'config')

type Source = { file: string; source: string; name: TemplateName; form: Form }

function compile(handlebars: typeof Handlebars, template: Source): (data: Values) => string {
  const check = { ...template, known: placeholders[template.name] as Record<string, 'value' | 'rich'> }
  checkBlock(parse(handlebars, template).body, check)
  const run = handlebars.compile<Values>(template.source, {
    strict: true,
    noEscape: template.form === 'text',
    knownHelpersOnly: true,
    knownHelpers: { if: true, unless: true },
  })
  // handlebars compiles at the first call: that is now, and not when a customer waits
  run(Object.fromEntries(Object.keys(check.known).map((key) => [key, ''])), SAFE)
  return (data) => run(data, SAFE)
}

const SAFE = { allowProtoMethodsByDefault: false, allowProtoPropertiesByDefault: false }

function parse(handlebars: typeof Handlebars, { file, source }: Source): hbs.AST.Program {
  try {
    return handlebars.parse(source)
  } catch (error) {
    const words = wordsOf(error)
    const line = /line (\d+)/.exec(words)?.[1] ?? /(\d+):\d+$/.exec(words)?.[1]
    throw refuse(file, Number(line ?? 1), words.split('\n').slice(-1)[0]!)
  }
}

type Check = Source & { known: Record<string, 'value' | 'rich'> }

/** Templates are the installation's own files, nested by hand: the depth of this recursion is theirs. */
function checkBlock(body: hbs.AST.Statement[], check: Check): void {
  for (const statement of body) {
    const line = statement.loc.start.line
    if (statement.type === 'ContentStatement' || statement.type === 'CommentStatement') continue
    if (statement.type === 'MustacheStatement') checkValue(statement as hbs.AST.MustacheStatement, check)
    else if (statement.type === 'BlockStatement') {
      const block = statement as hbs.AST.BlockStatement
      const tag = (block.path as hbs.AST.PathExpression).original
      if (!['if', 'unless'].includes(tag) || block.params.length !== 1 || block.hash?.pairs.length)
        throw refuse(check.file, line, `{{#${tag}}} is not known here; there are {{#if x}} and {{#unless x}}`)
      placeholderOf(block.params[0]!, check)
      checkBlock(block.program?.body ?? [], check)
      checkBlock(block.inverse?.body ?? [], check)
    } else throw refuse(check.file, line, `${statement.type} is not allowed in a template`)
  }
}

function checkValue(statement: hbs.AST.MustacheStatement, check: Check): void {
  const line = statement.loc.start.line
  if (statement.params.length > 0 || statement.hash?.pairs.length)
    throw refuse(check.file, line, 'a placeholder stands alone in its braces')
  const name = placeholderOf(statement.path, check)
  const raw = check.form === 'html' && check.known[name] === 'rich'
  if (raw === statement.escaped)
    throw refuse(check.file, line, raw ? `{{${name}}} needs three braces here` : `{{${name}}} takes two braces here`)
}

function placeholderOf(expression: hbs.AST.Expression, check: Check): string {
  const { original, parts, depth, data } = expression as hbs.AST.PathExpression
  if (
    expression.type !== 'PathExpression' ||
    data ||
    depth > 0 ||
    parts?.length !== 1 ||
    !Object.hasOwn(check.known, original)
  )
    throw refuse(
      check.file,
      expression.loc.start.line,
      `{{${original}}} is no placeholder of ${check.name}; it has ${Object.keys(check.known).join(', ')}`,
    )
  return original
}
