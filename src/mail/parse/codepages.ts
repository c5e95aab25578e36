/** Windows code page numbers, as winmail.dat and RTF name charsets. */

const CODEPAGES: Record<number, string> = {
  437: 'cp437',
  850: 'cp850',
  874: 'windows-874',
  932: 'shift_jis',
  936: 'gb18030',
  949: 'euc-kr',
  950: 'big5',
  20866: 'koi8-r',
  21866: 'koi8-u',
  50220: 'iso-2022-jp',
  51932: 'euc-jp',
  65001: 'utf-8',
}

/** The charset of a code page, null where we know none. */
export function charsetOf(codepage: number): string | null {
  if (codepage >= 1250 && codepage <= 1258) return `windows-${codepage}`
  if (codepage >= 28591 && codepage <= 28606) return `iso-8859-${codepage - 28590}`
  return CODEPAGES[codepage] ?? null
}
