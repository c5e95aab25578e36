/** What the reports are called, and what each says and does not say. */
import type { ReportName } from '../../engine/reports.ts'

export const REPORT_WORDS: Record<ReportName, { title: string; short: string; about: string }> = {
  violations: {
    title: 'Broken promises',
    short: 'Who was late, when, and by how much.',
    about:
      'Each promise that was broken in the period, with whoever had the ticket at that moment. Working time counts; what is still open is over by the time until now.',
  },
  compliance: {
    title: 'Promises kept',
    short: 'How much of what ended was in time: by promise, customer, policy, priority, type, weekday or hour.',
    about:
      'Promises that ended in the period: in time or late. What is late and still open stands beside them; what was cancelled counts nowhere.',
  },
  agents: {
    title: 'Agents',
    short: 'What each agent answered and solved, and what became late with them.',
    about:
      'Answers and solutions belong to who gave them, lateness to who had the ticket when it came: two views that are not added up.',
  },
  teams: {
    title: 'Teams',
    short: 'Each team’s own targets, and the customers who waited too long with it.',
    about:
      'Targets that the policies give teams for their own part, and promises to customers that broke while a team had the ticket.',
  },
  organizations: {
    title: 'Customers',
    short: 'Tickets, open ones, broken promises and time spent, for each customer.',
    about: 'Tickets that came in the period, as they stand now, and the time entered for its days.',
  },
  unassessed: {
    title: 'Unassessed',
    short: 'Tickets whose priority nobody has set yet, and how long that took for the others.',
    about:
      'Tickets that came in the period, first by team, then by customer. Until somebody sets the priority the customer’s default applies. Working time; what a rule assessed as it came took none and is in no median.',
  },
}
