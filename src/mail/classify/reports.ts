/** Reports of machines about mail: bounces, receipts, complaints, answers to invitations (4a.1, 4a.2, 4a.10, 4a.11, 4.20). */
import type { IncomingMail, Signal } from '../../incoming.ts'
import type { HeaderLookup } from './headers.ts'

const REPORTS = [
  { says: 'dsn', rule: '4a.1', reportType: 'delivery-status', part: /^message\/(?:global-)?delivery-status$/ },
  {
    says: 'mdn',
    rule: '4a.11',
    reportType: 'disposition-notification',
    part: /^message\/(?:global-)?disposition-notification$/,
  },
  { says: 'arf', rule: '4a.10', reportType: 'feedback-report', part: /^message\/feedback-report$/ },
] as const

/** How deep a report's own part may lie: deeper it is somebody's attachment. */
const DEPTH = 3

/** First words of bounces that are no multipart/report: qmail, Exim, Exchange, old Postfix and sendmail. */
const BOUNCE_TEXTS = [
  'this is the qmail-send program at',
  'this message was created automatically by mail delivery software',
  'delivery has failed to these recipients or groups',
  'your message did not reach some or all of the intended recipients',
  'did not reach the following recipient',
  'the following recipient(s) could not be reached',
  'the following recipients could not be reached',
  'this is the mail system at host',
  'the following addresses had permanent fatal errors',
  'the following addresses had transient non-fatal errors',
  'a message that you sent could not be delivered',
]

/** Signals of reports. The text patterns count only together with a bounce's sender (4a.1). */
export function reportSignals(mail: IncomingMail, headers: HeaderLookup, nullSender: boolean): Signal[] {
  const signals: Signal[] = []
  for (const { says, rule, reportType, part } of REPORTS) {
    if (mail.reportType === reportType) signals.push({ rule, says, words: `a report of type ${reportType}` })
    else if (mail.structure.some((node) => node.depth <= DEPTH && part.test(node.type))) {
      signals.push({ rule, says, words: `has a part of type message/${reportType}` })
    }
  }
  if (signals.length === 0 && (nullSender || isDaemon(mail))) signals.push(...bounceTextSignals(mail, headers))
  if (mail.calendarMethod === 'reply') {
    signals.push({ rule: '4.20', says: 'calendar_reply', words: 'an answer to an invitation' })
  }
  return signals
}

const isDaemon = (mail: IncomingMail) => /^(?:mailer-daemon|postmaster)@/i.test(mail.from?.address ?? '')

function bounceTextSignals(mail: IncomingMail, headers: HeaderLookup): Signal[] {
  if (headers.has('x-failed-recipients')) {
    return [{ rule: '4a.1', says: 'dsn', words: 'X-Failed-Recipients from a bounce sender' }]
  }
  const start = mail.text.slice(0, 4000).toLowerCase().replace(/\s+/g, ' ')
  const found = BOUNCE_TEXTS.find((text) => start.includes(text))
  return found ? [{ rule: '4a.1', says: 'dsn', words: `"${found}" from a bounce sender` }] : []
}
