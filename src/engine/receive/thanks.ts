/**
 * Thanks and nothing else (MAIL 6.16), in the seven languages of the templates: such a mail opens no resolved ticket
 * again. Every word must be one of politeness or a name that is known, so that "thanks, still broken" is none.
 */

/**
 * Whether the words are at most five of thanks, besides names; a question mark makes it a question. Pure.
 * @param said what was written now, without quotation and signature
 * @param names of the writer and of those who may be thanked
 */
export function isThanksOnly(said: string, names: string[]): boolean {
  const text = said.slice(0, 400).normalize('NFC').toLowerCase()
  if (said.length > 400 || /[?？¿]/.test(text) || /\p{N}/u.test(text)) return false
  const people = new Set(names.flatMap(wordsOf))
  const words = wordsOf(text).filter((word) => !people.has(word))
  return words.length > 0 && words.length <= 5 && words.some(isThanks) && words.every(isPolite)
}

const wordsOf = (text: string): string[] =>
  text
    .normalize('NFC')
    .toLowerCase()
    .replaceAll('’', "'")
    .match(/[\p{L}\p{M}]+(?:['-][\p{L}\p{M}]+)*/gu) ?? []

const set = (words: string): Set<string> => new Set(words.split(/\s+/).filter(Boolean))

const THANKS = set(`
  thanks thank thx thankyou ty cheers
  danke dankeschön merci dank bedanke
  remercie remercions mercis
  gracias agradezco
  dziękuję dziękujemy dzięki dzieki dziekuje
  дякую дякуємо спасибі дяка
  спасибо благодарю благодарим спс`)

/** What stands beside them and asks for nothing. */
const POLITE = set(`
  a and all again best dear everyone everything for great guys hello help hi it its kind lot lots many much of ok okay
  perfect quick regards support team that the this very works you your so super solved fixed
  alle alles beste besten bestens die euch für fürs grüße gruß guten hallo herzlich herzlichen hilfe ich ihnen ihre ihrer
  im klappt lieben mfg mich nochmal nochmals prima schnelle sehr team tausend und viele vielen vielmals voraus wunderbar
  à aide beaucoup bien bonjour bonne c'est cordialement de et fonctionne infiniment journée je la l'aide le merci mille
  parfait pour tout toute tous votre vous
  ayuda con de el excelente funciona hola la mil muchas muchísimas muy os perfecto por saludos su todo todos un una y
  bardzo działa i jest ok państwu panu pani pomoc pozdrawiam serdecznie super świetnie wszystko za z góry wielkie
  вам вас велике все всі дуже за і й допомогу дуже щиро працює привіт чудово усім
  большое вам вас все всё всем за и огромное очень отлично помощь работает привет супер тебе`)

const isThanks = (word: string): boolean => THANKS.has(word)
const isPolite = (word: string): boolean => THANKS.has(word) || POLITE.has(word)
