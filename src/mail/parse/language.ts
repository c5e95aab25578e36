/** The language of a text, or null: a wrong guess sends the wrong template, so only a clear lead counts. */
import { detectAll } from 'tinyld'
import * as limits from '../../limits.ts'

const LOOKED_AT = 600 // characters; more costs time and changes nothing
const SURE = 0.4
const LEAD = 1.3

/** ISO 639-1, from the first words that are not quoted, links or addresses. */
export function guessLanguage(text: string): string | null {
  const own = text
    .slice(0, 8000)
    .split('\n')
    .filter((line) => !line.startsWith('>'))
    .join(' ')
    .replace(/\S*[@/]\S*/g, ' ')
    .replace(/[\d\s]+/g, ' ')
    .trim()
    .slice(0, LOOKED_AT)
  if (own.length < limits.parse.languageAt) return null
  const [best, next] = detectAll(own)
  if (!best || best.accuracy < SURE || (next && best.accuracy < next.accuracy * LEAD)) return null
  return best.lang
}
