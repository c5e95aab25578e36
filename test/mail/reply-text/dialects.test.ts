/**
 * How mail programs introduce what they quote, by language and program (7.7, 7.8), and what phones and apps add (7.9): a
 * line each, beyond the fixtures. Every one is tried above a quotation with marks, and above one without where it has a
 * date or an address in it.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { extractReply } from '../../../src/mail/reply-text.ts'

const ANSWER = 'Solved, it works.'
const QUESTION = 'Is it working now?\nPlease tell us.\n'
const MARKED = QUESTION.replace(/^(?=.)/gm, '> ')
const D = 'Desk Support <support@desk.example>'

/** `|` stands for a line end. */
const ATTRIBUTIONS = `
On Mon, Sep 23, 2026 at 10:00 AM ${D}|wrote:
On Mon, Sep 23, 2026 at 10:00 AM Desk Support|<support@desk.example> wrote:
Le lun. 23 sept. 2026 à 10:00, ${D} a écrit :
Le 23/09/2026 à 10:00, Desk Support a écrit :
El lun, 23 sept 2026 a las 10:00, Desk Support (<support@desk.example>) escribió:
Am Mo., 23. Sept. 2026 um 10:00 Uhr schrieb Desk Support <|support@desk.example>:
Am Mo., 23. Sept. 2026 um 10:00 Uhr schrieb Desk Support|<support@desk.example>:
Am 23.09.2026 um 10:00 schrieb Desk Support:
Il giorno lun 23 set 2026 alle ore 10:00 ${D} ha scritto:
Il giorno lun 23 set 2026 alle ore 10:00 Desk Support <|support@desk.example> ha scritto:
Em seg., 23 de set. de 2026 às 10:00, ${D} escreveu:
Op ma 23 sep. 2026 om 10:00 schreef ${D}:
Den mån 23 sep. 2026 kl 10:00 skrev ${D}:
man. 23. sep. 2026 kl. 10.00 skrev ${D}:
ma 23. syysk. 2026 klo 10.00 Desk Support (support@desk.example) kirjoitti:
pon., 23 wrz 2026 o 10:00 ${D} napisał(a):
po 23. 9. 2026 v 10:00 odesílatel ${D} napsal:
po 23. 9. 2026 o 10:00 ${D} napísal(a):
${D} ezt írta (időpont: 2026. szept. 23., H, 10:00):
În lun., 23 sept. 2026 la 10:00, ${D} a scris:
пн, 23 сент. 2026 г. в 10:00, ${D}:
пн, 23 вер. 2026 р. о 10:00 ${D} пише:
23 сентября 2026 г. 10:00 пользователь ${D} написал:
${D}, 23 Eyl 2026 Pzt, 10:00 tarihinde şunu yazdı:
Στις Δευ 23 Σεπ 2026 στις 10:00 π.μ., ο/η ${D} έγραψε:
בתאריך יום ב׳, 23 בספט׳ 2026 ב-10:00 מאת Desk <support@desk.example>:
在 2026年9月23日周一 10:00，${D} 写道：
${D} 於 2026年9月23日 週一 上午10:00寫道：
2026年9月23日(月) 10:00 ${D}:
2026年9月23日(月) 午前10:00 ${D}:
2026년 9월 23일 (월) 오전 10:00, ${D}님이 작성:
Vào Th 2, 23 thg 9, 2026 vào lúc 10:00 ${D} đã viết:
Pada tanggal Sen, 23 Sep 2026 pukul 10.00 ${D} menulis:
ในวันที่ จ. 23 ก.ย. 2026 เวลา 10:00 น. ${D} เขียนว่า:
सोम, 23 सित॰ 2026 को 10:00 पूर्वाह्न बजे को ${D} ने लिखा:
На пн, 23.09.2026 г. в 10:00 ${D} написа:
pon, 23. ruj 2026. u 10:00 ${D} napisao je:
V V pon., 23. sep. 2026 ob 10:00 je oseba ${D} napisala:
пон, 23. сеп 2026. у 10:00 ${D} је написао/ла:
2026-09-23, pr, 10:00 ${D} rašė:
pirmd., 2026. g. 23. sept., plkst. 10:00 — lietotājs Desk (<support@desk.example>) rakstīja:
Kuupäev E, 23. september 2026 kell 10:00 kirjutas ${D}:
Missatge de ${D} del dia dl., 23 de set. 2026 a les 10:00:
El lun., 23 sep. 2026 10:00, ${D} escribió:
${D} escreveu no dia segunda, 23/09/2026 à(s) 10:00:
در تاریخ دوشنبه ۲۳ سپتامبر ۲۰۲۶، ۱۰:۰۰ ${D} نوشت:
في الاثنين، ٢٣ سبتمبر ٢٠٢٦ في ١٠:٠٠ ص تمت كتابة ما يلي بواسطة ${D}:
On 23 Sep 2026, at 10:00, ${D} wrote:
2026/09/23 10:00、${D}のメール:
2026. 9. 23. 오전 10:00, ${D} 작성:
23 сент. 2026 г., в 10:00, ${D} написал(а):
Il giorno 23 set 2026, alle ore 10:00, ${D} ha scritto:
Wiadomość napisana przez ${D} w dniu 23.09.2026, o godz. 10:00:
El 23 sept 2026, a las 10:00, ${D} escribió:
Op 23 sep. 2026, om 10:00 heeft ${D} het volgende geschreven:
23 sep. 2026 kl. 10:00 skrev ${D}:
${D} kirjoitti 23.9.2026 kello 10.00:
Den 23. sep. 2026 kl. 10.00 skrev ${D}:
Em 23 de set. de 2026, à(s) 10:00, ${D} escreveu:
${D} şunları yazdı (23 Eyl 2026 10:00):
23. 9. 2026 v 10:00, ${D}:
2026. szept. 23. dátummal, 10:00 időpontban ${D} írta:
23 Σεπ 2026, 10:00, ο χρήστης «${D}» έγραψε:
On 9/23/26 10:00, Desk Support wrote:
Am 23.09.26 um 10:00 schrieb Desk Support:
Il 23/09/2026 10:00, Desk Support ha scritto:
El 23/9/26 a las 10:00, Desk Support escribió:
W dniu 23.09.2026 o 10:00, Desk Support pisze:
Op 23-09-2026 om 10:00 schreef Desk Support:
Den 2026-09-23 kl. 10:00, skrev Desk Support:
Desk Support kirjoitti 23.9.2026 klo 10.00:
Em 23/09/2026 10:00, Desk Support escreveu:
Dne 23. 09. 26 v 10:00 Desk Support napsal(a):
23.09.2026 10:00, Desk Support пишет:
2026/09/23 10:00, Desk Support wrote:
在 2026/9/23 10:00, Desk Support 写道:
Desk Support 於 2026/9/23 上午 10:00 寫道:
2026-09-23 오전 10:00에 Desk Support 이(가) 쓴 글:
2026. 09. 23. 10:00 keltezéssel, Desk Support írta:
Pe 23.09.2026 10:00, Desk Support a scris:
На 23.9.2026 г. 10:00, Desk Support написа:
Στις 23/9/2026 10:00 π.μ., ο Desk Support έγραψε:
23.09.2026 10:00 tarihinde Desk Support yazdı:
On Monday, September 23, 2026 at 10:00:00 AM GMT+2, ${D} wrote:
Am Montag, 23. September 2026 um 10:00:00 MESZ hat ${D} Folgendes geschrieben:
Le lundi 23 septembre 2026 à 10:00:00 UTC+2, ${D} a écrit :
En lunes, 23 de septiembre de 2026, 10:00:00 CEST, ${D} escribió:
Em segunda-feira, 23 de setembro de 2026 10:00:00 BRT, ${D} escreveu:
Op maandag 23 september 2026 om 10:00:00 CEST schreef ${D}:
Den måndag 23 september 2026 10:00:00 CEST skrev ${D}:
On Monday, September 23rd, 2026 at 10:00, ${D} wrote:
On September 23, 2026, ${D} wrote:
---- On Mon, 23 Sep 2026 10:00:00 +0200 ${D} wrote ----
---- Am Mo, 23 Sep 2026 10:00:00 +0200 schrieb ${D} ----
---- Le lun., 23 sept. 2026 10:00:00 +0200 ${D} a écrit ----
On Sep 23, 2026, 10:00 +0200, ${D}, wrote:
On Mon, Sep 23, 2026 at 10:00 AM, Desk < support@desk.example [support@desk.example] > wrote:
Am 23. September 2026 10:00:00 MESZ schrieb ${D}:
On Mon, Sep 23, 2026 at 10:00:00AM +0200, Desk Support wrote:
On Monday, 23 September 2026 10:00:00 CEST Desk Support wrote:
${D} writes:
${D} wrote:
Zitat von ${D}:
Quoting ${D}:
Quoting "Desk Support" <support@desk.example>:
Citando ${D}:
${D} a écrit :
Am 2026-09-23 10:00, schrieb Desk Support:
On 2026-09-23 10:00, Desk Support wrote:
Le 2026-09-23 10:00, Desk Support a écrit :
Desk Support <support@desk.example> hat am 23.09.2026 10:00 CEST geschrieben:
On 09/23/2026 10:00 AM CEST ${D} wrote:
Il 23 settembre 2026 alle 10.00 ${D} ha scritto:
在 2026-09-23 10:00:00，"Desk" <support@desk.example> 写道：
At 2026-09-23 10:00:00, "Desk" <support@desk.example> wrote:
On Mon, 23 Sep 2026 10:00:00 +0900|${D} wrote:
Понедельник, 23 сентября 2026, 10:00 +03:00 от ${D}:
10:00, 23 сентября 2026 г., ${D}:
23.09.2026, 10:00, "Desk" <support@desk.example>:
-----Desk Support <support@desk.example> schrieb: -----
-----Desk Support <support@desk.example> wrote: -----
Desk Support schrieb am 23.09.26 10:00:
Desk Support schreef op 23-9-2026 10:00:
Desk Support skrev den 2026-09-23 10:00:
Desk Support a écrit le 23/09/2026 10:00 :
Desk Support escribió el 23/9/2026 10:00:
Desk Support ha scritto il 23/09/2026 10:00:
`
for (const line of ATTRIBUTIONS.trim().split('\n')) {
  test(`attribution: ${line}`, () => {
    const attribution = line.replaceAll('|', '\n')
    const hasEvidence = /@|\d{4}|\d\d[./]\d\d/.test(attribution)
    for (const quotation of hasEvidence ? [MARKED, QUESTION] : [MARKED]) {
      const found = extractReply({ text: `${ANSWER}\n\n${attribution}\n\n${quotation}`, html: null })
      assert.is(found.visible.trim(), ANSWER)
    }
  })
}

