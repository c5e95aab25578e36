/** The words that mail programs put before the headers of a mail they answer or forward (7.8), a row a language. */

export type HeaderRole = 'from' | 'date' | 'to' | 'cc' | 'subject' | 'other'

/** Language, then From, Sent or Date, To, Cc, Subject; `|` between synonyms. */
const ROWS: [language: string, from: string, date: string, to: string, cc: string, subject: string][] = [
  ['en', 'From', 'Sent|Date|Sent at|Sent on', 'To', 'Cc', 'Subject'],
  ['de', 'Von', 'Gesendet|Datum|Gesendet am|Gesendet von', 'An', 'Cc|Kopie', 'Betreff'],
  [
    'fr',
    'De|Expéditeur|Provenance',
    'Envoyé|Date|Envoyé le|Envoyée',
    'À|A|Pour|Destinataire',
    'Cc|Copie à',
    'Objet|Sujet',
  ],
  ['es', 'De', 'Enviado|Enviados|Fecha|Enviado el', 'Para', 'CC', 'Asunto'],
  ['it', 'Da', 'Inviato|Data|Inviato il', 'A', 'Cc', 'Oggetto'],
  ['pt', 'De', 'Enviada|Enviado|Data|Enviada em|Enviado em', 'Para', 'Cc', 'Assunto'],
  ['nl', 'Van', 'Verzonden|Datum|Verzonden op', 'Aan', 'CC|Kopie', 'Onderwerp'],
  ['sv', 'Från', 'Skickat|Datum', 'Till', 'Kopia|Cc', 'Ämne'],
  ['da', 'Fra', 'Sendt|Dato', 'Til', 'Cc', 'Emne'],
  ['no', 'Fra', 'Sendt|Dato', 'Til', 'Kopi|Cc', 'Emne'],
  ['fi', 'Lähettäjä', 'Lähetetty|Päivämäärä|Päiväys|Pvm', 'Vastaanottaja', 'Kopio|Cc', 'Aihe'],
  ['pl', 'Od|Nadawca', 'Wysłano|Data', 'Do|Adresat', 'DW|Cc|Kopia', 'Temat'],
  ['cs', 'Od', 'Odesláno|Datum', 'Komu', 'Kopie|Cc', 'Předmět'],
  ['sk', 'Od', 'Odoslané|Dátum', 'Komu', 'Kópia|Cc', 'Predmet'],
  ['hu', 'Feladó', 'Elküldve|Dátum|Küldve', 'Címzett', 'Másolatot kap|Másolat|Cc', 'Tárgy'],
  ['ro', 'De la', 'Trimis|Data', 'Către', 'Cc', 'Subiect'],
  ['ru', 'От|От кого', 'Отправлено|Дата|Отправлен', 'Кому', 'Копия|Cc', 'Тема'],
  ['uk', 'Від|Від кого', 'Надіслано|Дата|Відправлено', 'Кому', 'Копія|Cc', 'Тема'],
  ['bg', 'От', 'Изпратено|Дата', 'До', 'Копие|Cc', 'Относно|Тема'],
  ['tr', 'Kimden|Gönderen', 'Gönderildi|Tarih|Gönderme', 'Kime|Alıcı', 'Bilgi|Cc', 'Konu'],
  ['el', 'Από', 'Στάλθηκε|Ημερομηνία', 'Προς', 'Κοιν.|Κοινοποίηση|Cc', 'Θέμα'],
  ['he', 'מאת', 'נשלח|תאריך', 'אל', 'עותק', 'נושא'],
  ['ar', 'من', 'التاريخ|تم الإرسال|تاريخ الإرسال', 'إلى', 'نسخة', 'الموضوع'],
  ['zh', '发件人|发自|寄件人', '发送时间|日期|发送日期|时间', '收件人|发至', '抄送', '主题|主　题|主 题'],
  ['zh-TW', '寄件者|寄件人', '寄件日期|日期|傳送日期', '收件者|收件人', '副本', '主旨|主題|標題'],
  ['ja', '差出人|送信者|From', '送信日時|日付|日時|送信日', '宛先|To', 'CC|Cc', '件名|Subject'],
  ['ko', '보낸 사람|보낸사람', '보낸 날짜|날짜|보낸날짜', '받는 사람|받는사람', '참조', '제목'],
  ['hr', 'Od|Šalje', 'Poslano|Datum|Date', 'Prima|Za', 'Kopija|Cc', 'Predmet|Naslov'],
  ['sr', 'Od|Шаље|Од', 'Poslato|Datum|Послато|Датум', 'Za|За', 'Kopija|Cc', 'Tema|Naslov|Predmet|Тема|Наслов'],
  ['sl', 'Od|Pošiljatelj', 'Poslano|Datum', 'Za|Prejemnik', 'Kp|Kopija|Cc', 'Zadeva'],
  ['et', 'Saatja|Kellelt', 'Saadetud|Kuupäev', 'Adressaat|Saaja|Kellele', 'Koopia|Cc', 'Teema'],
  ['lv', 'No|Sūtītājs', 'Nosūtīts|Datums', 'Kam|Adresāts', 'Kopija|Cc', 'Tēma'],
  ['lt', 'Nuo|Siuntėjas', 'Išsiųsta|Data', 'Kam|Gavėjas', 'Kopija|Cc', 'Tema'],
  ['ca', 'De', 'Enviat|Enviat el|Data', 'Per a|A', 'A/c|Cc', 'Tema|Assumpte'],
  ['id', 'Dari', 'Dikirim|Tanggal', 'Kepada|Ke', 'Cc', 'Subjek|Perihal'],
  ['fa', 'از', 'ارسال‌شده|ارسال شده|تاریخ', 'به', 'رونوشت', 'موضوع'],
  ['th', 'จาก', 'ส่ง|วันที่|ส่งเมื่อ', 'ถึง', 'สำเนา', 'เรื่อง'],
  ['hi', 'प्रेषक', 'भेजा गया|दिनांक', 'प्रति', 'प्रतिलिपि', 'विषय'],
  ['vi', 'Từ', 'Đã gửi|Ngày|Gửi', 'Đến|Tới', 'Cc', 'Chủ đề|Tiêu đề'],
]

