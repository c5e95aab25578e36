/**
 * Which stretches of an HTML mail its mail program marked as quotation or signature (7.5): containers known by class,
 * id or border. Yields marks over the visible characters of `htmlToText`; what they mean is for mail/reply-text.
 */
import { htmlToText } from './text.ts'

/**
 * `rest`: from here to the end of the mail stands the mail that is answered. `quote`: a container of a quotation and
 * its attribution. `cite`: a blockquote that a mail program makes for an answer. `indent`: any other blockquote, which
 * people use too. `signature`, `image` (outside of all these) and `rule` (a horizontal line) explain themselves.
 */
export type MarkKind = 'rest' | 'quote' | 'cite' | 'indent' | 'signature' | 'image' | 'rule'

/** `from` and `to` count characters of the text that are not white space. `client` names what was recognised. */
export type Mark = { kind: MarkKind; from: number; to: number; client: string }

/** The text exactly as `htmlToText` gives it, and its marks in order of their beginning. Linear; never throws. */
export function markedText(html: string): { text: string; marks: Mark[] } {
  const marks: Mark[] = []
  const depths = new Map<string, number>()
  const open = new Map<string, { depth: number; mark: Mark }[]>()
  let quotes = 0 // open containers of kind `quote`
  let containers = 0 // open ones of any kind; an image inside one is no answer
  let last = 0
  const text = htmlToText(html, ({ name, closes, token, at }) => {
    last = at
    if (VOID.has(name)) {
      const found = closes || marks.length >= MARKS ? null : recognised(name, token, quotes)
      if (found && (found.kind !== 'image' || containers === 0)) marks.push({ ...found, from: at, to: at })
      if (found?.kind === 'rest') containers++
      return
    }
    const depth = (depths.get(name) ?? 0) + (closes ? -1 : 1)
    depths.set(name, Math.max(0, depth))
    const watched = open.get(name) ?? []
    if (closes) {
      while (watched.length > 0 && watched.at(-1)!.depth > depth) {
        const { mark } = watched.pop()!
        mark.to = at
        if (mark.kind === 'quote') quotes--
        if (mark.kind !== 'rest') containers-- // what follows a `rest` belongs to it
      }
      return
    }
    const found = recognised(name, token, quotes)
    if (!found || marks.length >= MARKS) return
    const mark = { ...found, from: at, to: -1 }
    if (found.kind === 'quote') quotes++
    containers++
    marks.push(mark)
    watched.push({ depth, mark })
    open.set(name, watched)
  })
  for (const mark of marks) if (mark.to < 0 || mark.kind === 'rest') mark.to = Math.max(last, text.length)
  return { text, marks }
}

/** Whether there can be any mark: looked for in a fraction of the time that it takes to find none. */
export const mayBeMarked = (html: string): boolean => MARKED.test(html)

/** More containers than any thread has. */
const MARKS = 2000
const VOID = new Set(['hr', 'img', 'br', 'input', 'meta', 'link', 'base', 'wbr', 'col', 'area', 'embed'])

const ATTRIBUTE = /\s(class|id|style|type|cite|data-marker)\s{0,5}=\s{0,5}(?:"([^"]*)"|'([^']*)'|([^\s>"']+))/gi

/** OWA and Outlook.com prefix what they quote with x_, Gmail with m_123…, Hotmail with ecx, Yahoo with ydp….*/
const PREFIX = /^(?:x_|ecx|m_-?\d{1,25}|ydp[0-9a-f]{1,12}(?=yahoo|_))+/

const IDS: Record<string, [MarkKind, string]> = {
  divrplyfwdmsg: ['rest', 'Outlook on the web'],
  appendonsend: ['rest', 'Outlook on the web'],
  olk_src_body_section: ['rest', 'Outlook for Mac'],
  'mail-editor-reference-message-container': ['rest', 'Outlook'],
  'ms-outlook-mobile-reference-message': ['rest', 'Outlook mobile'],
  stopspelling: ['rest', 'Hotmail'],
  'mail-app-auto-quote': ['quote', 'mail.ru app'],
  composewebview_previouse_content: ['quote', 'mail.ru app'],
  applemailsignature: ['signature', 'Apple Mail'],
  'mail-app-auto-signature': ['signature', 'mail.ru app'],
  'ms-outlook-mobile-signature': ['signature', 'Outlook mobile'],
  composer_signature: ['signature', 'Samsung Email'],
  signature: ['signature', 'Outlook on the web'],
}

const CLASSES: Record<string, [MarkKind, string]> = {
  gmail_quote: ['quote', 'Gmail'],
  gmail_quote_container: ['quote', 'Gmail'],
  yahoo_quoted: ['quote', 'Yahoo'],
  protonmail_quote: ['quote', 'Proton Mail'],
  outlookmessageheader: ['rest', 'Outlook'],
  'ms-outlook-mobile-reference-message': ['rest', 'Outlook mobile'],
  'front-blockquote': ['quote', 'Front'],
  gmail_signature: ['signature', 'Gmail'],
  'front-signature': ['signature', 'Front'],
  'moz-signature': ['signature', 'Thunderbird'],
  protonmail_signature_block: ['signature', 'Proton Mail'],
}

