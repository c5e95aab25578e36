/** Content-Type and Content-Disposition of an attached file: names by RFC 2231 with an ASCII fallback (MAIL 8.13). */

type Named = { filename: string; type: string; inline: boolean; contentId: string | null }

/** Folded, ASCII-only header values; a name or type can add no header and no parameter of its own. */
export function fileHeaders(file: Named): [string, string][] {
  const ascii = file.filename
    .normalize('NFKD')
    .replace(/[^\x20-\x7e]/g, '_')
    .replace(/["\\/]/g, '_')
    .slice(0, 60)
  const name = ascii === '' ? 'file' : ascii
  return [
    ['Content-Type', `${safeType(file.type)};\r\n name="${name}"`],
    [
      'Content-Disposition',
      [file.inline ? 'inline' : 'attachment', ...nameParameters(file.filename, name)].join(';\r\n '),
    ],
    ...(file.contentId && /^[\x21-\x3b\x3d\x3f-\x7e]+$/.test(file.contentId)
      ? ([['Content-ID', `<${file.contentId}>`]] as [string, string][])
      : []),
  ]
}

/** A mail or a multipart may not be base64 (RFC 2045 6.4), and 8-bit bytes may not leave: both go as plain files. */
function safeType(type: string): string {
  const plain = type.toLowerCase()
  if (!/^[a-z0-9][a-z0-9!#$&^_.+-]{0,80}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,80}$/.test(plain))
    return 'application/octet-stream'
  return /^(?:multipart|message)\//.test(plain) ? 'application/octet-stream' : plain
}

function nameParameters(filename: string, ascii: string): string[] {
  const fallback = `filename="${ascii}"`
  if (ascii === filename) return [fallback]
  const encoded = encodeURIComponent(filename.toWellFormed()).replace(
    /['()*!]/g,
    (char) => `%${char.charCodeAt(0).toString(16)}`,
  )
  const pieces = encoded.match(/(?:%[0-9A-Fa-f]{2}|[^%]){1,18}/g) ?? []
  if (pieces.length <= 1) return [fallback, `filename*=utf-8''${encoded}`]
  return [fallback, ...pieces.map((piece, n) => `filename*${n}*=${n === 0 ? "utf-8''" : ''}${piece}`)]
}
