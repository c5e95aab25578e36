/** Compares the text below a cut with what the ticket already holds (7.4 b): by runs of three words, in linear time. */
import * as limits from '../../limits.ts'

/** Tells whether a line stood in an earlier mail; null where it has no words. */
export type Memory = (line: string) => boolean | null

/**
 * Mails wrap anew whenever they are quoted, so runs of words are compared, not lines: up to three words, as paths of
 * a tree whose nodes and words are numbers.
 */
export function rememberTexts(texts: readonly string[]): Memory {
  const numbers = new Map<string, number>()
  const nodes = new Map<number, number>() // by the node above and the word that leads on
  const add = (above: number, word: number) => {
    const key = above * WORDS + word
    const node = nodes.get(key) ?? nodes.size + 1
    nodes.set(key, node)
    return node
  }
  let room: number = limits.replyText.known
  for (const text of texts) {
    const words = wordsOf(text.slice(0, room)).map((word) => {
      const number = numbers.get(word) ?? numbers.size
      numbers.set(word, number)
      return number
    })
    room -= text.length
    for (let i = 0; i < words.length; i++)
      for (let n = i, node = 0; n < Math.min(i + 3, words.length); n++) node = add(node, words[n]!)
    if (room <= 0) break
  }
  const stood = (words: string[]) => {
    let node = 0
    for (const word of words) {
      const number = numbers.get(word)
      const next = number === undefined ? undefined : nodes.get(node * WORDS + number)
      if (next === undefined) return false
      node = next
    }
    return true
  }
  return (line) => {
    const words = wordsOf(line.slice(0, 4000))
    if (words.length === 0) return null
    const n = Math.min(3, words.length)
    let found = 0
    for (let i = 0; i + n <= words.length; i++) if (stood(words.slice(i, i + n))) found++
    return found / (words.length - n + 1) >= 0.7
  }
}

/** More than the different words of a memory, so that a node and a word make one number. */
const WORDS = 2 ** 20

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]{1,100}/gu) ?? []
}
