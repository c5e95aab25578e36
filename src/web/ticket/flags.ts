/** What is odd about a comment's mail, in words for its head; an unknown flag says its own name. */
import { html } from 'hono/html'
import type { Html } from '../page.ts'

/** Marks for the comment's head. */
export const flagMarks = (flags: string[]): Html =>
  html`${flags.map((flag) => {
    const [words, tone] = FLAGS[flag] ?? [flag.replaceAll('_', ' '), '']
    return html`<span class="mark${tone && html` ${tone}`}">${words}</span>`
  })}`

/** A sentence below the head, for what a mark is too short for. */
export const flagNotes = (flags: string[]): Html =>
  html`${flags.map((flag) => NOTES[flag] && html`<p class="flag-note">${NOTES[flag]}</p>`)}`

const FLAGS: Record<string, [words: string, tone: '' | 'host' | 'danger']> = {
  encrypted: ['Encrypted', 'host'],
  signature_not_verified: ['Signature not verified', ''],
  smime_unreadable: ['S/MIME not readable', 'host'],
  tnef_unreadable: ['winmail.dat not readable', 'host'],
  truncated: ['Cut', 'host'],
  unparsable: ['Could not be read', 'danger'],
  oversize: ['Too large', ''],
  perhaps_automatic: ['Perhaps automatic', ''],
  spam_flagged: ['Marked as spam by the mail server', 'host'],
  unverified_sender: ['Sender not proven', 'danger'],
  on_behalf: ['Forwarded by an agent, sender not proven', ''],
  set_requester: ['Forwarded: set the requester?', 'host'],
  sent_outside: ['Sent without the desk', ''],
  side_question: ['Asked outside', ''],
  side_answer: ['Answer to a side question', ''],
}

const NOTES: Record<string, string> = {
  encrypted: 'This mail is encrypted and cannot be read here. The original is attached as it came.',
  truncated:
    'This mail is larger or more deeply nested than is shown here: something of it was left out. The raw mail holds all of it.',
  smime_unreadable: 'The S/MIME part of this mail could not be opened. It is attached as it came.',
  tnef_unreadable: 'winmail.dat could not be read to its end. It is attached as it came.',
}
