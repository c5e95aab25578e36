/**
 * How mail programs introduce what they quote (7.7): the words an attribution begins and ends with, by language. Every
 * pattern is anchored and bounded; they see one joined line of at most limits.replyText.attribution characters.
 */

/** Who wrote: what stands before the final colon. Where the name follows the verb, up to 200 characters of it. */
const NAME = ' (.{1,200})'
const ENDS: [languages: string, ...patterns: string[]][] = [
  ['en', 'wrote', 'writes', `wrote on${NAME}`, `Quoting${NAME}`], // the last is Horde's, as further below
  ['de', `Zitat von${NAME}`, `schrieb(?:${NAME})?`, `hat${NAME} geschrieben`, 'geschrieben'],
  ['fr', 'a écrit', `a écrit${NAME}`, 'écrivait'],
  ['es', 'escribió', 'escribio', `escribió${NAME}`],
  ['es it pt', `Citando${NAME}`],
  ['it', 'ha scritto', `ha scritto${NAME}`],
  ['pt', 'escreveu', `escreveu${NAME}`],
  ['nl', `schreef(?:${NAME})?`, 'het volgende geschreven'],
  ['sv da no', `skrev(?:${NAME})?`, 'skrev følgende', 'följande'],
  ['fi', 'kirjoitti', `kirjoitti${NAME}`],
  ['et lv lt', `kirjutas(?:${NAME})?`, 'rakstīja', 'rašė'],
  [
    'pl',
    'napisał',
    'napisała',
    'napisał\\(a\\)',
    'napisał/a',
    'pisze',
    `napisana przez${NAME}`,
    `napisał(?:a|\\(a\\))?${NAME}`,
  ],
  ['cs', 'napsal', 'napsala', 'napsal\\(a\\)', `napsala?${NAME}`],
  ['sk', 'napísal', 'napísala', 'napísal\\(a\\)', `napísala?${NAME}`],
  [
    'sl hr sr',
    'je napisao',
    'je napisala',
    'je napisal',
    'je pisao',
    'napisao je',
    'napisala je',
    'napisala',
    'napisal',
  ],
  ['sr', 'је написао', 'је написала', 'је написао/ла'],
  ['hu', 'ezt írta', 'írta', `írta${NAME}`],
  ['ro', 'a scris', `a scris${NAME}`],
  ['ru', 'написал', 'написала', 'написал\\(а\\)', 'писал', 'писал\\(а\\)', 'пишет', `написал(?:а)?${NAME}`],
  ['uk', 'пише', 'написав', 'написала', 'написав\\(ла\\)', 'писав', `пише${NAME}`],
  ['bg', 'написа', `написа${NAME}`],
  ['tr', 'yazdı', `şun(?:u|ları) yazdı${NAME}`],
  ['el', 'έγραψε', `έγραψε${NAME}`],
  ['he', `מאת${NAME}`, 'כתב', 'כתבה', `כתב(?:/ה|ה)?${NAME}`],
  ['ar', 'كتب', 'كتبت', `كتبت?${NAME}`, `كتابة ما يلي بواسطة${NAME}`],
  ['zh', '写道', '寫道', '写', '撰写', '撰寫', '编写'],
  ['ja', 'さんは書きました', '書きました', 'のメール', 'のメッセージ', 'が書いたメール'],
  ['ko', '이\\(가\\) 쓴 글', '님이 작성', '님이 씀', '작성', '썼습니다', '님이 쓴 글'],
  ['vi', 'đã viết', 'viết', `đã viết${NAME}`],
  ['id ca', 'menulis', 'va escriure', `Missatge de${NAME}`],
  ['fa', 'نوشت', 'نوشته است'],
  ['hi', 'ने लिखा'],
  ['th', 'เขียนว่า'],
]

/** Scripts that set no blank before the verb. */
const JOINED = new Set(['zh', 'ja', 'ko', 'th'])

/** "wrote ----" closes the line of Android's and Zoho's "---- X wrote ----". */
const CLOSE = '\\s{0,3}(?:[:：]|:?\\s?-{2,20})$'
const SPACED_END = new RegExp(`(?:^|[\\s>"”»)\\]])(?:${patternsOf('spaced').join('|')})${CLOSE}`, 'iu')
const JOINED_END = new RegExp(`(?:${patternsOf('joined').join('|')})${CLOSE}`, 'u')

function patternsOf(script: 'spaced' | 'joined'): string[] {
  return ENDS.flatMap(([language, ...patterns]) => (JOINED.has(language) === (script === 'joined') ? patterns : []))
}

