/** Signatures (7.9), and sign-offs, which are no signature but no answer either (7.3). Folded, never removed. */
import * as limits from '../../limits.ts'
import { type Line, wordCount } from './lines.ts'

/** Where the signature of a stretch of unquoted lines begins, and by what it was known; null: it has none. */
export type SignatureStart = { index: number; by: 'delimiter' | 'mobile' | 'list_footer' | 'footer' }

/** `lines[from..to)` is a stretch without quoted lines. `footers`: normalised paragraphs that a domain repeats. */
export function signatureIn(
  lines: Line[],
  from: number,
  to: number,
  footers: ReadonlySet<string>,
): SignatureStart | null {
  const found = [
    delimiter(lines, from, to),
    listFooter(lines, from, to),
    mobile(lines, from, to),
    footer(lines, from, to, footers),
  ]
  return found.filter((start) => start !== null).sort((a, b) => a.index - b.index)[0] ?? null
}

/** "Regards, Roman" under a quote is no answer to it. */
export function isSignOff(lines: Line[]): boolean {
  const full = lines.filter((line) => !line.blank)
  const words = full.reduce((sum, line) => sum + wordCount(line.body), 0)
  return full.length > 0 && full.length <= 4 && words <= 8 && SIGN_OFF.test(full[0]!.body)
}

/** How a paragraph is compared with the footers of a domain. */
export function normalisedParagraph(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}

/** The last paragraphs of a domain's mails that are footers, the mail at hand being one more (7.9). */
export function footersOf(texts: string[]): ReadonlySet<string> {
  const mails = new Map<string, number>()
  for (const text of texts) {
    const last = text
      .trimEnd()
      .split(/\n[ \t\r]*\n/)
      .slice(-FOOTER_PARAGRAPHS)
      .map(normalisedParagraph)
    for (const one of new Set(last))
      if (one.length >= limits.replyText.footer) mails.set(one, (mails.get(one) ?? 0) + 1)
  }
  return new Set([...mails].filter(([, count]) => count >= limits.replyText.footers - 1).map(([one]) => one))
}

const FOOTER_PARAGRAPHS = 6

/** RFC 3676 4.3: dash, dash, blank; many programs lose the blank. The first one after which little enough follows. */
function delimiter(lines: Line[], from: number, to: number): SignatureStart | null {
  let below = 0
  let start: SignatureStart | null = null
  for (let i = to - 1; i >= from; i--) {
    const { body } = lines[i]!
    if (body === '--' && below <= limits.replyText.signature) start = { index: i, by: 'delimiter' }
    if (body !== '') below++
    if (below > limits.replyText.signature) break
  }
  return start
}

/** Mailman's underscores and "mailing list", Google Groups' "You received this message because you are subscribed". */
function listFooter(lines: Line[], from: number, to: number): SignatureStart | null {
  for (let i = Math.max(from, to - 15); i < to; i++) {
    const { body } = lines[i]!
    if (/^_{40,60}$/.test(body) && /\bmailing list$/i.test(lines[i + 1]?.body ?? ''))
      return { index: i, by: 'list_footer' }
    if (/^You received this message because you are subscribed to /.test(body)) return { index: i, by: 'list_footer' }
  }
  return null
}

/** In the last three lines. */
function mobile(lines: Line[], from: number, to: number): SignatureStart | null {
  let seen = 0
  let start: SignatureStart | null = null
  for (let i = to - 1; i >= from && seen < 3; i--) {
    const { body, blank } = lines[i]!
    if (blank) continue
    seen++
    if (isMobileLine(body)) start = { index: i, by: 'mobile' }
  }
  return start
}

/** A footer that ≥ 3 mails of the domain carry: the last paragraphs, as long as they are known ones. */
function footer(lines: Line[], from: number, to: number, footers: ReadonlySet<string>): SignatureStart | null {
  if (footers.size === 0) return null
  let start: SignatureStart | null = null
  let paragraph: string[] = []
  for (let i = to - 1; i >= from - 1; i--) {
    const line = i >= from ? lines[i]! : null
    if (line && !line.blank) {
      paragraph.unshift(line.body)
      continue
    }
    if (paragraph.length === 0) continue
    if (!footers.has(normalisedParagraph(paragraph.join(' ')))) break
    start = { index: i + 1, by: 'footer' }
    paragraph = []
  }
  return start
}

/**
 * What phones and apps add, by language: verb, "from my", a device or app of a few words, nothing of a sentence. "Sent
 * from my desk, is much easier" has a comma and goes on.
 */
