/**
 * The kind of a mail, once what the bytes show (mail/classify) meets what the desk remembers (4a). Pure. Who may be
 * answered is not decided here, only who may not (`noAck`).
 */
import type { Classification, MailKind, Signal } from '../incoming.ts'

/** Facts that take a look into the database. */
export type KindMemory = {
  /** Its Message-ID is in our outbox (4a.21 a). */
  ownMessageId: boolean
  /** One of its X-Postroom-Loop values is this installation's id (4a.21 b). */
  ownLoop: boolean
  /** From is an inbox address of ours (4a.21 c). */
  fromOwnInbox: boolean
  /** One of its list ids is a list in front of one of our inboxes (4a.20). */
  ownList: boolean
  /** In-Reply-To or References name a mail of ours. */
  referencesOurs: boolean
  /** It came within 10 minutes after a mail of ours to that address (4a.16). */
  recentlyMailed: boolean
}

/** First match wins (4a). */
const ORDER: MailKind[] = ['empty', 'own', 'dsn', 'arf', 'mdn', 'autoreply', 'calendar_reply', 'autogen', 'list']

/** The final kind; signals that memory adds or removes are added or removed, so that "why?" stays answered. */
export function settleKind(found: Classification, memory: KindMemory): Classification {
  const signals = memory.ownList ? found.signals.filter((signal) => signal.says !== 'list') : [...found.signals]
  if (memory.ownList) signals.push(hint('4a.20', 'came through a list of our own: its list headers do not count'))
  if (memory.ownMessageId) signals.push({ rule: '4a.21', says: 'own', words: 'its Message-ID is one of ours' })
  if (memory.ownLoop) signals.push({ rule: '4a.21', says: 'own', words: 'it carries the loop mark of this desk' })
  if (memory.fromOwnInbox) signals.push({ rule: '4a.21', says: 'no_ack', words: 'From is an inbox address of ours' })
  const second = memory.referencesOurs
    ? 'it answers a mail of ours'
    : memory.recentlyMailed && 'it came within 10 minutes after a mail of ours'
  if (found.vacationSubject && second) {
    signals.push({ rule: '4a.16', says: 'autoreply', words: `a vacation subject, and ${second}` })
  }
  if (found.autoSubmitted !== null && memory.referencesOurs) {
    signals.push({
      rule: '4a.12',
      says: 'autoreply',
      words: `Auto-Submitted: ${found.autoSubmitted}, and it answers a mail of ours`,
    })
  }
  const kind = kindOf(signals)
  return { ...found, kind, signals, noAck: kind !== 'human' || signals.some((signal) => signal.says === 'no_ack') }
}

/** The first kind in the order of 4a that a signal speaks for. */
export function kindOf(signals: Signal[]): MailKind {
  return ORDER.find((kind) => signals.some((signal) => signal.says === kind)) ?? 'human'
}

const hint = (rule: string, words: string): Signal => ({ rule, says: 'hint', words })
