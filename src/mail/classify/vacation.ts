/** Subjects of vacation notices in the languages of 4a.17. A subject alone proves nothing (4a.16). */
import { answeredSubject } from '../parse/subject.ts'

/** One line a language or group; ` · ` between prefixes. */
export const VACATION_PREFIXES: string[] = [
  'Automatic reply · Auto-reply · Autoreply · Auto reply · Auto Response · Auto-Response · Out of Office · Vacation',
  'Out of Office AutoReply · Out of Office reply · Out of the office · Away from my mail · Autoresponse · Autoresponder',
  'Automatische Antwort · Abwesenheitsnotiz · Abwesend · Automatische Abwesenheitsnotiz · Abwesenheitsmeldung',
  'Abwesenheitsbenachrichtigung · Automatische Rückmeldung · Autoantwort',
  "Réponse automatique · Absence du bureau · Message d'absence · Message d’absence · Absent du bureau",
  "Notification d'absence · Notification d’absence · Réponse automatique d'absence du bureau",
  'Respuesta automática · Fuera de la oficina · Fuera de oficina · Respuesta automática de fuera de oficina',
  'Risposta automatica · Fuori sede · Fuori ufficio · Risposta automatica fuori sede',
  'Resposta automática · Fora do escritório · Ausência · Resposta automática de ausência · Ausência temporária',
  'Automatisch antwoord · Afwezig · Afwezigheidsmelding · Afwezigheidsbericht · Automatische reactie',
  'Automatiskt svar · Autosvar · Frånvaro · Frånvaromeddelande',
  'Automatisk svar · Fravær · Fraværsmelding · Automatisk besvarelse · Ikke til stede',
  'Automaattinen vastaus · Poissaoloviesti · Automaattivastaus · Poissaoloilmoitus',
  'Automatyczna odpowiedź · Odpowiedź automatyczna · Autoodpowiedź · Nieobecność w biurze · Poza biurem',
  'Automatická odpověď · Mimo kancelář · Automatická odpověď v nepřítomnosti',
  'Automatická odpoveď · Mimo kancelárie',
  'Automatikus válasz · Házon kívül · Automatikus válaszüzenet',
  'Răspuns automat · În afara biroului',
  'Автоматический ответ · Автоответ · Автоответчик · Нет на месте · Вне офиса',
  'Автоматична відповідь · Автовідповідь',
  'Автоматичен отговор',
  'Otomatik yanıt · Ofis dışında · Otomatik cevap',
  'Αυτόματη απάντηση · Εκτός γραφείου',
  'תשובה אוטומטית · מענה אוטומטי',
  'رد تلقائي · الرد التلقائي',
  '自动答复 · 自动回复',
  '自動回覆 · 自動答覆',
  '自動応答 · 自動返信 · 不在通知',
  '자동 회신 · 자동 응답 · 자동응답 · 부재 중',
  'Automaatvastus',
  'Automātiskā atbilde',
  'Automatinis atsakymas',
  'Automatski odgovor',
  'Samodejni odgovor',
  'Thư trả lời tự động · Trả lời tự động',
  'Resposta automàtica · Balasan otomatis',
].flatMap((line) => line.split(' · '))

const folded = VACATION_PREFIXES.map(fold)

/** The prefix is the whole subject, or is followed by a colon or a dash; reply prefixes and `[tags]` may precede it. */
export function isVacationSubject(subject: string): boolean {
  const text = fold(answeredSubject(subject.slice(0, 500)))
  return folded.some((prefix) => text.startsWith(prefix) && /^(?:$|\s?[:：]|\s[-–—])/u.test(text.slice(prefix.length)))
}

/** Case, accents (people set up their own without them) and the dotless i of Turkish make no difference. */
function fold(text: string): string {
  const plain = /[^\0-\x7f]/.test(text) ? text.normalize('NFD').replace(/\p{M}/gu, '') : text
  return plain.toLowerCase().replace(/ı/g, 'i').replace(/\p{M}/gu, '').trim()
}