const DEVICE = '[^,;:?]{2,60}'
const MOBILE = new RegExp(
  `^(?:${[
    `(?:Sent|Send) (?:wirelessly )?(?:from|with|using|via|by) (?:my |a |the )?${DEVICE}`,
    `Sent (?:from|via) (?:my |the )?(?:Verizon,? )?Samsung [^;:?]{2,60}`, // "..., an AT&T 5G smartphone"
    `Get (?:Outlook|BlueMail|TypeApp) for ${DEVICE}`,
    `Download (?:Outlook|Thunderbird) for ${DEVICE}`,
    `Envoyé (?:sans fil )?(?:de(?:puis)?|par|à partir de|avec) (?:mon |ma )?${DEVICE}`,
    `Von (?:unterwegs|(?:Samsung|Outlook|Windows|Yahoo|GMX|WEB\\.DE)[^,;:?]{0,30}) gesendet`,
    `(?:Von meinem|Von meiner|Gesendet von|Gesendet mit|Gesendet über|Diese Nachricht wurde von meinem) ${DEVICE}`,
    `Télécharge[rz] Outlook pour ${DEVICE}|Obtenez Outlook pour ${DEVICE}`,
    `Outlook für ${DEVICE} (?:beziehen|herunterladen)|Laden Sie Outlook für ${DEVICE} herunter|Holen Sie sich Outlook für ${DEVICE}`,
    `Enviado (?:desde|con|do|a partir do|via) (?:mi |meu |minha |el )?${DEVICE}`,
    `(?:Obtener|Descargar|Obtenha o|Baixar o) Outlook para ${DEVICE}`,
    `Inviato (?:da(?:l)?|con|dal mio|dal) ?(?:mio )?${DEVICE}|(?:Ottieni|Scarica) Outlook per ${DEVICE}`,
    `Verzonden (?:vanaf|vanuit|met|via) (?:mijn )?${DEVICE}|Verstuurd vanaf (?:mijn )?${DEVICE}`,
    `(?:Download )?Outlook voor ${DEVICE}`,
    `(?:Skickat|Skickad|Skickades) från (?:min )?${DEVICE}|Hämta Outlook för ${DEVICE}`,
    `Sendt (?:fra|via) (?:min )?${DEVICE}|Hent Outlook (?:til|for) ${DEVICE}`,
    `Lähetetty ${DEVICE}|Hanki Outlook ${DEVICE}`,
    `Wysłan[eo]? (?:ze?|za pomocą) (?:mojego )?${DEVICE}|Pobierz (?:aplikację )?Outlook ${DEVICE}`,
    `Odesláno (?:z|pomocí) (?:mého )?${DEVICE}|Odoslané z ${DEVICE}`,
    `(?:Az )?${DEVICE}(?:-emről|-omról|ről|ról) küldve`,
    `Trimis (?:de pe|din) ${DEVICE}`,
    `Отправлено (?:из|с|от) ${DEVICE}`,
    `Надіслано (?:з|із|від) ${DEVICE}`,
    `${DEVICE}(?: cihazımdan| telefonumdan| uygulamasından|['’]?\\p{L}{0,4}[dt][ae]n) gönderildi`,
    `Στάλθηκε από ${DEVICE}|Εστάλη από ${DEVICE}`,
    `נשלח מה?-?${DEVICE}|أُرسلت من ${DEVICE}|مرسل من ${DEVICE}`,
    `Poslano (?:iz|s|sa) (?:mojega|mojeg|mog) ${DEVICE}|Послато са мог ${DEVICE}|Изпратено от моя ${DEVICE}`,
    `Dikirim dari ${DEVICE} saya|Enviat des del meu ${DEVICE}|Saadetud minu ${DEVICE}|Sūtīts no mana ${DEVICE}`,
    `Išsiųsta iš mano ${DEVICE}|ارسال شده از ${DEVICE} من|ส่งจาก ?${DEVICE}ของฉัน|मेरे ${DEVICE} से भेजा गया`,
    `从 ?Windows ${DEVICE}发送|发自我的${DEVICE}|從我的${DEVICE}傳送|从我的${DEVICE}发送|发自${DEVICE}`,
    `(?:私の)?${DEVICE}から送信|나의 ${DEVICE}에서 (?:보냄|발송)|${DEVICE}에서 보냄`,
    `Được gửi từ ${DEVICE}|Đã gửi từ ${DEVICE}`,
  ].join('|')})$`,
  'iu',
)

/** "Sent from my iPhone" and its kin, in any language; a link may follow. */
export function isMobileLine(body: string): boolean {
  if (body.length > 120) return false
  const words = body
    .replace(/<?https?:\/\/[^\s<>()]{1,300}[>)]?/g, '')
    .replace(/\(\s?\)|\(\?\S{0,20}\)/g, '')
    .replace(/[.,;] ?(?:so )?(?:please |pls )?(?:excuse|pardon|forgive|sorry for)\b.{0,60}$/i, '')
    .trim()
  return wordCount(words) <= 14 && MOBILE.test(words)
}

const SIGN_OFF =
  /^(?:(?:kind|best|warm|many)?\s?(?:regards|wishes)|regards|cheers|best|sincerely|yours|thanks|thank you|many thanks|thx|br|mfg|vg|lg|kr|(?:mit )?(?:freundlichen?|besten?|vielen?|herzlichen?|liebe[n]?|viele|schöne|beste) (?:grüßen?|grüssen?|gruß|gruss|dank)|gruß|danke|cordialement|bien cordialement|bien à vous|merci|salutations|saludos|un saludo|gracias|atentamente|cordiali saluti|saluti|grazie|atenciosamente|obrigad[oa]|abraços|cumprimentos|met vriendelijke groet|groeten|groet|bedankt|med vänlig hälsning|vänliga hälsningar|mvh|hälsningar|tack|med venlig hilsen|venlig hilsen|hilsen|med vennlig hilsen|takk|tak|terveisin|ystävällisin terveisin|kiitos|pozdrawiam|z poważaniem|dziękuję|s pozdravem|děkuji|ďakujem|üdvözlettel|köszönöm|cu stimă|mulțumesc|с уважением|спасибо|з повагою|дякую|поздрави|saygılarımla|teşekkürler|με εκτίμηση|ευχαριστώ|בברכה|תודה|مع تحياتي|شكرا|此致|谢谢|謝謝|よろしくお願い|ありがとう|감사합니다|trân trọng|cảm ơn)(?![\p{L}\p{N}])/iu