/** Header blocks and banners; what quotes its own block with marks quotes the rest so. */
const BLOCKS: Record<string, string> = {
  gmx: 'Gesendet: Montag, 23. September 2026 um 10:00 Uhr\nVon: "Desk" <support@desk.example>\nAn: ada@acme.example\nBetreff: Drucker',
  tonline:
    '-----Original-Nachricht-----\nBetreff: Drucker\nDatum: 2026-09-23T10:00:00+0200\nVon: "Desk" <support@desk.example>\nAn: "ada@acme.example" <ada@acme.example>',
  zimbraFr:
    '----- Mail original -----\nDe: "Desk" <support@desk.example>\nÀ: "Ada" <ada@acme.example>\nEnvoyé: Lundi 23 Septembre 2026 10:00:00\nObjet: Imprimante',
  zimbraFrBare:
    'De: "Desk" <support@desk.example>\nÀ: "Ada" <ada@acme.example>\nEnvoyé: Lundi 23 Septembre 2026 10:00:00\nObjet: Imprimante',
  zimbraDe:
    '----- Ursprüngliche Mail -----\nVon: "Desk" <support@desk.example>\nAn: "Ada" <ada@acme.example>\nGesendet: Montag\nBetreff: Drucker',
  zimbraIt:
    '----- Messaggio originale -----\nDa: "Desk" <support@desk.example>\nA: "Ada" <ada@acme.example>\nInviato: Lunedì\nOggetto: x',
  zimbraEs:
    '----- Mensaje original -----\nDe: "Desk" <support@desk.example>\nPara: "Ada" <ada@acme.example>\nEnviados: Lunes, 23 de Septiembre 2026\nAsunto: x',
  mac: 'From: Desk <support@desk.example>\nDate: Monday, 23 September 2026 at 10:00\nTo: Ada <ada@acme.example>\nSubject: x',
  macDe:
    'Von: Desk <support@desk.example>\nDatum: Montag, 23. September 2026 um 10:00\nAn: Ada <ada@acme.example>\nBetreff: x',
  macFr:
    'De : Desk <support@desk.example>\nDate : lundi, 23 septembre 2026 à 10:00\nÀ : Ada <ada@acme.example>\nObjet : x',
  macSv:
    'Från: Desk <support@desk.example>\nDatum: måndag, 23 september 2026 10:00\nTill: Ada <ada@acme.example>\nÄmne: x',
  orange:
    '> Message du 23/09/26 10:00\n> De : "Desk" <support@desk.example>\n> A : ada@acme.example\n> Copie à : \n> Objet : x',
  samsungDe:
    '-------- Ursprüngliche Nachricht --------\nVon: Desk <support@desk.example>\nDatum: 23.09.26 10:00 (GMT+01:00)\nAn: ada@acme.example\nBetreff: x',
  samsungFr:
    "-------- Message d'origine --------\nDe : Desk <support@desk.example>\nDate : 23/09/2026 10:00 (GMT+01:00)\nÀ : ada@acme.example\nObjet : x",
  samsungIt:
    '-------- Messaggio originale --------\nDa: Desk <support@desk.example>\nData: 23/09/26 10:00 (GMT+01:00)\nA: ada@acme.example\nOggetto: x',
  samsungNl:
    '-------- Oorspronkelijk bericht --------\nVan: Desk <support@desk.example>\nDatum: 23-09-26 10:00\nAan: ada@acme.example\nOnderwerp: x',
  samsungPt:
    '-------- Mensagem original --------\nDe: Desk <support@desk.example>\nData: 23/09/26 10:00\nPara: ada@acme.example\nAssunto: x',
  proton:
    '------- Original Message -------\nOn Monday, September 23rd, 2026 at 10:00, Desk <support@desk.example> wrote:',
  protonOld:
    '‐‐‐‐‐‐‐ Original Message ‐‐‐‐‐‐‐\nOn Monday, September 23rd, 2026 10:00, Desk <support@desk.example> wrote:',
  protonFr:
    '------- Message original -------\nLe lundi 23 septembre 2026 à 10:00, Desk <support@desk.example> a écrit :',
  outlookLine:
    '________________________________\nFrom: Desk <support@desk.example>\nSent: Monday, September 23, 2026 10:00 AM\nTo: Ada <ada@acme.example>\nSubject: Re: x',
  outlookLineDe:
    '________________________________\nVon: Desk <support@desk.example>\nGesendet: Montag, 23. September 2026 10:00\nAn: Ada <ada@acme.example>\nBetreff: x',
  iosGet:
    'Get Outlook for iOS<https://aka.ms/o0ukef>\n________________________________\nFrom: Desk <support@desk.example>\nSent: Monday, September 23, 2026 10:00:00 AM\nTo: Ada <ada@acme.example>\nSubject: x',
  iosGetFr:
    'Télécharger Outlook pour iOS<https://aka.ms/o0ukef>\n________________________________\nDe : Desk <support@desk.example>\nEnvoyé : lundi 23 septembre 2026 10:00:00\nÀ : Ada <ada@acme.example>\nObjet : x',
  iosGetDe:
    'Outlook für iOS<https://aka.ms/o0ukef> beziehen\n________________________________\nVon: Desk <support@desk.example>\nGesendet: Montag\nAn: Ada <ada@acme.example>\nBetreff: x',
  androidGetEs:
    'Obtener Outlook para Android<https://aka.ms/AAb9ysg>\n________________________________\nDe: Desk <support@desk.example>\nEnviado: lunes\nPara: Ada <ada@acme.example>\nAsunto: x',
  bg: 'От: Desk <support@desk.example>\nИзпратено: понеделник, 23 септември 2026\nДо: Ada\nОтносно: x',
  hr: 'Od: Desk <support@desk.example>\nPoslano: 23. rujna 2026. 10:00\nPrima: Ada\nPredmet: x',
  sr: 'Od: Desk <support@desk.example>\nPoslato: ponedeljak, 23. septembar 2026.\nZa: Ada\nTema: x',
  sl: 'Od: Desk <support@desk.example>\nPoslano: ponedeljek, 23. september 2026\nZa: Ada\nZadeva: x',
  et: 'Saatja: Desk <support@desk.example>\nSaadetud: esmaspäev, 23. september 2026\nAdressaat: Ada\nTeema: x',
  lv: 'No: Desk <support@desk.example>\nNosūtīts: pirmdiena\nKam: Ada\nTēma: x',
  lt: 'Nuo: Desk <support@desk.example>\nIšsiųsta: pirmadienis\nKam: Ada\nTema: x',
  ca: 'De: Desk <support@desk.example>\nEnviat el: dilluns\nPer a: Ada\nTema: x',
  th: 'จาก: Desk <support@desk.example>\nส่ง: วันจันทร์\nถึง: Ada\nเรื่อง: x',
  fa: 'از: Desk <support@desk.example>\nارسال‌شده: دوشنبه\nبه: Ada\nموضوع: x',
  id: 'Dari: Desk <support@desk.example>\nDikirim: Senin\nKepada: Ada\nSubjek: x',
  he: 'מאת: Desk <support@desk.example>\nנשלח: יום שני\nאל: Ada\nנושא: x',
  ar: 'من: Desk <support@desk.example>\nتم الإرسال: الاثنين\nإلى: Ada\nالموضوع: x',
  ko2: '보낸 사람: Desk <support@desk.example>\n보낸 날짜: 2026년\n받는 사람: Ada\n제목: x',
  naver:
    '-----Original Message-----\nFrom: "Desk" <support@desk.example>\nTo: Ada\nCc:\nSent: 2026-09-23 (월) 10:00:00\nSubject: x',
  qq: '------------------ 原始邮件 ------------------\n发件人: "Desk" <support@desk.example>;\n发送时间: 2026年9月23日\n收件人: Ada\n主题: x',
  foxmail: '发件人： Desk\n发送时间： 2026-09-23 10:00\n收件人： Ada <ada@acme.example>\n主题： x',
  aliyun:
    '------------------------------------------------------------------\n发件人：Desk <support@desk.example>\n发送时间：2026年9月23日\n收件人：Ada\n主　题：x',
  jaOutlook: '差出人: Desk <support@desk.example>\n送信日時: 2026年9月23日 10:00\n宛先: Ada\n件名: x',
  notesEn: 'From:\tDesk <support@desk.example>\nTo:\tAda <ada@acme.example>\nDate:\t23.09.2026 10:00\nSubject:\tx',
  notesDe: 'Von:\tDesk/ACME\nAn:\tada@acme.example\nDatum:\t23.09.2026 10:00\nBetreff:\tx',
  yahooOld:
    '________________________________\n From: Desk <support@desk.example>\nTo: Ada <ada@acme.example>\nSent: Monday, September 23, 2026 10:00 AM\nSubject: x',
  blackberry:
    '-----Original Message-----\nFrom: Desk <support@desk.example>\nDate: Mon, 23 Sep 2026 10:00:00\nTo: <ada@acme.example>\nReply-To: support@desk.example\nSubject: x',
  boldDe:
    '*Von:* Desk [mailto:support@desk.example]\n*Gesendet:* Montag, 23. September 2026 10:00\n*An:* Ada\n*Betreff:* x',
  importance: 'From: Desk <support@desk.example>\nSent: Monday\nTo: Ada\nCc: Bob\nSubject: x\nImportance: High',
  thunderbirdFwdInReply:
    '-------- Original Message --------\nSubject: x\nDate: Mon, 23 Sep 2026\nFrom: Desk <support@desk.example>\nTo: ada@acme.example',
  thunderbirdDe:
    '-------- Original-Nachricht --------\nBetreff: x\nDatum: Mon, 23 Sep 2026\nVon: Desk <support@desk.example>\nAn: ada@acme.example',
  plPoczta: 'Od: Desk <support@desk.example>\nData: 23 września 2026 10:00\nDo: Ada\nTemat: x',
  wp: 'Dnia 23 września 2026 10:00 Desk <support@desk.example> napisał(a):',
  seznam:
    '---------- Původní e-mail ----------\nOd: Desk <support@desk.example>\nKomu: ada@acme.example\nDatum: 23. 9. 2026 10:00:00\nPředmět: x',
  centrum:
    '______________________________________________________________\n> Od: "Desk" <support@desk.example>\n> Komu: ada@acme.example\n> Datum: 23.09.2026 10:00\n> Předmět: x',
  freemailHu: 'Desk <support@desk.example> írta:',
  ukrnet: 'Від кого: "Desk" <support@desk.example>\nДата: 23 вересня 2026, 10:00:00\nТема: x',
  uolBr: 'Em 23/09/2026 10:00, Desk < support@desk.example > escreveu:',
  hotmailBr: 'Date: Mon, 23 Sep 2026 10:00:00 +0200\nFrom: support@desk.example\nTo: ada@acme.example\nSubject: x',
  hotmailOld: 'From: support@desk.example\nTo: ada@acme.example\nSubject: RE: x\nDate: Mon, 23 Sep 2026 10:00:00 +0200',
  on_behalf:
    'From: Desk [mailto:support@desk.example] On Behalf Of Bob\nSent: Monday, September 23, 2026 10:00 AM\nTo: Ada\nSubject: x',
}
for (const [name, block] of Object.entries(BLOCKS)) {
  test(`header block: ${name}`, () => {
    const quotation = block.includes('> De :') || block.includes('> Od:') ? MARKED : QUESTION
    const text = `${ANSWER}\n\n${block}\n\n${quotation}`
    assert.is(extractReply({ text, html: null }).visible.trim(), ANSWER)
    assert.is(extractReply({ text: text.replaceAll('\n', '\r\n'), html: null }).visible.trim(), ANSWER)
  })
}

