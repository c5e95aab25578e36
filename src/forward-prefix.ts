/** What a subject says about the mail under it. */

/** The prefixes that mail programs put before the subject of what they forward (7.11). */
export function hasForwardPrefix(subject: string): boolean {
  const words = /^\s{0,5}(?:\[[^\][]{0,100}\]\s{0,5})?([\p{L}\p{M}]{1,8})\s?(?:\[\d{1,4}\]|\(\d{1,4}\))?\s?[:：]/u.exec(
    subject.slice(0, 300),
  )
  return words !== null && PREFIXES.has(words[1]!.toLowerCase())
}

const PREFIXES = new Set(
  'Fwd Fw WG TR RV I ENC Doorst VB VS VL PD TOV İLT ΠΡΘ ПЕР 转发 轉寄 転送 전달'
    .split(' ')
    .map((word) => word.toLowerCase())
    .concat('i̇lt'),
)
