/** Reports of machines about mail: bounces, receipts, complaints, answers to invitations (4a.1, 4a.2, 4a.10, 4a.11, 4.20). */
import type { IncomingMail, Signal } from '../../incoming.ts'
import { bounceSender, bounceWords } from './bounce-words.ts'
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

/** Signals of reports. Words count only together with a bounce's sender (4a.1). */
export function reportSignals(mail: IncomingMail, headers: HeaderLookup, nullSender: boolean): Signal[] {
  const signals: Signal[] = []
  for (const { says, rule, reportType, part } of REPORTS) {
    if (mail.reportType === reportType) signals.push({ rule, says, words: `a report of type ${reportType}` })
    else if (mail.structure.some((node) => node.depth <= DEPTH && part.test(node.type))) {
      signals.push({ rule, says, words: `has a part of type message/${reportType}` })
    }
  }
  if (signals.length === 0) signals.push(...bounceSignals(mail, headers, nullSender))
  if (mail.calendarMethod === 'reply') {
    signals.push({ rule: '4.20', says: 'calendar_reply', words: 'an answer to an invitation' })
  }
  return signals
}

function bounceSignals(mail: IncomingMail, headers: HeaderLookup, nullSender: boolean): Signal[] {
  const address = mail.from?.address.toLowerCase() ?? ''
  const sender = bounceSender(address.slice(0, Math.max(0, address.lastIndexOf('@'))), nullSender)
  if (sender !== 'nobody' && headers.has('x-failed-recipients')) {
    return [{ rule: '4a.1', says: 'dsn', words: 'X-Failed-Recipients from a bounce sender' }]
  }
  const found = bounceWords(sender, mail)
  return found === null ? [] : [{ rule: '4a.1', says: 'dsn', words: `"${found}" from a bounce sender` }]
}
