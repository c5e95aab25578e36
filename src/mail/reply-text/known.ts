/** Compares the text below a cut with what the ticket already holds (7.4 b): by runs of three words, in linear time. */
import * as limits from '../../limits.ts'

/** Tells whether a line stood in an earlier mail; null where it has no words. */
export type Memory = (line: string) => boolean | null

/** Mails wrap anew whenever they are quoted, so runs of words are compared, not lines. */
export function rememberTexts(texts: readonly string[]): Memory {
  const runs = new Set<string>()
  let room: number = limits.replyText.known
  for (const text of texts) {
    const words = wordsOf(text.slice(0, room))
    room -= text.length
    for (let i = 0; i < words.length; i++) {
      let run = words[i]!
      runs.add(run)
      for (const next of words.slice(i + 1, i + 3)) {
        run = `${run} ${next}`
        runs.add(run)
      }
    }
    if (room <= 0) break
  }
  return (line) => {
    const words = wordsOf(line.slice(0, 4000))
    if (words.length === 0) return null
    const n = Math.min(3, words.length)
    let found = 0
    for (let i = 0; i + n <= words.length; i++) if (runs.has(words.slice(i, i + n).join(' '))) found++
    return found / (words.length - n + 1) >= 0.7
  }
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]{1,100}/gu) ?? []
}
