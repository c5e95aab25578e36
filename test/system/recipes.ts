/** The blocks of docs/postfix.md, so that the suite runs what the page says. */
import { readFileSync } from 'node:fs'
import path from 'node:path'

const PAGE = path.join(import.meta.dirname, '..', '..', 'docs', 'postfix.md')

/**
 * What the sections of these headings put into each file.
 * @param places text of the page -> what it is on this machine
 * @returns the file's name, without its folder -> its text
 */
export function readRecipes(headings: string[], places: Record<string, string>): Map<string, string> {
  const sections = readFileSync(PAGE, 'utf8').split(/^## /m)
  const files = new Map<string, string>()
  for (const heading of headings) {
    const section = sections.find((one) => one.startsWith(`${heading}\n`))
    if (!section) throw new Error(`docs/postfix.md has no section "${heading}"`)
    for (const [, name, block] of section.matchAll(/^```(?:yaml|ini)\n# (\S+)\n([\s\S]*?)^```$/gm)) {
      let text = block!
      for (const [there, here] of Object.entries(places)) text = text.replaceAll(there, here)
      const file = path.basename(name!)
      files.set(file, (files.get(file) ?? '') + text)
    }
  }
  return files
}
