/** Lines by which mail programs part an answer from what is answered, or announce a forwarded mail (7.4, 7.11). */
import * as limits from '../../limits.ts'

const ORIGINAL = (
  'original message|original mail|reply message|original-nachricht|ursprüngliche nachricht|originalnachricht|originalmail|' +
  "ursprüngliche e-mail|antwort nachricht|message d'origine|message d’origine|message original|message initial|" +
  'mensaje original|messaggio originale|mensagem original|oorspronkelijk bericht|origineel bericht|' +
  'ursprungligt meddelande|originalmeddelande|oprindelig meddelelse|oprindelig besked|opprinnelig melding|' +
  'alkuperäinen viesti|wiadomość oryginalna|oryginalna wiadomość|original wiadomość|původní zpráva|pôvodná správa|' +
  'eredeti üzenet|mesaj original|mesajul original|исходное сообщение|исходное письмо|оригинальное сообщение|' +
  'оригінальне повідомлення|початкове повідомлення|оригинално съобщение|orijinal ileti|orijinal mesaj|özgün ileti|' +
  'αρχικό μήνυμα|הודעה מקורית|الرسالة الأصلية|原始邮件|原始郵件|原邮件|原郵件|元のメッセージ|원본 메시지|원본 메일|' +
  '원본메일|thư gốc|tin nhắn gốc|missatge original|algne sõnum|algne kiri|pesan asli|mail original|mail initial|' +
  "mail d'origine|mail d’origine|e-mail original|e-mail d'origine|ursprüngliche mail|původní e-mail|originální zpráva|" +
  'pôvodný e-mail|oprindelig mail|opprinnelig e-post|ursprungligt mail|izvorna poruka|originalna poruka|' +
  'izvirno sporočilo|оригинална порука|sākotnējais ziņojums|pirminis laiškas|پیام اصلی|ข้อความต้นฉบับ|मूल संदेश'
).split('|')

const FORWARDED = (
  'forwarded message|forwarded by|forwarded mail|weitergeleitete nachricht|weitergeleitete mail|message transféré|' +
  'message réexpédié|mensaje reenviado|messaggio inoltrato|mensagem encaminhada|mensagem reencaminhada|' +
  'doorgestuurd bericht|vidarebefordrat meddelande|vidarebefordrat brev|videresendt meddelelse|videresendt besked|' +
  'videresendt melding|edelleenlähetetty viesti|välitetty viesti|przekazana wiadomość|wiadomość przekazana dalej|' +
  'treść przekazanej wiadomości|přeposlaná zpráva|preposlaná správa|továbbított üzenet|mesaj redirecționat|mesaj redirecţionat|' +
  'пересылаемое сообщение|пересланное сообщение|переадресоване повідомлення|пересланий лист|переслане повідомлення|' +
  'пересилання повідомлення|препратено съобщение|iletilen mesaj|yönlendirilmiş ileti|iletilmiş ileti|yönlendirilen ileti|' +
  'προωθημένο μήνυμα|הודעה שהועברה|رسالة مُعاد توجيهها|رسالة معاد توجيهها|转发的邮件|转发邮件信息|轉寄的郵件|已轉寄的郵件|' +
  '轉寄郵件|転送メッセージ|転送されたメッセージ|전달된 메시지|전달된 메일|전달 메시지|thư đã chuyển tiếp|thư được chuyển tiếp'
).split('|')

/** Apple Mail and iOS write theirs without dashes, with a colon. */
const BEGIN_FORWARDED = (
  'begin forwarded message|anfang der weitergeleiteten nachricht|début du message transféré|début du message réexpédié|' +
  'inicio del mensaje reenviado|inizio messaggio inoltrato|início da mensagem encaminhada|início da mensagem reencaminhada|' +
  'begin doorgestuurd bericht|vidarebefordrat meddelande|start på videresendt besked|videresendt melding|' +
  'välitetty viesti alkaa|początek przekazywanej wiadomości|začátek přeposlané zprávy|začiatok preposlanej správy|' +
  'a továbbított levél kezdete|începutul mesajului redirecționat|начало переадресованного сообщения|' +
  'початок листа, що пересилається|iletilen ileti başlangıcı|iletilen e-posta başlangıcı|αρχή προωθημένου μηνύματος|' +
  '下面是被转发的邮件|開始轉寄訊息|転送されたメッセージ|전달된 메시지 시작|bắt đầu thư được chuyển tiếp'
).split('|')

const originals = new Set(ORIGINAL)
const forwards = new Set(FORWARDED)
const begins = new Set(BEGIN_FORWARDED)

/**
 * `-----Original Message-----`, `------------------ 原始邮件 ------------------`; Outlook 2003 sets the dashes apart,
 * Proton Mail writes U+2010.
 */
const BETWEEN_DASHES = /^[-‐–—_=*]{2,80}\s{0,3}([^\s-].{1,80}?)\s{0,3}[-‐–—_=*]{2,80}:?$/u

export type Banner = 'original' | 'forwarded'

/** What a line announces, or null. */
export function bannerOf(body: string): Banner | null {
  if (body.length > limits.replyText.line) return null
  const between = BETWEEN_DASHES.exec(body)
  if (between) {
    const words = lower(between[1]!)
    if (originals.has(words)) return 'original'
    // Lotus Notes: "Forwarded by Ada Lovelace/ACME on 23.09.2026 10:00"
    if (forwards.has(words) || words.startsWith('forwarded by ') || words.startsWith('weitergeleitet von '))
      return 'forwarded'
    return null
  }
  const isOpen = /[:：]$/.test(body)
  return isOpen && begins.has(lower(body.slice(0, -1))) ? 'forwarded' : null
}

/** The dot that toLowerCase leaves of a Turkish İ is none of the word. */
function lower(text: string): string {
  return text.toLowerCase().replaceAll('i\u0307', 'i').replace(/\s+/g, ' ').trim()
}

/** `________________________________`, `----------`, `* * *`: nothing but a drawn line. Ten strokes or more. */
export function isSeparator(body: string): boolean {
  return /^(?:[_=-]{10,200}|(?:\*\s?){5,50}|(?:─|—|–){5,200})$/u.test(body)
}

/** 7.10: our own "type above this line", as any desk writes it. A hint, never a cut by itself. */
export function isMarker(body: string): boolean {
  return /^##-\s?.{3,200}\s?-##$/u.test(body)
}
