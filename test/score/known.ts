/** The differences from other software's tests that docs/known-differences.md gives a reason for. */
import { readFileSync } from 'node:fs'
import path from 'node:path'

/** One mail (`source/file`, or `source/folder/*`) and one field of it. */
export type KnownDifference = { id: string; field: string }

const DOCUMENT = path.join(import.meta.dirname, '..', '..', 'docs', 'known-differences.md')
const SECTION = '## Mail corpora'

/** The rows of the tables below the section's heading: ids between backticks in the first cell, the field in the second. */
export function readKnown(): KnownDifference[] {
  const text = readFileSync(DOCUMENT, 'utf8')
  const start = text.indexOf(`\n${SECTION}\n`)
  if (start < 0) return []
  const [section = ''] = text.slice(start + 1 + SECTION.length).split(/\n## /)
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => {
      const [, ids = '', field = ''] = line.split('|').map((cell) => cell.trim())
      return [...ids.matchAll(/`([^`]+)`/g)].map(([, id]) => ({ id: id!, field }))
    })
}

export function knows(known: KnownDifference, id: string, field: string): boolean {
  if (known.field !== field) return false
  return known.id.endsWith('/*') ? id.startsWith(known.id.slice(0, -1)) : id === known.id
}
