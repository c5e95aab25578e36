/**
 * What the desk says within a formatted mail: where a link really leads, whom a `mailto:` writes to, that pictures were
 * left out. It stands in elements that the sanitiser lets through nobody, so that no mail can say it, and style that a
 * mail cannot take from them.
 */
import { escapeHtml, htmlToText } from '../../html.ts'
import { otherHost, writesTo } from '../links.ts'

/** For the frame's own style sheet. */
export const TOLD_STYLE = `
desk-host,desk-write a,desk-note{all:initial!important;font:600 12px/1.5 system-ui,sans-serif!important;unicode-bidi:isolate!important;overflow-wrap:anywhere!important}
desk-host,desk-write a{display:inline-block!important;margin:0 .3em!important;padding:0 .55em!important;border-radius:99px!important}
desk-host{color:#7a4100!important;background:#fdeed6!important;border:1px solid #e0b878!important}
desk-write a{color:#1d4f91!important;background:#e6effa!important;border:1px solid #a9c4e6!important;cursor:pointer!important}
desk-write a:focus-visible{outline:2.5px solid #0f6b5c!important}
desk-note{display:block!important;margin:0 0 12px!important;padding:.3em .7em!important;color:#5d6266!important;background:#f1f0ec!important;border-radius:6px!important}`

/** The sanitiser's own output, with what is told. Linear: one pass over its tags. */
export function withTold(html: string): string {
  const out: string[] = [pictures(html)]
  let link: Link | null = null
  for (const [token] of html.matchAll(TOKEN)) {
    const opens = /^<a[\s>]/.test(token)
    const closes = token === '</a>'
    if (link && (opens || closes)) out.push(ending(link))
    if (opens) {
      link = linkOf(token)
      out.push(link.kind === 'mail' ? token.replace(/^<a/, '<span').replace(LINKING, '') : token)
    } else if (closes) link = null
    else {
      if (link && link.size < WORDS) link.size += link.words.push(token) && token.length
      out.push(token)
    }
  }
  if (link) out.push(ending(link))
  return out.join('')
}

type Link = { kind: 'web' | 'mail' | 'other'; href: string; words: string[]; size: number }

const TOKEN = /<[^>]*>|[^<]+|</g
const WORDS = 20_000
/** In the sanitiser's output attributes stand in double quotes and hold no `<`, `>` or `"`. */
const HREF = /\shref="([^"]*)"/
const LINKING = /\s(?:href|rel|target)="[^"]*"/g
const ALT = /^<img\s[^>]*\balt="([^"]*)"/

function linkOf(token: string): Link {
  const href = plain(HREF.exec(token)?.[1] ?? '')
  const kind = /^https?:/i.test(href) ? 'web' : /^mailto:/i.test(href) ? 'mail' : 'other'
  return { kind, href, words: [], size: 0 }
}

/** The end of the element, and what is told behind it. */
function ending({ kind, href, words }: Link): string {
  const text = words.map((token) => ALT.exec(token)?.[1] ?? token).join('')
  if (kind === 'mail') {
    const address = writesTo(href)
    const label = address === '' || htmlToText(text).includes(address) ? 'Write' : `Write to ${address}`
    return `</span><desk-write><a href="${escapeHtml(href)}" rel="noopener noreferrer nofollow" target="_blank">${escapeHtml(label)}</a></desk-write>`
  }
  const host = kind === 'web' ? otherHost(htmlToText(text), href) : null
  return host === null ? '</a>' : `</a><desk-host>leads to ${escapeHtml(host)}</desk-host>`
}

/** MAIL 9.3: remote pictures are not asked for; whoever reads is to know that there are some. */
function pictures(html: string): string {
  const count = html.split('<img').filter((part) => /^[^>]*\sdata-remote-src="/.test(part)).length
  if (count === 0) return ''
  const words =
    count === 1
      ? '1 picture from another server is not loaded.'
      : `${count} pictures from other servers are not loaded.`
  return `<desk-note>${words}</desk-note>`
}

const plain = (value: string): string =>
  value
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
