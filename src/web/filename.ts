/** Names of downloads: cleaned again on the way out, whatever is stored (MAIL 9.6), and written by RFC 6266 and 8187. */

/** `attachment; filename="B_ro.pdf"; filename*=UTF-8''B%C3%BCro.pdf`; `kind` is ours, never the asker's. */
export function disposition(kind: 'attachment' | 'inline', name: string): string {
  const clean = cleanFilename(name)
  const ascii = clean.replace(/[^\x20-\x7e]/g, '_').replace(/["\\%]/g, '_')
  const extended = encodeURIComponent(clean).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${extended}`
}

/** Without path, control and direction characters, leading dots or dashes and reserved names; at most 150 bytes. */
export function cleanFilename(name: string): string {
  let clean = name
    .toWellFormed()
    .replace(/^.*[/\\]/s, '')
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '')
    .replace(/[<>:"|?*]/g, '_')
    .replace(/^[\s.-]+|[\s.]+$/g, '')
  if (/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(clean)) clean = `_${clean}`
  if (Buffer.byteLength(clean) > MOST) clean = shortened(clean)
  return clean || 'attachment'
}

const MOST = 150

/** Cut in the middle, so that the extension stays; never inside a character. */
function shortened(name: string): string {
  const extension = /\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? ''
  let stem = ''
  for (const char of name.slice(0, name.length - extension.length)) {
    if (Buffer.byteLength(stem + char + extension) > MOST) break
    stem += char
  }
  return stem + extension
}
