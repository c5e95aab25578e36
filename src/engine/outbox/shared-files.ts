/**
 * Which files go along with an answer, and which are fetched by a link: those that no mail server would take, for their
 * size all together or for their kind (MAIL 8.30). Pure.
 */
import { Refusal } from '../../errors.ts'
import { agentMail as limits } from '../../limits.ts'
import { after } from '../../time.ts'
import { fileToken } from '../../tokens.ts'
import type { Tools } from '../tools.ts'

export type SharedFile = { filename: string; size: number; url: string; until: Date }

type File = { filename: string; size: number; inline?: boolean }

/** Indexes of those that go as a link: programs, and the largest until the others fit. */
export function linked(files: readonly File[]): Set<number> {
  const away = new Set(files.flatMap((file, n) => (PROGRAM.test(file.filename) ? [n] : [])))
  const bySize = files.map((file, n) => ({ size: file.size, n })).sort((a, b) => b.size - a.size)
  const staying = () => files.reduce((sum, file, n) => (away.has(n) ? sum : sum + encoded(file.size)), 0)
  for (const { n } of bySize) {
    if (staying() <= limits.files) break
    away.add(n)
  }
  return away
}

/**
 * The links, for as long as they are good.
 * @throws Refusal `files_too_large` where nobody knows the address of this desk's pages
 */
export function shareFiles(
  files: readonly File[],
  comment: { id: number; generation: number },
  tools: Tools,
  now: Date,
): SharedFile[] {
  const indexes = [...linked(files)].sort((a, b) => a - b)
  if (indexes.length === 0) return []
  const { url } = tools
  if (url === undefined)
    throw new Refusal(
      'files_too_large',
      `No mail server takes ${files[indexes[0]!]!.filename}, by its size or its kind.`,
    )
  const until = after(now, limits.linkFor)
  return indexes.map((index) => {
    const token = fileToken(tools.keys, { comment: comment.id, index, generation: comment.generation, until })
    const { filename, size } = files[index]!
    return { filename, size, url: new URL(`/shared/${token}`, url).href, until }
  })
}

/** As base64 in lines, with its headers. */
const encoded = (size: number) => size * 1.37 + 500

/** What Gmail and Outlook refuse or take away. */
const PROGRAM =
  /\.(?:ade|adp|apk|appx|bat|cab|chm|cmd|com|cpl|dll|dmg|exe|hta|ins|iso|isp|jar|jse?|lnk|mde|msc|msi|msp|mst|nsh|pif|ps1|reg|scr|sct|shb|sys|vbe?|vbs|vxd|wsc|wsf|wsh)$/i