/** Further headers that Outlook and Apple Mail print among those above. */
const OTHER = [
  'Bcc|Reply-To|Reply To|Importance|Attachments|Priority|Sensitivity|Categories|Resent-From|On Behalf Of|Organization',
  'Antwort an|Priorität|Anlagen|Wichtigkeit|Blindkopie|Importance|Pièces jointes|Répondre à|Datos adjuntos|Responder a',
  'Allegati|Priorità|Rispondi a|Anexos|Prioridade|Bijlagen|Bilagor|Vedhæftede filer|Вложения|Приоритет|附件|添付ファイル|첨부',
]

/** One reading of a label. */
export type LabelMeaning = { language: string; role: HeaderRole }

const MEANINGS = new Map<string, LabelMeaning[]>()
const ROLES: HeaderRole[] = ['from', 'date', 'to', 'cc', 'subject']
for (const [language, ...columns] of ROWS) {
  for (const [i, column] of columns.entries()) add(column, { language, role: ROLES[i]! })
}
for (const column of OTHER) add(column, { language: '*', role: 'other' })

/** What a label (without its colon) may mean, by language; empty: it is none. */
export function meaningsOf(label: string): LabelMeaning[] {
  return MEANINGS.get(normalised(label)) ?? []
}

function add(column: string, meaning: LabelMeaning): void {
  for (const word of column.split('|')) {
    const key = normalised(word)
    const known = MEANINGS.get(key) ?? []
    if (!known.some(({ language, role }) => language === meaning.language && role === meaning.role)) known.push(meaning)
    MEANINGS.set(key, known)
  }
}

/** Case, accents as composed letters, single blanks. */
function normalised(label: string): string {
  return label.normalize('NFC').toLowerCase().replaceAll('i\u0307', 'i').replace(/\s+/g, ' ').trim()
}
