/** The base subject (6.7): RFC 5256 with the prefixes that mail programs put there in other languages. Linear. */

const words = (list: string) => list.split(' ').map((word) => word.toLowerCase())
const REPLY = new Set(words('RE AW SV VS Antw Odp RES R RIF YNT ΑΠ Vá Ответ Atb Ats 回复 答复 回覆 답장'))
// the last is what toLowerCase makes of İLT where the dot is a character of its own
const FORWARD = words('Fwd Fw WG TR RV I ENC Doorst VB VS VL PD TOV İLT ΠΡΘ ПЕР 转发 轉寄 転送 전달 i̇lt')
const PREFIXES = new Set([...REPLY, ...FORWARD])

/** Our own tag whatever its prefix word: `[#12]`, `[Desk#12]` (6.6). */
const TAG = /\[[^\][\s#]{0,40}#\d{1,12}\]/g
const BLOB = /^\[[^\][]{0,100}\]\s*/
const PREFIX = /^([\p{L}\p{M}]{1,7})\s?(?:\[\d{1,4}\]|\^\d{1,4}|\(\d{1,4}\))?\s?(?:\[[^\][]{0,40}\]\s?)?[:：]\s*/u

/** @returns the subject without tags, list blobs and reply or forward prefixes; may be empty */
export function baseSubject(subject: string): string {
  return stripped(subject.replace(TAG, ' ').replace(/\s+/g, ' ').trim(), PREFIXES)
}

/** The same but for forward prefixes: what a mail program says about its own answer stays (4a.16). */
export function answeredSubject(subject: string): string {
  return stripped(subject.replace(/\s+/g, ' ').trim(), REPLY)
}

function stripped(subject: string, prefixes: Set<string>): string {
  let text = subject
  for (;;) {
    const before = text
    if (prefixes === PREFIXES) text = text.replace(/\s?\(fwd\)$/i, '')
    const prefix = PREFIX.exec(text)
    if (prefix && prefixes.has(prefix[1]!.toLowerCase())) text = text.slice(prefix[0].length)
    const unblobbed = text.replace(BLOB, '')
    if (unblobbed !== '') text = unblobbed
    if (text === before) return text
  }
}
