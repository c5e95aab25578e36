/** Subjects of vacation notices in the languages of 4a.17. A subject alone proves nothing (4a.16). */
import { answeredSubject } from '../parse/subject.ts'

/** One line a language or group; ` · ` between prefixes. */
export const VACATION_PREFIXES: string[] = [
  'Automatic reply · Auto-reply · Autoreply · Auto reply · Auto Response · Auto-Response · Out of Office · Vacation',
  'Automatische Antwort · Abwesenheitsnotiz · Abwesend',
  "Réponse automatique · Absence du bureau · Message d'absence · Message d’absence",
  'Respuesta automática · Fuera de la oficina',
  'Risposta automatica · Fuori sede',
  'Resposta automática · Fora do escritório · Ausência',
  'Automatisch antwoord · Afwezig · Afwezigheidsmelding',
  'Automatiskt svar · Autosvar · Frånvaro',
  'Automatisk svar · Fravær · Fraværsmelding',
  'Automaattinen vastaus · Poissaoloviesti',
  'Automatyczna odpowiedź · Odpowiedź automatyczna · Autoodpowiedź',
  'Automatická odpověď · Mimo kancelář',
  'Automatická odpoveď',
  'Automatikus válasz · Házon kívül',
  'Răspuns automat',
  'Автоматический ответ · Автоответ',
  'Автоматична відповідь',
  'Автоматичен отговор',
  'Otomatik yanıt · Ofis dışında',
  'Αυτόματη απάντηση',
  'תשובה אוטומטית',
  'رد تلقائي',
  '自动答复 · 自动回复',
  '自動回覆',
  '自動応答 · 自動返信',
  '자동 회신',
  'Automaatvastus',
  'Automātiskā atbilde',
  'Automatinis atsakymas',
  'Automatski odgovor',
  'Samodejni odgovor',
].flatMap((line) => line.split(' · '))

const folded = VACATION_PREFIXES.map(fold)

/** The prefix is the whole subject, or is followed by a colon or a dash; reply prefixes and `[tags]` may precede it. */
export function isVacationSubject(subject: string): boolean {
  const text = fold(answeredSubject(subject.slice(0, 500)))
  return folded.some((prefix) => text.startsWith(prefix) && /^(?:$|\s?[:：]|\s[-–—])/u.test(text.slice(prefix.length)))
}

/** Case, composed or not, and the dotless i of Turkish make no difference. */
function fold(text: string): string {
  return text
    .normalize('NFC')
    .toLowerCase()
    .replace(/ı/g, 'i')
    .replace(/i\u0307/g, 'i')
    .trim()
}