/** What every element holds that `recognised` knows; plain words, which are found at the speed of a search. */
const MARKED = new RegExp(
  ['<(?:img|hr|blockquote)', '__quoted_text__', 'border-(?:top|style)', 'mail-quote-collapse']
    .concat(Object.keys(IDS), Object.keys(CLASSES))
    .join('|'),
  'i',
)

/** Blockquotes of programs that mark what they quote by a class. */
const CITE_CLASS = /^(?:gmail_quote|protonmail_quote|front-blockquote|mail-quote|yahoo_quoted|tutanota_quote)/

function recognised(name: string, token: string, quotes: number): Pick<Mark, 'kind' | 'client'> | null {
  if (name === 'img') return { kind: 'image', client: '' }
  const has = token.length > name.length + 2 ? attributesOf(token) : {}
  const id = (has.id ?? '').toLowerCase().replace(PREFIX, '')
  if (name === 'hr') {
    if (id === 'stopspelling') return { kind: 'rest', client: 'Hotmail' }
    return { kind: 'rule', client: id === 'zwchr' ? 'Zimbra' : '' }
  }
  const classes = (has.class ?? '')
    .toLowerCase()
    .split(/\s+/)
    .slice(0, 20)
    .map((word) => word.replace(PREFIX, ''))
  if (name === 'blockquote') return blockquote(has, classes, id, quotes)
  if (Object.hasOwn(IDS, id)) return made(IDS[id]!)
  const known = classes.find((word) => Object.hasOwn(CLASSES, word))
  if (known !== undefined) return made(CLASSES[known]!)
  if (classes.some((word) => word.startsWith('mail-quote-collapse'))) return { kind: 'quote', client: 'mail.ru' }
  if (has['data-marker'] === '__QUOTED_TEXT__') return { kind: 'rest', client: 'Zimbra' }
  if (name === 'div' && has.style !== undefined) return border(has.style)
  return null
}

const made = ([kind, client]: [MarkKind, string]) => ({ kind, client })

function blockquote(has: Attributes, classes: string[], id: string, quotes: number): Pick<Mark, 'kind' | 'client'> {
  if (id === 'mail-app-auto-quote') return { kind: 'cite', client: 'mail.ru app' }
  if (has.type?.toLowerCase() === 'cite') return { kind: 'cite', client: 'Apple Mail, Thunderbird' }
  // Gmail's own "quote" button makes blockquote.gmail_quote too; only inside div.gmail_quote it is the answered mail
  if (classes.includes('gmail_quote')) return quotes > 0 ? { kind: 'cite', client: 'Gmail' } : OWN_QUOTE
  if (has.cite !== undefined || classes.some((word) => CITE_CLASS.test(word))) return { kind: 'cite', client: '' }
  return { kind: 'indent', client: '' }
}

const OWN_QUOTE = { kind: 'indent', client: 'Gmail, quote button' } as const

/**
 * The line above the header block: Outlook since 2007 (`#B5C4DF`, `#E1E1E1`; the web version writes the sides as
 * `border-style:solid none none`) and Windows Mail (`rgb(229,229,229)`).
 */
function border(style: string): Pick<Mark, 'kind' | 'client'> | null {
  if (style.length > 1000) return null
  const flat = style.toLowerCase().replace(/\s+/g, '')
  if (!flat.includes('border')) return null
  // Word prints its header block's line so, in whatever colour the theme has
  if (/border:none;border-top:solid[^;]{1,40}1\.0pt;padding:3\.0pt/.test(flat))
    return { kind: 'rest', client: 'Outlook' }
  const isOutlookColour = /#(?:e1e1e1|b5c4df)\b|rgb\((?:225,225,225|181,196,223)\)/.test(flat)
  const isTopOnly =
    /border:none;border-top:solid/.test(flat) ||
    /border-style:solidnone(?:none)?(?:;|$)/.test(flat) ||
    /border-top:(?:1|1\.0)p[tx]solid/.test(flat) ||
    /border-top:solid/.test(flat)
  if (isOutlookColour && isTopOnly) return { kind: 'rest', client: 'Outlook' }
  const isWindowsMail = /border-top(?:-color)?:(?:1pxsolid)?rgb\(229,229,229\)/.test(flat)
  return isWindowsMail ? { kind: 'rest', client: 'Windows Mail' } : null
}

type Attributes = Partial<Record<string, string>>

function attributesOf(token: string): Attributes {
  const found: Attributes = {}
  for (const [, name, double, single, bare] of token.slice(0, 4000).matchAll(ATTRIBUTE)) {
    found[name!.toLowerCase()] ??= decoded(double ?? single ?? bare ?? '')
  }
  return found
}

const decoded = (value: string) => value.replaceAll('&quot;', '"').replaceAll('&amp;', '&')
