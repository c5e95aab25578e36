/**
 * Where a link in a mail really leads (MAIL 9.4): told beside it when its words name another place. Pure; no address is
 * rewritten. Hosts are compared as they are, but for `www.`: a mail that names its bank and leads to the bank's tracker
 * is told of too.
 */

/**
 * The host that `href` leads to, where `words` name another one, or where the address hides it behind a name and `@`;
 * null where words and address agree, name no host, or it is no web address. A host is in A-labels, as browsers go to it.
 */
export function otherHost(words: string, href: string): string | null {
  const url = /^https?:/i.test(href) && URL.canParse(href) ? new URL(href) : null
  if (!url || url.hostname === '') return null
  if (url.username !== '' || url.password !== '') return url.hostname
  const own = bare(url.hostname)
  return hostsIn(words).some((host) => bare(host) !== own) ? url.hostname : null
}

/** The address that a `mailto:` writes to, '' where it names none. Several stand with commas, as they were written. */
export function writesTo(href: string): string {
  const path = href.replace(/^mailto:/i, '').split('?')[0]!
  try {
    return decodeURIComponent(path).trim()
  } catch {
    return path.trim() // a stray % is part of it
  }
}

/** Words of a link that are looked at: nobody reads on. */
const WORDS = 2000

/** Neither end a word nor show. */
const UNSEEN = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g

const NAME =
  /^(?:[a-z][a-z0-9+.-]{1,20}:\/*)?(?:[^/?#@]*@)?((?:[\p{L}\p{N}_-]{1,63}\.){1,10}(?:\p{L}[\p{L}\p{N}-]{1,62}))\.?(?=[:/?#]|$)/u
const NUMBERS = /^(?:https?:\/\/)?(\d{1,3}(?:\.\d{1,3}){3})(?=[:/?#]|$)/

/** Endings of files that are no top-level domain: `invoice.pdf` names no host. */
const FILE =
  /\.(?:pdf|docx?|xlsx?|pptx?|od[tsp]|jpe?g|png|gif|webp|svg|txt|html?|php|aspx?|csv|js|json|xml|ya?ml|eml|ics|log|exe|msi|gz|7z)$/

/** What of the words reads as a host, one at most of each word: what follows a slash is no longer the host. */
function hostsIn(words: string): string[] {
  const flat = words.slice(0, WORDS).replace(UNSEEN, '').normalize('NFKC').replace(/[。｡]/g, '.').toLowerCase()
  return flat.split(/[\s<>"'`()[\]{}|,;!]+/).flatMap((word) => {
    const found = NAME.exec(word.replace(/[.:]+$/, ''))?.[1] ?? NUMBERS.exec(word)?.[1]
    if (!found || (found === word && FILE.test(found))) return []
    const url = `http://${found}/`
    return URL.canParse(url) ? [new URL(url).hostname] : [found]
  })
}

const bare = (host: string): string => host.replace(/^www\./, '').replace(/\.$/, '')
