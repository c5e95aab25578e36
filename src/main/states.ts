/** State names as people type them. */
import { OUTBOX_STATES, type OutboxState } from '../engine/outbox/tables.ts'
import { Refusal } from '../errors.ts'
import { MAIL_STATES, type MailState } from '../mail/tables.ts'

const parser =
  <T extends string>(states: readonly T[]) =>
  (text: string): T => {
    if (!(states as readonly string[]).includes(text))
      throw new Refusal('bad_state', `"${text}" is no state. States are ${states.join(', ')}.`)
    return text as T
  }

/** @throws Refusal `bad_state` */
export const parseMailState: (text: string) => MailState = parser(MAIL_STATES)
/** @throws Refusal `bad_state` */
export const parseOutboxState: (text: string) => OutboxState = parser(OUTBOX_STATES)
