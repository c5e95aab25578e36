/** An explanation as data: the object of `explain --json`. A field may be added, never renamed or removed. */
import { howText } from '../../engine/due-words.ts'
import type { Plan } from '../../engine/receive.ts'
import { reasonText } from '../../engine/rules/conditions.ts'
import type { MailAddress, ParseError } from '../../incoming.ts'
import type { Explanation } from '../../mail/explain.ts'
import { joinRanges, type RangeKind } from '../../ranges.ts'
import { seconds } from '../../time.ts'

type File = { filename: string; type: string; size: number; inline: boolean; sha256: string }
type Step = Plan['actions'][number]

export type Explained = {
  file: string
  bytes: number | null
  sha256: string | null
  kind: string | null
  no_ack: boolean
  held: Plan['held']
  from: MailAddress | null
  sender: MailAddress | null
  reply_to: MailAddress[]
  to: MailAddress[]
  cc: MailAddress[]
  subject: string
  base_subject: string
  date: string | null
  message_id: string | null
  in_reply_to: string[]
  references: string[]
  text: string
  visible: string
  quoted: string
  signature: string
  html: string | null
  attachments: File[]
  forwarded: { from: MailAddress | null; subject: string; date: string | null; text: string } | null
  dsn: Plan['dsn']
  auth: Plan['auth']
  author: Plan['author']
  commands: Plan['commands']
  thread: Plan['thread']
  route: {
    project: string | null
    team: string | null
    assignee: string | null
    priority: string | null
    type: string | null
    tags: string[]
    rule: string | null
    trace: { rule: string; matched: boolean; why: string[] }[]
  }
  sla: { policy: string | null; first_response_due: string | null; resolution_due: string | null; how: string[] }
  plan: Step[]
  reasons: Plan['reasons']
  truncated: string[]
  error: ParseError | null
  /** Beyond the promised fields: the state the mail would end in, when it counts as received, and each signal. */
  state: string | null
  received_at: string | null
  signals: Plan['signals']
}

/** All fields, always: what a mail does not have is null, empty or []. */
export function explained(file: string, { read, plan, receivedAt, forward }: Explanation): Explained {
  const { mail } = read
  const whole = mail.error === null ? mail : null
  const part = (kind: RangeKind) => (whole ? joinRanges(whole.text, whole.ranges, kind) : '')
  return {
    file,
    bytes: mail.bytes,
    sha256: mail.sha256,
    kind: plan.kind,
    no_ack: plan.noAck,
    held: plan.held,
    from: mail.from,
    sender: whole?.sender ?? null,
    reply_to: whole?.replyTo ?? [],
    to: whole?.to ?? [],
    cc: whole?.cc ?? [],
    subject: mail.subject,
    base_subject: whole?.baseSubject ?? '',
    date: mail.date,
    message_id: mail.messageId,
    in_reply_to: whole?.inReplyTo ?? [],
    references: whole?.references ?? [],
    text: whole?.text ?? '',
    visible: part('visible'),
    quoted: part('quoted'),
    signature: part('signature'),
    html: whole?.html ?? null,
    attachments: (whole?.parts ?? []).map(({ filename, type, size, inline, sha256 }) => {
      return { filename, type, size, inline, sha256 }
    }),
    forwarded: forward && { from: forward.from, subject: forward.subject, date: forward.date, text: forward.text },
    dsn: plan.dsn,
    auth: plan.auth,
    author: plan.author,
    commands: plan.commands,
    thread: plan.thread,
    route: routeOf(plan),
    sla: slaOf(plan, receivedAt),
    plan: plan.actions,
    reasons: plan.reasons,
    truncated: whole?.truncated ?? [],
    error: mail.error,
    state: plan.state,
    received_at: receivedAt.toISOString(),
    signals: plan.signals,
  }
}

/** What can be said of a mail that could not even be read. */
export const unexplained = (file: string, error: ParseError): Explained => ({
  file,
  bytes: null,
  sha256: null,
  kind: null,
  no_ack: true,
  held: null,
  from: null,
  sender: null,
  reply_to: [],
  to: [],
  cc: [],
  subject: '',
  base_subject: '',
  date: null,
  message_id: null,
  in_reply_to: [],
  references: [],
  text: '',
  visible: '',
  quoted: '',
  signature: '',
  html: null,
  attachments: [],
  forwarded: null,
  dsn: [],
  auth: { verdict: 'none', spf: 'unchecked', dkim: 'none', dmarc: 'none', reasons: [] },
  author: { role: 'unknown', address: null, name: '', organization: null },
  commands: [],
  thread: { ticket: null, by: null, refused: [] },
  route: NO_ROUTE,
  sla: NO_SLA,
  plan: [],
  reasons: [],
  truncated: [],
  error,
  state: null,
  received_at: null,
  signals: [],
})

const NO_ROUTE: Explained['route'] = {
  project: null,
  team: null,
  assignee: null,
  priority: null,
  type: null,
  tags: [],
  rule: null,
  trace: [],
}
const NO_SLA: Explained['sla'] = { policy: null, first_response_due: null, resolution_due: null, how: [] }

function routeOf({ route }: Plan): Explained['route'] {
  if (!route) return NO_ROUTE
  const { project, team, assignee, priority, type, tags, rule, trace } = route
  const steps = trace.map((step) => ({ ...step, why: step.why.map(reasonText) }))
  return { project, team, assignee, priority, type, tags, rule, trace: steps }
}

function slaOf({ sla }: Plan, receivedAt: Date): Explained['sla'] {
  if (!sla) return NO_SLA
  const { policy, calendar, why } = sla.selection
  const due = (metric: string) => sla.clocks.find((clock) => clock.metric === metric)?.due?.toISOString() ?? null
  const how = [policy ? `policy ${policy.key}, by ${why}` : why]
  for (const clock of sla.clocks) {
    const words = calendar && {
      calendar: calendar.calendar,
      targetSeconds: clock.target,
      locale: 'en',
      ...(clock.due && { from: seconds(receivedAt), due: seconds(clock.due) }),
    }
    if (words)
      how.push(
        `${clock.metric.replaceAll('_', ' ')}: ${howText(words)}${clock.due ? '' : clock.state === 'paused' ? ': stands still' : ': never reached'}`,
      )
  }
  return {
    policy: policy?.key ?? null,
    first_response_due: due('first_response'),
    resolution_due: due('resolution'),
    how,
  }
}
