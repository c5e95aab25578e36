/** `check`: is everything as it must be? A line each, with the remedy. Changes nothing. */
import { resolveMx } from 'node:dns/promises'
import { zoneDataProblem } from '../engine/business-hours.ts'
import type { Desk } from '../engine/desk.ts'
import { openNotices } from '../engine/notices.ts'
import { servedDomains } from '../engine/recipients.ts'
import { Refusal, wordsOf } from '../errors.ts'
import { imap as imapLimits } from '../limits.ts'
import type { Log } from '../log.ts'
import { proposeAuthservId } from '../mail/authenticate/propose.ts'
import { openSession } from '../mail/deliver/relay.ts'
import { probeMailbox } from '../mail/intake-imap.ts'
import { type Installation, openDesk, openInstallation, type Place } from './installation.ts'
import type { Print } from './show.ts'

type Line = { part: string; ok: boolean; words: string }

/** Exit code 1 when a line is not ok. */
export async function check(place: Place, given: { log: Log; print: Print; json: boolean }): Promise<number> {
  const { log, json } = given
  let bad = 0
  const say = (part: string, ok: boolean, words: string) => {
    if (!ok) bad++
    const line: Line = { part, ok, words }
    given.print(json ? JSON.stringify(line) : `${ok ? 'ok  ' : 'BAD '} ${part.padEnd(10)} ${words}`)
  }
  let house: Installation
  try {
    house = await openInstallation(place, log, new Date())
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    say('start', false, error.message)
    return 1
  }
  try {
    say('config', true, house.config.file ?? 'the built-in demo desk')
    say('database', true, house.where)
    const zones = zoneDataProblem()
    say('time zones', zones === null, zones ?? `tzdata ${process.versions.tz ?? 'of this machine'}`)
    await checkDesk(house, log, say)
    await checkMailboxes(house, log, say)
    const relay = house.config.relay
    if (relay) {
      const answer = await openSession(relay).then(
        (session) => {
          session.close()
          return { ok: true, words: relay.user ? 'connected and signed in' : 'connected' }
        },
        (error: unknown) => ({ ok: false, words: wordsOf(error) }),
      )
      say('relay', answer.ok, `${relay.host}:${relay.port}: ${answer.words}`)
    } else say('relay', true, 'none: outgoing mail is written as .eml files')
    for (const notice of await openNotices(house.sql)) say('notice', false, notice.words)
  } finally {
    await house.close()
  }
  return bad ? 1 : 0
}

type Say = (part: string, ok: boolean, words: string) => void

async function checkDesk(house: Installation, log: Log, say: Say): Promise<void> {
  try {
    const { desk } = await openDesk(house, log)
    say(
      'desk',
      true,
      `version ${desk.version}, ${desk.inboxes.length} inboxes, ${desk.rules.length} rules, their tests pass`,
    )
    for (const { ok, words } of holidayLines(desk, new Date())) say('holidays', ok, words)
    if (house.config.dns.from === 'zone') return
    for (const domain of servedDomains(desk)) {
      const answer = await resolveMx(domain).then(
        (found) => ({ ok: true, words: `mail goes to ${found.map((one) => one.exchange).join(', ')}` }),
        (error: unknown) => ({
          ok: false,
          words: `no MX record found (${(error as NodeJS.ErrnoException).code}): publish one`,
        }),
      )
      say('dns', answer.ok, `${domain}: ${answer.words}`)
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    say('desk', false, error.message)
  }
}

/** Files of holidays run out: one that names no day to come promises dates on holidays. */
function holidayLines(desk: Desk, now: Date): { ok: boolean; words: string }[] {
  const today = now.toISOString().slice(0, 10)
  return [...desk.calendars.values()].flatMap(({ key, files, calendar }) => {
    if (files.length === 0) return []
    const last =
      calendar.holidays
        .filter((day) => day.length > 5)
        .sort()
        .at(-1) ?? today
    const words = `calendar ${key}: ${files.join(', ')}, the last day is ${last}`
    return [last < today ? { ok: false, words: `${words}: get a newer file` } : { ok: true, words }]
  })
}

async function checkMailboxes({ sql, secret, config }: Installation, log: Log, say: Say): Promise<void> {
  for (const mailbox of config.mailboxes) {
    const lines = await probeMailbox({
      mailbox: { ...mailbox, address: '' },
      sql,
      secret,
      limits: { ...imapLimits, authBackoff: [...imapLimits.authBackoff] },
      message: config.limits.message,
      log,
      now: () => new Date(),
    })
    for (const line of lines) say('mailbox', line.ok, `${mailbox.name}: ${line.words}`)
    const seen = mailbox.authservId === null ? await proposeAuthservId(sql, mailbox.name) : null
    if (seen)
      say(
        'mailbox',
        true,
        `${mailbox.name}: in ${seen.times} of the last ${seen.mails} mails Authentication-Results of ${seen.id} stood first; if that is your own server, add authserv_id: ${seen.id}`,
      )
  }
}
