/** People's words as markup: line breaks kept, web addresses made into links, nothing else interpreted. */
import { html } from 'hono/html'
import { otherHost } from './links.ts'
import type { Html } from './page.ts'

/** Plain text inside a box that keeps its line breaks. */
export function prose(text: string): Html {
  const parts: (string | Html)[] = []
  let at = 0
  for (const match of text.matchAll(ADDRESS)) {
    const url = trimmed(match[0])
    parts.push(
      text.slice(at, match.index),
      html`<a href="${url}" rel="noopener noreferrer nofollow" target="_blank">${url}</a>${leadsTo(url)}`,
    )
    at = match.index + url.length
    if (parts.length > MOST) break
  }
  parts.push(text.slice(at))
  return html`<div class="prose">${parts}</div>`
}

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`{}|\\^]{3,2000}/g
const MOST = 1000

/** `https://bank.example@evil.example/` reads as the bank (MAIL 9.4). */
const leadsTo = (url: string): Html => {
  const host = otherHost(url, url)
  return host === null ? html`` : html` <span class="mark host">leads to ${host}</span>`
}

/** A full stop or bracket after an address belongs to the sentence. */
const trimmed = (url: string): string => url.replace(/[).,;:!?\]]{1,5}$/, '')
