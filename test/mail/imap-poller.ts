/** A poller for tests: short limits, notices kept, and `until` for what happens in its own time. */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from '../../src/database.ts'
import { imap } from '../../src/limits.ts'
import { silent } from '../../src/log.ts'
import type { ImapLimits, Mailbox, Notices } from '../../src/mail/intake-imap/mailbox.ts'
import { type ImapPoller, startImap } from '../../src/mail/intake-imap.ts'

export type TestPoller = ImapPoller & { notices: string[] }

/** Everything that waits in production waits a moment here; the ratios stay. */
export const fast: ImapLimits = {
  ...imap,
  poll: 60_000, // tests ask for polls, or for IDLE's
  backoff: 50,
  backoffCap: 300,
  authBackoff: [200, 400, 800, 1600],
  lease: 1500,
  command: 5000,
  connect: 3000,
  logout: 1000,
  sentPoll: 100,
}

export const secret = Buffer.alloc(32, 7)

export function mailboxAt(port: number, changes: Partial<Mailbox> = {}): Mailbox {
  return {
    name: 'main',
    inbox: 'support',
    address: 'support@desk.example',
    host: '127.0.0.1',
    port,
    tls: 'none',
    ca: null,
    user: 'support',
    login: { password: 'static-password' },
    folders: ['INBOX'],
    after: { do: 'none' },
    importDays: 0,
    authservId: null,
    sent: null,
    junk: null,
    watchSent: false,
    ...changes,
  }
}

/** Pollers and folders of a test file, ended together by `close`. */
export function startPollers(sql: Sql, given?: string) {
  const running = new Set<TestPoller>()
  const tmp = given ?? mkdtempSync(path.join(os.tmpdir(), 'postroom-imap-'))
  return {
    tmp,
    start(
      mailbox: Mailbox,
      options: { limits?: Partial<ImapLimits>; message?: number; now?: () => Date } = {},
    ): TestPoller {
      const notices: string[] = []
      const poller = startImap({
        mailbox,
        sql,
        tmp,
        secret,
        limits: { ...fast, ...options.limits },
        message: options.message ?? 50 * 1024 * 1024,
        log: silent,
        now: options.now ?? (() => new Date()),
        notices: keepNotices(notices),
      })
      const test: TestPoller = { ...poller, notices }
      running.add(test)
      return test
    },
    async stopAll() {
      await Promise.all([...running].map((poller) => poller.stop()))
      running.clear()
    },
    async close() {
      await this.stopAll()
      rmSync(tmp, { recursive: true, force: true })
    },
  }
}

/** Waits until `check` is true; a test that waits in vain says for what. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  milliseconds = 10_000,
): Promise<void> {
  const end = Date.now() + milliseconds
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`waited ${milliseconds} ms in vain: ${what}`)
    await sleep(20)
  }
}

export async function countMails(sql: Sql): Promise<number> {
  const [row] = await sql`select count(*) from inbound_mails`
  return row?.count
}

export const subjects = async (sql: Sql): Promise<string[]> =>
  (await sql<{ subject: string }[]>`select subject from inbound_mails order by id`).map((row) => row.subject)

export function rawMail(n: number | string, body = 'Hello'): string {
  return [
    'From: Ann <ann@acme.example>',
    'To: support@desk.example',
    `Subject: mail ${n}`,
    'Date: Mon, 05 Jan 2026 10:00:00 +0000',
    `Message-ID: <m${n}@acme.example>`,
    '',
    `${body} ${n}`,
    '',
  ].join('\r\n')
}

function keepNotices(kept: string[]): Notices {
  return {
    raise: async (kind, subject, words) => {
      kept.push(`raise ${kind} ${subject}: ${words}`)
    },
    settle: async (kind, subject) => {
      kept.push(`settle ${kind} ${subject}`)
    },
  }
}
