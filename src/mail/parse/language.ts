/** The language of a text, or null: a wrong guess sends the wrong template, so only a clear lead counts. */
import { detectAll } from 'tinyld'
import * as limits from '../../limits.ts'

const LOOKED_AT = 200 // characters of prose are enough for tinyld; more costs time and changes nothing
const NOISE = 80 // characters below which letters that half of Europe writes alike say nothing
const WORDS = 80
const SURE = 0.4
const LEAD = 1.3

/**
 * Small words of each language; one that stands in several speaks for all of them. They settle the ordinary mail at a
 * hundredth of what tinyld costs; it is asked where they do not.
 */
const SMALL_WORDS: Record<string, string> = {
  en:
    'the and you this that have with are not please can our from your would for of to is in it be will was if as any ' +
    'there know just has about when what they he she been were but or we my me an i at on do so no hello hi thanks regards',
  de:
    'und der das ist nicht ich sie wir mit bitte für auf ein eine können haben bei uns guten zu im in den dem des es so ' +
    'was wie aber oder wenn noch nur von an am um werden hat war sind mein unser ihr hallo vielen dank grüße die man',
  fr: 'les des est pas vous nous pour avec merci bonjour dans sur cette être votre une je la le de du et en que qui un me on au',
  es: 'los las por para con está pero gracias hola muy usted como más nos una el la de en que y un se es no lo su me mi si',
  it: 'che per non sono con della grazie buongiorno questo abbiamo può gli il la di un una in le si è mi ho del no se',
  nl: 'het een van niet voor met zijn wij graag kunt hebben bij dank ik de en in is te op dat die we er of als was me aan om',
  pt: 'não uma para com obrigado você isso muito olá mais nosso os um de que em o a do da no na se por me',
  sv: 'och att det som för med är inte på en av till den har jag vi du så om hej tack de ni ett kan i man',
  da: 'og at det som for med er ikke på en af til den har jeg vi du så om hej tak de et kan i man fra',
  no: 'og at det som for med er ikke på en av til den har jeg vi du så om hei takk de et kan i man fra',
  pl: 'nie się jest dzień dobry proszę dziękuję czy jak przez od oraz mam pozdrawiam to na do co i w z a ale za po',
  ru: 'не что как это вы мы пожалуйста здравствуйте спасибо есть или был с в и на я по у нас за но',
  uk: 'що як це ви ми будь ласка дякую добрий день є або від та не в і на я по у нас за але',
}
const languagesOf = new Map<string, string[]>()
for (const [language, words] of Object.entries(SMALL_WORDS)) {
  for (const word of words.split(' ')) languagesOf.set(word, [...(languagesOf.get(word) ?? []), language])
}

/** ISO 639-1, from the first words that are not quoted, links or addresses. */
export function guessLanguage(text: string): string | null {
  const words = wordsOf(text)
  const prose = words.join(' ')
  if (prose.length < limits.parse.languageAt) return null
  const guess = bySmallWords(words)
  if (guess !== null || (prose.length < NOISE && /^[\0-\x7f]*$/.test(prose))) return guess
  return byTinyld(prose.slice(0, LOOKED_AT))
}

function wordsOf(text: string): string[] {
  const words: string[] = []
  for (const line of text.slice(0, 4000).split('\n')) {
    if (line.startsWith('>')) continue
    for (const word of line.split(/\s/)) if (word !== '' && !/[@/\d]/.test(word)) words.push(word)
    if (words.length >= WORDS) break
  }
  return words.slice(0, WORDS)
}

/** At least four hits, and more than twice those of the next language: what many share speaks for none. */
function bySmallWords(words: string[]): string | null {
  const hits = new Map<string, number>()
  for (const word of words) {
    const bare = word.toLowerCase()
    for (const language of languagesOf.get(bare) ?? languagesOf.get(bare.replace(/[^\p{L}]/gu, '')) ?? [])
      hits.set(language, (hits.get(language) ?? 0) + 1)
  }
  const [best, next] = [...hits].sort((a, b) => b[1] - a[1])
  return best && best[1] >= 4 && best[1] > 2 * (next?.[1] ?? 0) ? best[0] : null
}

function byTinyld(prose: string): string | null {
  const [best, next] = detectAll(prose)
  if (!best || best.accuracy < SURE || (next && best.accuracy < next.accuracy * LEAD)) return null
  return best.lang
}
