/**
 * What kind of mail the bytes show (4a), with every reason. Pure; knows nothing of our outbox, lists and addresses:
 * those are memory, and engine/kind.ts adds them. No signal here rests on a body text alone but the DSN patterns.
 */
import { kindOf } from '../engine/kind.ts'
import type { Classification, IncomingMail, Signal } from '../incoming.ts'
import { automaticSignals, autoSubmittedToken, isWeakAutoreply } from './classify/automatic.ts'
import { type HeaderLookup, headersOf } from './classify/headers.ts'
import { listIdsOf, listSignals } from './classify/lists.ts'
import { reportSignals } from './classify/reports.ts'
import { isVacationSubject } from './classify/vacation.ts'

/** What the wire said. `from` null: unknown (IMAP), and then Return-Path counts. */
export type EnvelopeFacts = { from: string | null; nullSender: boolean }

const LOOP_HEADER = 'x-postroom-loop'
const NO_REPLY = /^(?:no|do-?not|ne)[-_.]?reply|mailer-daemon|bounce/
const MACHINE_BOXES = new Set(['mailer-daemon', 'postmaster', 'listserv', 'majordomo', 'autoresponder', 'daemon'])

/** All signals of the bytes and the kind they give so far; `settleKind` makes it final. */
export function classify(mail: IncomingMail, envelope: EnvelopeFacts): Classification {
  const headers = headersOf(mail.headers)
  const nullSender =
    envelope.nullSender || envelope.from === '' || (envelope.from === null && hasNullReturnPath(headers))
  const autoSubmitted = autoSubmittedToken(headers)
  const vacationSubject = isVacationSubject(mail.subject)
  const weakAutoreply = isWeakAutoreply(headers)
  const signals: Signal[] = [
    ...(mail.blank ? [{ rule: '4.26', says: 'empty' as const, words: 'nothing but white space' }] : []),
    ...reportSignals(mail, headers, nullSender),
    ...automaticSignals({ headers, autoSubmitted, vacationSubject, weakAutoreply, nullSender }),
    ...listSignals(headers),
    ...silenceSignals(mail, nullSender),
  ]
  const kind = kindOf(signals)
  return {
    kind,
    noAck: kind !== 'human' || signals.some((signal) => signal.says === 'no_ack'),
    signals,
    autoSubmitted,
    vacationSubject,
    weakAutoreply,
    nullSender,
    loopIds: headers
      .all(LOOP_HEADER)
      .slice(0, 10)
      .map((value) => value.trim().slice(0, 200)),
    listIds: listIdsOf(headers),
  }
}

/** Senders that are never answered, whatever the mail is (4a.2, 4a.26, 4.8). */
function silenceSignals(mail: IncomingMail, nullSender: boolean): Signal[] {
  const signals: Signal[] = []
  const silent = (rule: string, words: string) => signals.push({ rule, says: 'no_ack', words })
  if (nullSender) silent('4a.2', 'sent by the null sender')
  if (mail.from === null) silent('4.8', 'no sender that could be answered')
  const local = mail.from?.address.slice(0, mail.from.address.lastIndexOf('@')).toLowerCase() ?? ''
  if (MACHINE_BOXES.has(local)) silent('4a.2', `From is the machine's box ${local}@`)
  else if (NO_REPLY.test(local)) silent('4a.26', 'From asks for no reply')
  return signals
}

const hasNullReturnPath = (headers: HeaderLookup) => /^<\s*>$/.test(headers.first('return-path')?.trim() ?? '')
