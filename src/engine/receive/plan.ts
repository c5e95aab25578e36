/** A decision about one mail: pure data, the same for `explain`, for the trace that is stored, and for carrying out. */
import type { Auth, Confirmed, MailKind, Signal } from '../../incoming.ts'
import type { DeliveryReport, ReportAction, ReportCode } from '../bounces.ts'
import type { Audience } from '../commands/command.ts'
import type { GivenLine } from '../commands/grammar.ts'
import type { CommandRow, LineProblem } from '../commands.ts'
import type { SheetLine } from '../notify/sheet.ts'
import { reasonText } from '../rules/conditions.ts'
import type { Route } from '../rules.ts'
import type { Promised } from '../sla.ts'
import type { Status } from '../tables.ts'
import type { RefusedClaim, Signal as ThreadSignal } from '../thread.ts'

/** Closed list: each code has one meaning, and its words say the rest. */
export type ReasonCode =
  | 'new_ticket'
  | 'follow_up'
  | 'new_subject'
  | 'comment'
  | 'automatic_comment'
  | 'pending_person'
  | 'thanks'
  | 'also_refers'
  | 'auth_fail'
  | 'unverified_sender'
  | 'unknown_domain'
  | 'reply_to'
  | 'via_form'
  | 'via_list'
  | 'reopened'
  | 'unparsable'
  | 'oversize'
  | 'poison'
  | 'unknown_sender'
  | 'bad_token'
  | 'refused_claim'
  | 'id_collision'
  | 'own_copy'
  | 'duplicate'
  | 'empty'
  | 'calendar_answer'
  | 'perhaps_automatic'
  | 'not_answered_kind' // dsn, mdn, arf, calendar_reply
  | 'unthreaded_autoreply'
  | 'automatic_policy'
  | 'own_address'
  | 'agent_token'
  | 'side_answer'
  | 'blocked_sender'
  | 'agent'
  | 'agent_automatic'
  | 'challenge'
  | 'collision'
  | 'command_error'
  | 'commands'
  | 'confirmed'
  | 'note_leak'
  | 'on_behalf'
  | 'sent_outside'
  | 'set_requester'
  | 'statement'
  | 'unproven_commands'
  | 'spam_ticket'
  | 'rule'
  | 'spam'
  | 'spam_flagged'
  | 'storm'
  | 'reopen_guard'
  | 'reflex'
  | 'matter'
  | ReportCode
  | 'loop'
  | 'archive'
  | 'ack'
  | 'no_ack'
  | 'no_policy'

export type Reason = { code: ReasonCode; words: string }

export type Author = {
  role: 'contact' | 'agent' | 'unknown'
  address: string | null
  name: string
  organization: string | null
}

export type Action =
  | { action: 'create_ticket'; subject: string; requester: string | null; followUpOf: number | null }
  | { action: 'comment'; ticket: number; visibility: 'public' | 'internal'; automatic: boolean; reopens: boolean }
  | { action: 'status'; ticket: number; from: Status; to: Status; dropAssignee: boolean; why: string }
  | {
      action: 'people'
      ticket: number | null
      role: 'participant' | 'pending' | 'suggested'
      addresses: { address: string; name: string }[]
    }
  | { action: 'link'; other: number; kind: string }
  | { action: 'note'; text: string }
  | { action: 'acknowledge'; template: string; to: string; mayQuote: boolean }
  | { action: 'quieten'; kind: 'storm' | 'autoresponder'; address: string; words: string }
  | ReportAction
  | { action: 'count_bad_address'; client: string | null; sender: string | null; at: Date }
  /** What admins must see, once however often it happens. */
  | {
      action: 'notice'
      kind: 'empty_mail' | 'unreadable_mail' | 'bad_reply_addresses'
      subject?: string
      words: string
    }
  /** What an agent wrote by mail, as theirs (5.6). `shown`: the newest event that they had been told of. */
  | {
      action: 'agent'
      ticket: number | null
      audience: Audience
      agent: string
      shown: number | null
      text: string
      given: GivenLine[]
      mode: 'do' | 'dry'
      /** The answer to a timesheet: its lines, of which those that differ are corrections (C12). */
      sheet?: SheetLine[]
    }
  /** An answer that has left without the desk; `agent` null: out of the mailbox itself (2.17, 6.20). */
  | { action: 'outside'; ticket: number; agent: string | null; text: string }
  /** The ticket is of who wrote the forwarded mail; `text` is the agent's own, a note (7.13). */
  | { action: 'on_behalf'; agent: string; date: string | null; text: string }
  /** A mail that an agent is told of because it is held; once in ten minutes for one reason. */
  | {
      action: 'ask_agent'
      kind: 'challenge' | 'send' | 'notice'
      why: ReasonCode
      agent: string
      ticket: number | null
      /** What is wrong with its commands. */
      problems?: LineProblem[]
    }
  /** Agents of the ticket are told that it waits there; `told`: who is told of it in a mail of its own. */
  | { action: 'knock'; ticket: number; told: string | null }
  /** What a customer answers to the mail of a statement that it names; `revision`: which one (C11). */
  | {
      action: 'statement'
      does: 'approve' | 'dispute'
      statement: number
      revision: number
      ticket: number
      text: string
    }
  /** Whose mail it is hears that nothing was sent, and how to go on; `to` is an address that the desk knows. */
  | { action: 'tell_sender'; to: string; role: 'agent' | 'contact'; ticket: number | null }
  /** A customer's own commands, beside what their mail is (9.8). */
  | { action: 'commands'; ticket: number | null; given: GivenLine[]; text: string }
  /** An agent says that a held mail is theirs, or is to be sent as it is. */
  | { action: 'release'; question: number; mail: number; ticket: number | null; confirmed: Confirmed }
  | { action: 'hold' }
  | { action: 'record' }
  | { action: 'quarantine' }

