/**
 * Text of HTML that a mail program does not show: an element's style or attribute hides it. One pass, no DOM. What is
 * never closed hides all the rest, because whoever asks would rather see too little done than too much.
 */
import { htmlToText } from './text.ts'

const TAG = /<!--[\s\S]*?(?:-->|$)|<(\/?)([a-z][a-z0-9]{0,20})[^>]*(?:>|$)/gi
const VOID = new Set('area base br col embed hr img input link meta source track wbr'.split(' '))

/** Cheap: whether there can be any. */
const PERHAPS = /display|visibility|font-size|opacity|mso-hide|height|\bhidden\b|&#/i

/** As plain text, one hidden element after the other on lines of its own; '' where all is shown. */
export function hiddenText(html: string): string {
  if (!PERHAPS.test(html)) return ''
  const found: string[] = []
  let open: { name: string; depth: number; from: number } | null = null
  for (const match of html.matchAll(TAG)) {
    const name = match[2]?.toLowerCase()
    if (name === undefined) continue
    const closes = match[1] === '/'
    if (open) {
      if (name !== open.name) continue
      open.depth += closes ? -1 : 1
      if (open.depth > 0) continue
      found.push(html.slice(open.from, match.index))
      open = null
    } else if (!closes && !VOID.has(name) && isHiding(match[0]))
      open = { name, depth: 1, from: match.index + match[0].length }
  }
  if (open) found.push(html.slice(open.from))
  return found
    .map((part) => htmlToText(part))
    .filter(Boolean)
    .join('\n')
}

function isHiding(tag: string): boolean {
  const plain = tag
    .slice(0, 4000)
    .replace(/&#(x?[0-9a-f]{1,6});?/gi, (_, code: string) =>
      String.fromCodePoint(
        Math.min(0x10ffff, /^x/i.test(code) ? Number.parseInt(code.slice(1), 16) : Number(code) || 0),
      ),
    )
    .replace(/\/\*.*?\*\//gs, '')
  return HIDING.test(plain) || /\shidden(?=[\s=>/])/i.test(plain.replace(/"[^"]*"|'[^']*'/g, '""'))
}

const HIDING =
  /(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|mso-hide\s*:\s*all|(?:font-size|opacity|(?<![\w-])(?:max-)?(?:height|width))\s*:\s*0*(?:\.0+)?(?:px|pt|em|rem|%)?\s*(?:!important\s*)?(?=[;"'>\s]|$))/i
