/** An explanation as people read it. Control characters of a mail never reach the terminal. */
import type { Explained } from './object.ts'

/** A few lines a mail, each `what  words`; what the mail does not have is left out. */
export function explainedText(one: Explained): string {
  const rows: [string, string][] = [
    ['from', person(one.from)],
    ['subject', one.subject],
    ['author', authorWords(one)],
    ['sender', authWords(one)],
    ['kind', one.error ? '' : `${one.kind}${one.no_ack ? ', not answered automatically' : ''}`],
    ...one.signals.map((signal): [string, string] => ['', `${signal.rule} ${signal.says}: ${signal.words}`]),
    ...one.dsn.map((line): [string, string] => [
      'report',
      `${line.recipient ?? 'somebody'}: ${[line.outcome, line.status, line.diagnostic].filter(Boolean).join(', ')}${line.message === null ? '' : ` (outgoing mail ${line.message})`}`,
    ]),
    ['held', one.held ? `${one.held.reason}: ${one.held.words}` : ''],
    [
      'thread',
      one.thread.ticket === null ? '' : `#${one.thread.ticket} by ${one.thread.by ?? 'a rule, or for want of calm'}`,
    ],
    ...one.thread.refused.map((claim): [string, string] => [
      'refused',
      `#${claim.ticket} by ${claim.by}: ${claim.why}`,
    ]),
    ['route', routeWords(one)],
    ...one.route.trace.map((step): [string, string] => [
      '',
      `rule ${step.rule}: ${step.matched ? 'matched' : 'no'}${step.why.length ? ` (${step.why.join('; ')})` : ''}`,
    ]),
    ['answer', one.sla.first_response_due ? `due ${one.sla.first_response_due}` : ''],
    ['solution', one.sla.resolution_due ? `due ${one.sla.resolution_due}` : ''],
    ...one.sla.how.map((words): [string, string] => ['', words]),
    ['forward', one.forwarded ? `of ${person(one.forwarded.from)}: ${one.forwarded.subject}` : ''],
    ['files', one.attachments.map((file) => `${file.filename} (${file.type}, ${file.size} bytes)`).join(', ')],
    ['cut', one.truncated.join(', ')],
    ['error', one.error ? `${one.error.code}: ${one.error.words}` : ''],
    ['plan', one.state ? `${one.state}: ${one.plan.map(stepWords).join(', ')}` : ''],
    ...one.reasons.map((reason, n): [string, string] => [n === 0 ? 'why' : '', `${reason.words} (${reason.code})`]),
  ]
  const lines = rows.filter(([, words]) => words !== '').map(([what, words]) => `  ${what.padEnd(9)} ${plain(words)}`)
  return [`${plain(one.file)}${one.bytes === null ? '' : ` (${one.bytes} bytes)`}`, ...lines].join('\n')
}

const person = (one: { name: string; address: string } | null): string =>
  one === null ? 'nobody' : one.name ? `${one.name} <${one.address}>` : one.address

function authorWords({ author }: Explained): string {
  if (author.address === null) return author.role
  return `${author.role} ${author.address}, ${author.organization ?? 'no organization'}`
}

function authWords({ auth, error }: Explained): string {
  if (error) return ''
  const why = auth.reasons.map((reason) => reason.words).join('; ')
  return `${auth.verdict} (spf ${auth.spf}, dkim ${auth.dkim}, dmarc ${auth.dmarc})${why ? `: ${why}` : ''}`
}

function routeWords({ route }: Explained): string {
  if (route.project === null) return ''
  const words = [route.project, route.team ?? 'no team', route.assignee, route.priority, route.type, ...route.tags]
  return `${words.filter(Boolean).join(', ')}, by ${route.rule === null ? 'the inbox' : `rule ${route.rule}`}`
}

function stepWords(step: Explained['plan'][number]): string {
  const { action, ...rest } = step
  const shown = Object.entries(rest).filter(([, value]) => value !== null && value !== false)
  const words = shown.map(([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return words.length ? `${action} (${words.join(', ')})` : action
}

const plain = (text: string): string => text.replace(/\p{Cc}|\p{Cf}/gu, ' ')
