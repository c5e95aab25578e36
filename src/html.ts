/**
 * HTML out of mails made harmless (9.1, 9.2, 9.4), and turned into text. The only importer of the sanitiser. Nothing
 * remote is ever loaded: the address of a remote image moves to a data attribute. Linear, whatever comes in.
 */
import sanitizeHtml from 'sanitize-html'
import { safeStyle } from './html/style.ts'
import { htmlToText } from './html/text.ts'
import * as limits from './limits.ts'

export { hiddenText } from './html/hidden.ts'
export { htmlToText }

/** Rises with every change that makes stored HTML differ: a job then sanitises again from raw. */
export const SANITISER_VERSION = 2

export type Sanitised = {
  /** Null where a cap was reached: show the text instead (9.2). */
  html: string | null
  /** The visible text; computed when asked for. */
  text: () => string
  /** Neither text nor image. */
  empty: boolean
  /** 'html' where the caps of 9.2 (size, nodes, links) refused it, 'html_depth' where deeper elements lost their tags. */
  truncated: string[]
}

/** Turns a `src` that means a part of the mail into its `cid:` URL, else null. */
export type ImageFinder = (src: string) => string | null

/** Sanitises one HTML document or fragment. Never throws. */
export function sanitise(html: string, images: ImageFinder = () => null): Sanitised {
  if (html.length > limits.parse.html) return refused(html)
  const count: Count = { nodes: 0, links: 0, depth: 0, tooDeep: false }
  let clean: string
  try {
    clean = sanitizeHtml(html, optionsFor(count, images))
  } catch {
    return refused(html) // TooMuch below, or input that breaks the sanitiser: the text is shown instead
  }
  return {
    html: clean,
    text: () => htmlToText(clean),
    empty:
      !/<img\b/.test(clean) &&
      !/\S/.test(clean.replace(/<[^>]*>|&nbsp;|\u00a0|&#847;|\u034f|[\u200b-\u200f\ufeff]/g, '')),
    truncated: count.tooDeep ? ['html_depth'] : [],
  }
}

/** Text for use in HTML, in attributes too. */
export function escapeHtml(text: string): string {
  return /[&<>"']/.test(text) ? text.replace(/[&<>"']/g, (char) => ESCAPES[char]!) : text
}

type Count = { nodes: number; links: number; depth: number; tooDeep: boolean }

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const TAGS = (
  'a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del details dfn div dl dt em ' +
  'figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p pre q s samp section small span ' +
  'strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr'
).split(' ')

/** Class and id stay: the quote finder (7.5) reads them, and the sandboxed frame has no style of ours to abuse. */
const EVERYWHERE = ['style', 'class', 'id', 'title', 'dir', 'lang', 'align', 'type']
const CELL = ['colspan', 'rowspan', 'valign', 'width', 'height', 'bgcolor', 'nowrap']

function optionsFor(count: Count, images: ImageFinder): sanitizeHtml.IOptions {
  return {
    allowedTags: TAGS,
    allowedAttributes: {
      '*': EVERYWHERE,
      a: ['href', 'name', 'rel', 'target'],
      img: ['src', 'alt', 'width', 'height', 'border', 'data-remote-src'],
      font: ['color', 'face', 'size'],
      table: ['width', 'height', 'border', 'cellpadding', 'cellspacing', 'bgcolor'],
      td: CELL,
      th: CELL,
      tr: ['valign', 'bgcolor', 'height'],
      col: ['span', 'width'],
      colgroup: ['span', 'width'],
      ol: ['start'],
      li: ['value'],
      time: ['datetime'],
      blockquote: ['cite'],
      hr: ['width', 'size', 'color'],
    },
    allowedSchemes: ['http', 'https', 'mailto', 'tel'],
    allowedSchemesByTag: { img: ['cid', 'data'] },
    allowedSchemesAppliedToAttributes: ['href', 'src', 'cite'],
    allowProtocolRelative: false,
    nonTextTags: [
      'script',
      'style',
      'textarea',
      'option',
      'xmp',
      'noscript',
      'title',
      'template',
      'iframe',
      'object',
      'svg',
      'math',
      'select',
    ],
    nestingLimit: limits.parse.htmlDepth,
    parseStyleAttributes: false, // safeStyle has done it
    transformTags: {
      '*': (name, attribs) => ({ tagName: name, attribs: withSafeStyle(attribs) }),
      a: (name, attribs) => ({ tagName: name, attribs: safeLink(attribs) }),
      img: (name, attribs) => ({ tagName: name, attribs: safeImage(attribs, images) }),
    },
    onOpenTag: (name: string) => {
      if (++count.nodes > limits.parse.htmlNodes) throw new TooMuch()
      if (name === 'a' && ++count.links > limits.parse.htmlLinks) throw new TooMuch()
      if (++count.depth > limits.parse.htmlDepth) count.tooDeep = true
    },
    onCloseTag: () => {
      count.depth--
    },
  }
}

/** Stops the sanitiser in the middle of a document beyond the caps. */
class TooMuch extends Error {}

function refused(html: string): Sanitised {
  return { html: null, text: () => htmlToText(html), empty: false, truncated: ['html'] }
}

function withSafeStyle(attribs: sanitizeHtml.Attributes): sanitizeHtml.Attributes {
  if (attribs.style === undefined) return attribs
  const style = safeStyle(attribs.style)
  if (style === '') delete attribs.style
  else attribs.style = style
  return attribs
}

function safeLink(attribs: sanitizeHtml.Attributes): sanitizeHtml.Attributes {
  if (attribs.href !== undefined) {
    attribs.rel = 'noopener noreferrer nofollow'
    attribs.target = '_blank'
  } else {
    delete attribs.rel
    delete attribs.target
  }
  return attribs
}

function safeImage(attribs: sanitizeHtml.Attributes, images: ImageFinder): sanitizeHtml.Attributes {
  // what was sanitised before has its remote images there already
  const src = (attribs.src ?? attribs['data-remote-src'] ?? '').trim()
  delete attribs.src
  delete attribs['data-remote-src']
  const own = src === '' || /^data:/i.test(src) ? null : images(src)
  if (own !== null) attribs.src = own
  else if (/^data:image\/(?:png|jpe?g|gif|webp);base64,[A-Za-z0-9+/=\s]*$/i.test(src)) attribs.src = src
  else if (/^(?:https?:)?\/\//i.test(src)) attribs['data-remote-src'] = src.startsWith('//') ? `https:${src}` : src
  return attribs
}
