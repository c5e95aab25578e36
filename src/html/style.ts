/** The style attribute, property by property (9.1): what may colour and space a text stays, what could place or load goes. */

const PROPERTIES = new Set(
  (
    'background-color border border-bottom border-bottom-color border-bottom-style border-bottom-width border-collapse border-color ' +
    'border-left border-left-color border-left-style border-left-width border-radius border-right border-right-color ' +
    'border-right-style border-right-width border-spacing border-style border-top border-top-color border-top-style ' +
    'border-top-width border-width clear color direction display float font font-family font-size font-style font-variant ' +
    'font-weight height letter-spacing line-height list-style list-style-type margin margin-bottom margin-left margin-right ' +
    'margin-top max-height max-width min-height min-width overflow-wrap padding padding-bottom padding-left padding-right ' +
    'padding-top table-layout text-align text-decoration text-indent text-transform vertical-align white-space width ' +
    'word-break word-spacing word-wrap'
  ).split(' '),
)

/** No escapes, no at-rules, no comments, no braces; functions are checked apart. */
const VALUE = /^[\w\s#%.,'"()!+-]{1,300}$/
const FUNCTIONS = /([\w-]*)\(/g

/** Styles repeat a thousand times within a newsletter. */
const known = new Map<string, string>()

/** The declarations of a style attribute that are harmless, '' where none is. */
export function safeStyle(style: string): string {
  if (style.length > 4000) return ''
  const cached = known.get(style)
  if (cached !== undefined) return cached
  const safe = style.split(';').map(safeDeclaration).filter(Boolean).join(';')
  if (known.size > 2000) known.clear()
  known.set(style, safe)
  return safe
}

/** A `;` within quotes cuts a value in two halves; both then fail or are harmless by themselves. */
function safeDeclaration(declaration: string): string {
  const colon = declaration.indexOf(':')
  if (colon < 0) return ''
  const property = declaration.slice(0, colon).trim().toLowerCase()
  const value = declaration.slice(colon + 1).trim()
  if (!PROPERTIES.has(property) || !VALUE.test(value)) return ''
  for (const [, name] of value.matchAll(FUNCTIONS)) if (!/^(?:rgba?|hsla?)$/i.test(name!)) return ''
  if (count(value, '"') % 2 === 1 || count(value, "'") % 2 === 1) return ''
  if (
    property === 'display' &&
    !/^(?:block|inline|inline-block|none|table|table-cell|table-row|list-item)$/i.test(value)
  )
    return ''
  if (property === 'margin' || property.startsWith('margin-')) return value.includes('-') ? '' : `${property}:${value}`
  return `${property}:${value}`
}

function count(text: string, char: string): number {
  let found = 0
  for (let at = text.indexOf(char); at >= 0; at = text.indexOf(char, at + 1)) found++
  return found
}
