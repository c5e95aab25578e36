/** A desk with a mail of Eva's that is answered elsewhere, and a mailbox whose Sent folder is watched. */
import type { Envelope } from '../../../src/mail/spool.ts'
import { mail, startDesk } from '../../desk.ts'
import { BO, ground } from './ground.ts'

export async function deskAnswers(text?: string) {
  const desk = await startDesk(text === undefined ? {} : { desk: text })
  const session = { folder: 'Sent', uid: 1, uidvalidity: 1, internal_date: null, sent: true }
  const sent = { via: 'imap', from: null, session: session as Envelope['session'] } as const
  return {
    desk,
    sql: desk.sql,
    ...ground(desk),
    /** Her mail, which Bo got too. */
    async ask(): Promise<number> {
      const end = await desk.deliver(mail({ headers: { 'Message-ID': '<fire@mail.example>', Cc: BO } }))
      await desk.sql`delete from outbox`
      return end.ticket_id!
    },
    sentFolder: (raw: string) => desk.deliver(raw, sent),
  }
}