const PHONES = `
Sent from my iPhone
Sent from Mail for Windows
Sent from Mail for Windows 10
Sent from Yahoo Mail on Android
Sent from Yahoo Mail for iPhone
Sent from Outlook
Sent from Outlook for Android
Sent from my Galaxy
Sent from my BlackBerry 10 smartphone.
Sent via the Samsung Galaxy S10, an AT&T 5G smartphone
Sent with Proton Mail secure email.
Sent from Proton Mail for iOS
Sent from ProtonMail mobile
Sent using Zoho Mail
Sent from Gmail Mobile
Sent from my T-Mobile 5G Device
Sent from Workspace ONE Boxer
Sent via BlackBerry from T-Mobile
Sent from my phone, please excuse brevity.
Sent from my iPhone. Please excuse any typos.
Sent from my Verizon, Samsung Galaxy smartphone
Get Outlook for iOS<https://aka.ms/o0ukef>
Get BlueMail for Android
Get TypeApp for Android
Von meinem iPhone gesendet
Von meinem Samsung Galaxy Smartphone gesendet.
Gesendet von Mail für Windows
Gesendet von Outlook für Android<https://aka.ms/AAb9ysg>
Von Samsung Mobile gesendet
Gesendet mit der GMX Mail App
Gesendet mit der WEB.DE Mail App
Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.
Diese Nachricht wurde von meinem Android Mobiltelefon mit WEB.DE Mail gesendet.
Gesendet von unterwegs
Von unterwegs gesendet
Gesendet von meinem iPad
Holen Sie sich Outlook für Android<https://aka.ms/AAb9ysg>
Envoyé de mon iPhone
Envoyé depuis l'application Mail Orange
Envoyé à partir de Courrier pour Windows
Envoyé à partir de Outlook pour Android
Envoyé depuis mon appareil Galaxy
Envoyé depuis mon mobile Orange
Télécharger Outlook pour iOS
Enviado desde mi iPhone
Enviado desde Correo para Windows
Enviado desde Outlook para Android
Enviado desde Yahoo Mail para Android
Inviato da iPhone
Inviato da Posta per Windows
Inviato da Outlook per Android
Inviato dal mio dispositivo Samsung
Inviato da Libero Mail
Scarica Outlook per iOS
Verstuurd vanaf mijn iPhone
Verzonden vanuit Mail voor Windows
Verzonden vanaf mijn Samsung Galaxy-smartphone.
Outlook voor Android downloaden
Download Outlook voor iOS
Skickat från min iPhone
Skickades från E-post för Windows
Skickat från Outlook för Android
Sendt fra min iPhone
Sendt fra Mail til Windows
Sendt fra Outlook for Android
Lähetetty iPhonesta
Lähetetty Windowsin Sähköpostista
Wysłane z iPhone'a
Wysłano z aplikacji Poczta dla systemu Windows
Wysłane z mojego telefonu Samsung Galaxy
Odesláno z iPhonu
Odesláno z Pošty pro Windows
Odoslané z Pošty pre Windows
iPhone'umdan gönderildi
Samsung cihazımdan gönderildi
Windows için Posta'dan gönderildi
Отправлено с iPhone
Отправлено из Почты для Windows
Отправлено из мобильной Почты Mail.ru
Отправлено из мобильной Яндекс.Почты
Надіслано з iPhone
发自我的 iPhone
发自我的华为手机
从 Windows 版邮件发送
從我的 iPhone 傳送
iPhoneから送信
Windows 版のメールから送信
나의 iPhone에서 보냄
내 iPhone에서 보냄
Windows용 메일에서 보냄
Trimis de pe iPhone-ul meu
Az iPhone-omról küldve
Στάλθηκε από το iPhone μου
נשלח מה-iPhone שלי
أُرسلت من الـ iPhone
Enviado do meu iPhone
Enviado do Yahoo Mail no Android
Enviado do Email para Windows
Poslano iz mojega iPhonea
Poslano s mojeg iPhonea
Dikirim dari iPhone saya
Enviat des del meu iPhone
Saadetud minu iPhone'ist
Изпратено от моя iPhone
Đã gửi từ iPhone của tôi
ส่งจาก iPhone ของฉัน
मेरे iPhone से भेजा गया
ارسال شده از iPhone من
`
for (const line of PHONES.trim().split('\n')) {
  test(`phone or app: ${line}`, () => {
    const found = extractReply({ text: `${ANSWER}\n\n${line}\n`, html: null })
    assert.equal([found.visible.trim(), found.signature.trim()], [ANSWER, line])
  })
}

/** Sentences of people that begin like those. */
const SENTENCES = `
Sent from my desk is much easier: please do it there
Sent from the warehouse on Monday, the parcel never came
Gesendet wurde das Paket am Montag.
The parcel was sent from Berlin.
Sent from our Berlin office by DHL, tracking 12345
Enviado ayer por la mañana, todavía nada.
Envoyé hier soir, toujours rien.
Von Ihnen wurde noch nichts gesendet
Poslano iz Zagreba u ponedjeljak
`
for (const line of SENTENCES.trim().split('\n')) {
  test(`a sentence: ${line}`, () => {
    assert.is(extractReply({ text: `Hello\n\n${line}\n`, html: null }).signature, '')
  })
}

test.run()
