/** Sizes as people write them. */

/** `50 MB`, `500KB`, `1.5 GB`, `100` (bytes) as bytes; null when it is none of these. KB is 1024. */
export function parseSize(text: string): number | null {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)\s*(B|KB|MB|GB)?$/i.exec(text.trim())
  if (!match) return null
  return Math.floor(Number(match[1]) * 1024 ** ['B', 'KB', 'MB', 'GB'].indexOf((match[2] ?? 'B').toUpperCase()))
}
