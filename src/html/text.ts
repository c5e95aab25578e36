/** HTML to plain text in one pass over its tags: any HTML, however broken and however deep. No DOM, no recursion. */

const NO_TEXT = new Set(['script', 'style', 'title', 'template', 'textarea', 'select'])
const BLOCKS = new Set(
  (
    'address article aside center dd div dl dt fieldset figure footer form header hr li main nav ol section table tbody ' +
    'tr ul html body head'
  ).split(' '),
)
const PARAGRAPHS = new Set(['p', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'blockquote', 'pre'])
const TOKEN = /<!--[\s\S]*?(?:-->|$)|<[a-z!?/][^>]*(?:>|$)|[^<]+|</gi

/** Told of every tag outside hidden elements, with the visible (non-blank) characters written before it. */
export type TagWatcher = (tag: { name: string; closes: boolean; token: string; at: number }) => void

/**
 * Visible text with LF line ends; what a mail program quotes becomes lines with `> `, a blockquote that only indents
 * (the button of that name in Gmail and Outlook) lines with four blanks, a list item one with `* `.
 */
export function htmlToText(html: string, watch: TagWatcher | null = null): string {
  const writer = startWriter()
  let hidden = '' // the element whose content is no text
  let pre = 0
  for (const [token] of html.matchAll(TOKEN)) {
    const isMarkup = token.length > 1 && token[0] === '<'
    if (!isMarkup) {
      if (hidden === '') writer.text(plain(token), pre > 0 ? 'pre' : 'flow')
      continue
    }
    const tag = /^<(\/?)([a-z][a-z0-9]{0,20})/i.exec(token)
    if (!tag) continue
    const name = tag[2]!.toLowerCase()
    const closes = tag[1] === '/'
    if (hidden !== '') {
      if (closes && name === hidden) hidden = ''
      continue
    }
    watch?.({ name, closes, token, at: writer.visible() })
    if (NO_TEXT.has(name) && !closes) hidden = name
    else if (name === 'pre') pre = Math.max(0, pre + (closes ? -1 : 1))
    else if (name === 'blockquote') writer.quote(closes ? null : isCitation(token) ? '> ' : INDENT)
    if (name === 'br') writer.lineBreak()
    else if (PARAGRAPHS.has(name)) writer.atLeast(2)
    else if (BLOCKS.has(name)) writer.atLeast(1)
    else if ((name === 'td' || name === 'th') && closes) writer.text(' ', 'flow')
    if (name === 'li' && !closes) writer.text('* ', 'flow')
  }
  return writer.end()
}

const INDENT = '    '

/** Any mark of a mail program: type=cite, a class, an id, the bar at the left that mail.ru and Word draw. */
function isCitation(token: string): boolean {
  return /\s(?:type|cite|class|id)\s*=|border-left/i.test(token.slice(0, 2000))
}

/** Collects text and remembers how many line ends are due before the next of it. */
function startWriter() {
  const out: string[] = []
  let due = 0
  let breaks = 0
  const quotes: string[] = []
  let started = false
  let spaced = false // the last piece ended with a blank
  const prefix = () => quotes.slice(0, 10).join('')
  const push = (text: string) => {
    const lines = Math.min(Math.max(due, breaks), 3)
    if (!started) out.push(prefix())
    else if (lines > 0) out.push('\n'.repeat(lines), prefix())
    started = true
    due = 0
    breaks = 0
    spaced = text.endsWith(' ')
    out.push(text)
  }
  let counted = 0 // pieces of `out` that `visible` has counted
  let visible = 0
  return {
    text(text: string, mode: 'flow' | 'pre') {
      if (mode === 'pre') {
        for (const [i, line] of text.split('\n').entries()) {
          if (i > 0) breaks++
          if (line !== '') push(line)
        }
        return
      }
      const flat = text.replace(/[ \t\r\n\f]+/g, ' ')
      const atStart = !started || spaced || due > 0 || breaks > 0
      const shown = atStart ? flat.trimStart() : flat
      if (shown !== '') push(shown)
    },
    lineBreak() {
      if (started) breaks++
    },
    atLeast(lines: number) {
      if (started) due = Math.max(due, lines)
    },
    /** Begins a blockquote, null ends one. */
    quote(mark: string | null) {
      if (mark === null) quotes.pop()
      else quotes.push(mark)
    },
    visible() {
      for (; counted < out.length; counted++) visible += visibleLength(out[counted]!)
      return visible
    },
    end: () =>
      out
        .join('')
        .replace(/([^\s])[ \t]+(?=\n)/g, '$1')
        .trim(),
  }
}

/** Characters that are not white space: the measure in which two renderings of one text agree. */
function visibleLength(text: string): number {
  return text.replace(/\s+/g, '').length
}

const NAMED: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  copy: '©',
  reg: '®',
  trade: '™',
  hellip: '…',
  ndash: '–',
  mdash: '—',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  laquo: '«',
  raquo: '»',
  bull: '•',
  middot: '·',
  euro: '€',
  pound: '£',
  auml: 'ä',
  ouml: 'ö',
  uuml: 'ü',
  Auml: 'Ä',
  Ouml: 'Ö',
  Uuml: 'Ü',
  szlig: 'ß',
  eacute: 'é',
  egrave: 'è',
  agrave: 'à',
  ccedil: 'ç',
  zwnj: '',
  zwj: '',
  shy: '',
}

/** Entities decoded, NUL and other controls gone. The sanitiser's output has numeric and basic ones only. */
function plain(token: string): string {
  const text = token.includes('&') ? token.replace(/&(#x?[0-9a-f]{1,6}|[a-z]{2,10});?/gi, entity) : token
  return text.replace(/[\u0000-\u0008\u000b\u000e-\u001f\u00ad\u200b\ufeff]/g, '').replaceAll('\u00a0', ' ')
}

function entity(whole: string, name: string): string {
  if (name[0] !== '#') return Object.hasOwn(NAMED, name) ? NAMED[name]! : whole
  const code = name[1] === 'x' || name[1] === 'X' ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
  const valid = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
  return valid ? String.fromCodePoint(code) : '\uFFFD'
}
