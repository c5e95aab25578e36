/** What the tests of agents' mail share: a ticket of Eva's, addresses that agents got, and what is to be seen after it. */
import { type Purpose, signedAddress } from '../../../src/tokens.ts'
import { keys, mail, type TestDesk } from '../../desk.ts'

export const BO = 'bo@desk.example'
export const ADA = 'ada@desk.example'
export const EVA = 'eva@acme.example'

/** Where nobody's SPF record points. */
export const ELSEWHERE = { session: { ip: '192.0.2.66', helo: 'mail.evil.example' } }

export function ground(desk: TestDesk) {
  const { sql } = desk
  const agent = (address: string) => desk.tools().desk.agents.get(address)!

  /** The newest event of a ticket: what a notification written now shows. */
  async function shown(ticket: number): Promise<number> {
    const [row] = await sql`select max(seq) as seq from events where ticket_id = ${ticket}`
    return row!.seq as number
  }

  /** The address that a notification written now would carry. */
  async function address(
    ticket: number,
    purpose: Purpose,
    change: { agent?: string; shown?: number; generation?: number; person?: number } = {},
  ): Promise<string> {
    return signedAddress(keys, 'support@desk.example', {
      purpose,
      inbox: desk.tools().desk.inboxes[0]!.id,
      ticket,
      person: change.person ?? agent(change.agent ?? BO).id,
      generation: change.generation ?? 0,
      comment: change.shown ?? (await shown(ticket)),
    })
  }

  return {
    agent,
    shown,
    address,
    /** A new ticket of Eva's; its acknowledgement is taken out of the outbox, so that what follows stands alone. */
    async ticket(subject = 'The printer is on fire', text = 'Please help, it burns.'): Promise<number> {
      const { ticket_id } = await desk.deliver(mail({ subject, text }))
      await sql`delete from outbox`
      return ticket_id!
    },
    /** What an agent's mail client sends to an address of theirs. */
    async answer(
      ticket: number,
      text: string,
      change: {
        from?: string
        purpose?: Purpose
        to?: string
        shown?: number
        headers?: Record<string, string | null>
        envelope?: Parameters<TestDesk['deliver']>[1]
      } = {},
    ) {
      const from = change.from ?? `Bo <${BO}>`
      const to =
        change.to ??
        (await address(ticket, change.purpose ?? 'a', change.shown === undefined ? {} : { shown: change.shown }))
      return await desk.deliver(
        mail({ from, to, subject: 'Re: The printer is on fire', text, headers: change.headers ?? {} }),
        { recipients: [{ address: to, inbox: 'support', tag: null }], ...change.envelope },
      )
    },
    outgoing: async () => [
      ...(await sql<
        {
          kind: string
          recipient: string
          subject: string
          text: string
          html: string
          state: string
          headers: [string, unknown][]
          not_before: Date | null
          attachment_ids: number[]
          message_id: string
        }[]
      >`select kind, recipient, subject, text, html, state, headers, not_before, attachment_ids, message_id
        from outbox order by id`),
    ],
    comments: async (ticket: number) =>
      await sql<{ visibility: string; author_role: string; author_name: string; text: string; channel: string }[]>`
        select visibility, author_role, author_name, text, channel from comments where ticket_id = ${ticket} order by id`,
    status: async (ticket: number) => (await sql`select status from tickets where id = ${ticket}`)[0]!.status as string,
    reason: (ending: { reasons: { code: string }[] }) => ending.reasons.at(-1)?.code,
  }
}