/** `<a@b>:` after a date needs no verb: Yandex, mail.ru, Gmail in many locales. */
const ADDRESS_END = /<\s?[^\s<>@]{1,100}@[^\s<>@]{1,200}\s?>\s{0,2}(?:sent\s?)?[:：]$/u
/** Without a colon, or (Tutanota) without brackets: needs the quote below it. */
const BARE_ADDRESS_END = /(?:<\s?[^\s<>@]{1,100}@[^\s<>@]{1,200}\s?>|\s[^\s<>@]{1,100}@[^\s<>@:]{1,200}[:：])$/u

const LEAD = new RegExp(
  `^(?:-{2,20} ?)?(?:${[
    'On|At|Am|Um|Le|El|Il|Em|Op|Den|På|W dniu|Dnia|Dne|Dňa|Dana|În|In data|Il giorno|În data|Vào|Στις|Την|На|В|Во|У|Am Tag|No dia|Pada|Kuupäeval|Va',
  ].join(
    '|',
  )})(?=[\\s,:]).{0,40}?\\d|^(?:בתאריך|ב-|في|بتاريخ|在|於|于)\\s?.{0,40}?\\d|^(?:On|Am|Le|El|Il|Op|Den) \\p{L}{2,12}[.,]? `,
  'u',
)

const DAY = '\\p{L}{2,14}(?:\\.,?|,)'
const MONTH = '\\p{L}{3,14}\\.?'
const DATE_START = new RegExp(
  `^(?:-{2,20} ?)?(?:${[
    '\\d{4} ?[-./年년] ?\\d{1,2}', // 2026-09-23, 2026/9/23, 2026年9月, 2026년 9월
    '\\d{1,2}[-./]\\s?\\d{1,2}[-./]\\s?\\d{2,4}', // 23.09.2026, 9/23/26
    `\\d{1,2}:\\d{2}, \\d{1,2}[. ]`, // 10:00, 23 сентября 2026 г.: Yandex on phones
    `${DAY} \\d{1,2}[.,]? ${MONTH}`, // Среда, 23 сентября; Thu, 26 Jun
    `\\p{L}{2,3} \\d{1,2}\\. ?(?:\\p{L}|\\d)`, // ke 23. syysk.; st 23. 9.
    `${DAY} ${MONTH},? \\d{1,2}`, // Thu, Jun 26
    `${MONTH} \\d{1,2}, \\d{4}`, // Sep 23, 2026
    `\\d{1,2}\\.? (?:de )?${MONTH} (?:de )?\\d{4}`, // 23 septembre 2026
  ].join('|')})`,
  'u',
)

const DATE = /(?:19|20)\d\d(?!\d)|(?<!\d)\d{1,2}[:.h]\d{2}(?!\d)|(?<!\d)\d{1,2}[-./]\d{1,2}[-./]\d{2,4}(?!\d)/u
const ADDRESS = /[^\s<>@"]{1,100}@[^\s<>@"]{1,200}/u

/** Begins as attributions begin: with a lead word and a number, or with a date. */
export function beginsAttribution(text: string): boolean {
  return LEAD.test(text) || DATE_START.test(text)
}

/** May be the last line of one. Cheap: most lines end otherwise. */
export function mayEndAttribution(text: string): boolean {
  return /(?:[:：>]|-{2,20})$/.test(text)
}

export type AttributionEnd = 'verb' | 'address' | 'bare_address'

/** How the joined text ends as an attribution, or null. */
export function attributionEnd(joined: string): AttributionEnd | null {
  const spaced = SPACED_END.exec(joined)
  if (spaced ? isName(spaced.slice(1).find(Boolean) ?? '') : JOINED_END.test(joined)) return 'verb'
  if (ADDRESS_END.test(joined)) return 'address'
  return BARE_ADDRESS_END.test(joined) ? 'bare_address' : null
}

/** 7.4 (c): an attribution confirms a cut by itself only with one of these in it. */
export function hasDateOrAddress(text: string): boolean {
  return DATE.test(text) || ADDRESS.test(text)
}

export function hasDate(text: string): boolean {
  return DATE.test(text)
}

export function hasClock(text: string): boolean {
  return /(?<!\d)\d{1,2}[:.h]\d{2}(?!\d)/u.test(text)
}

/**
 * "Am 3.5. schrieb ich Ihnen, dass Folgendes fehlt:" is a sentence: where words stand beside the verb, they are an
 * address, a date or a name, and a name has capitals where the script has them.
 */
function isName(text: string): boolean {
  if (text === '' || text.startsWith('(') || hasDateOrAddress(text)) return true
  const words = text.split(/\s+/)
  return words.length <= 7 && words.every((word) => !/^\p{Ll}/u.test(word) || PARTICLES.has(word))
}

const PARTICLES = new Set(
  'von van de der den del da di do du la le el al bin ibn zu zur und and e y et for via im am at of'.split(' '),
)