export type Plan = {
  kind: MailKind | null
  noAck: boolean
  state: 'ticketed' | 'commented' | 'recorded' | 'held' | 'quarantined'
  held: { reason: string; words: string } | null
  auth: Auth
  author: Author
  inbox: string
  /** Keys of our other inboxes that the mail also went to (3.6). */
  alsoTo: string[]
  locale: string
  zone: string
  thread: { ticket: number | null; by: ThreadSignal | null; refused: RefusedClaim[] }
  route: Route | null
  sla: Promised | null
  /** What a delivery report says (4a.6). */
  dsn: DeliveryReport[]
  signals: Signal[]
  /** The commands that the mail carries (COMMANDS E2). */
  commands: CommandRow[]
  actions: Action[]
  reasons: Reason[]
}

/** The action of one kind in a plan, if it is there. */
export const find = <K extends Action['action']>(plan: Plan, kind: K): Extract<Action, { action: K }> | undefined =>
  plan.actions.find((action): action is Extract<Action, { action: K }> => action.action === kind)

/** What is stored with the mail and shown to people: "why is this ticket here?". */
export function traceOf(plan: Plan): Record<string, unknown> {
  const { selection, clocks } = plan.sla ?? {}
  return {
    auth: plan.auth,
    author: plan.author,
    thread: plan.thread,
    route: plan.route && { ...plan.route, notes: plan.route.notes.length, trace: rulesText(plan.route.trace) },
    sla: selection && {
      policy: selection.policy?.key ?? null,
      source: selection.source,
      why: selection.why,
      calendar: selection.calendar?.key ?? null,
      clocks,
    },
    signals: plan.signals,
    ...(plan.dsn.length > 0 && { dsn: plan.dsn }),
    ...(plan.commands.length > 0 && { commands: plan.commands }),
    also_to: plan.alsoTo,
    plan: plan.actions,
  }
}

/**
 * A line a rule; neighbours that fail for the same thing seen share one. Else the rules of fifty customers, each with the
 * organization that it is not, are most of what a mail writes and of what its page shows.
 */
function rulesText(steps: Route['trace']): string {
  const groups: Step[][] = []
  for (const step of steps) {
    const last = groups.at(-1)
    if (last && failAlike(last[0]!, step)) last.push(step)
    else groups.push([step])
  }
  return groups.map(groupText).join('\n')
}

type Step = Route['trace'][number]

function failAlike({ matched, why: [one, ...others] }: Step, next: Step): boolean {
  const [other] = next.why
  if (matched || next.matched || !one || !other || others.length > 0 || next.why.length > 1) return false
  return one.field === other.field && one.holds === other.holds && one.seen === other.seen
}

function groupText(steps: Step[]): string {
  const { matched, why } = steps[0]!
  const tests = steps.map((step) => step.why[0]?.test).join(', ')
  const reasons = why.map((reason, n) => reasonText(n === 0 ? { ...reason, test: tests } : reason)).join('; ')
  const verb = matched ? 'holds' : steps.length > 1 ? 'do not hold' : 'does not hold'
  const names = steps.map(({ rule }) => `“${rule}”`).join(', ')
  return `Rule${steps.length > 1 ? 's' : ''} ${names} ${verb}: ${reasons.replace(/\s*\n\s*/g, ' ')}.`
}
