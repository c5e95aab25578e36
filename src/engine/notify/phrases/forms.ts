/** What each language says to agents about a ticket, and the forms that its words take. */
import type { ClockMetric } from '../../sla/account.ts'
import type { Priority, Status } from '../../tables.ts'
import type { NewsKind, Topic } from '../kinds.ts'

export type NotifyPhrases = {
  /** The display names of the two addresses of a ticket (COMMANDS E5.1), and of the digest's. */
  answerTo: (number: number) => string
  noteTo: (number: number) => string
  commandsTo: string
  /** One line a news; `who` is null for what no person did. */
  news: Record<NewsKind, (who: string | null) => string>
  /** In place of a note whose words no mail carries. */
  privateNote: (who: string | null) => string
  /** With the lines that let it in. */
  heldMail: (from: string, mail: number) => string
  more: (count: number) => string
  customer: string
  project: string
  status: string
  priority: string
  assignee: string
  nobody: string
  attachments: string
  earlier: string
  internal: string
  /** Ends a text that was cut. */
  cut: string
  /** At the beginning of a line, and within one. */
  metrics: Record<ClockMetric, string>
  metricNames: Record<ClockMetric, string>
  statuses: Record<Status, string>
  priorities: Record<Priority, string>
  /** Before a date that an agent set. */
  byHand: string
  /** Of a due date that has passed. */
  late: string
  topics: Record<Topic, string>
}

/** `words(who)`, or what is said where nobody did it. */
export const by =
  (words: (who: string) => string, nobody: string) =>
  (who: string | null): string =>
    who === null ? nobody : words(who)

/** The same words whoever did it. */
export const always = (words: string) => (): string => words
