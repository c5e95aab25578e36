/** What agents can be told of, and how: the words that the tables, the desk file and the web page share. */

/**
 * `team`: a ticket was handed to another team. `undelivered`: an answer came back. `woke`: a snooze is over. `passed`: so
 * is a date by hand. `held`: a mail that claims the ticket waits beside it. `merged`: another
 * ticket went into it. `split`: it was split off another. `parted`: a part of it was.
 */
export const NEWS = [
  'new',
  'team',
  'reply',
  'note',
  'assigned',
  'answered',
  'undelivered',
  'woke',
  'passed',
  'held',
  'merged',
  'split',
  'parted',
] as const
export type NewsKind = (typeof NEWS)[number]

/** What an agent chooses about; `warning` is a reminder, of the SLA or of a date by hand. */
export const TOPICS = ['assigned', 'new', 'reply', 'note', 'answered', 'warning'] as const
export type Topic = (typeof TOPICS)[number]

/** At once and coalesced, in the digest of the morning, or not at all. */
export const WAYS = ['instant', 'digest', 'none'] as const
export type Way = (typeof WAYS)[number]

/** Mails that come by the clock. */
export const REGULAR = ['digest', 'timesheet'] as const
export type Regular = (typeof REGULAR)[number]

export type Choices = Record<Topic, Way> & Record<Regular, 'on' | 'off'>

export const topicOf = (kind: NewsKind): Topic => TOPIC[kind]

const TOPIC: Record<NewsKind, Topic> = {
  new: 'new',
  team: 'new',
  reply: 'reply',
  note: 'note',
  assigned: 'assigned',
  answered: 'answered',
  undelivered: 'reply',
  woke: 'assigned',
  passed: 'warning',
  held: 'reply',
  merged: 'note',
  split: 'new',
  parted: 'note',
}
