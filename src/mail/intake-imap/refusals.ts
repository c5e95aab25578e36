/**
 * The memory of refused logins (2.10): at most five in the first hour, whatever restarts in between. Another password
 * in the configuration is another login and is tried at once; so a keyed hash of it is kept beside the count.
 */
import { createHmac } from 'node:crypto'
import { wordsOf } from '../../errors.ts'
import { findRefusals, forgetRefusals, saveRefusals } from '../spool/refusals.ts'
import type { Intake, Mailbox } from './mailbox.ts'
import { pause } from './pace.ts'

/** Which login this is, without telling it: `secret` is the installation's. */
export function loginOf(mailbox: Mailbox, secret: Buffer): string {
  const { host, port, user, login } = mailbox
  const key = 'password' in login ? login.password : login.oauth.refreshToken
  return createHmac('sha256', secret).update([host, port, user, key].join('\0')).digest('hex')
}

/** For whoever takes the mailbox over: refused logins in a row, and the milliseconds left of their pause. */
export async function recallRefusals(intake: Intake, login: string): Promise<{ failures: number; wait: number }> {
  const { sql, mailbox, limits } = intake
  const found = await findRefusals(sql, mailbox.name)
  if (found?.login !== login) return { failures: 0, wait: 0 }
  const { failures, at } = found
  const whole = pause(limits, { failure: 'login', failures, random: 0 })
  const left = at.getTime() + whole - intake.now().getTime()
  return { failures, wait: Math.max(0, Math.min(left, whole)) } // a clock set back must not make it longer
}

/** A count that could not be written is in the log; this daemon remembers it by itself. */
export async function noteRefusal(intake: Intake, { login, failures }: { login: string; failures: number }) {
  await saveRefusals(intake.sql, intake.mailbox.name, { login, failures, at: intake.now() }).catch((error: unknown) =>
    intake.log.warn('imap.refusals', { words: wordsOf(error) }),
  )
}

/** After the first good poll. */
export async function clearRefusals(intake: Intake): Promise<void> {
  await forgetRefusals(intake.sql, intake.mailbox.name)
}
