/** What was written before in a ticket, and by its author elsewhere: a mail that goes on with it quotes and repeats that. */
import { ask, each, type Tx } from '../../database.ts'
import { replyText as limits } from '../../limits.ts'

export type Earlier = {
  /** Of the ticket, cut to a length: what its people wrote and what was sent to them, with what a mail says around it. */
  texts: string[]
  /** Mails from people of `domain`, newest first, in the ticket and in the last tickets of `contactId`. */
  fromDomain: string[]
}

/** One question, answered by indexes. */
export async function findEarlier(
  tx: Tx,
  of: { ticketId: number; contactId: number | null; domain: string },
): Promise<Earlier> {
  const { ticketId, contactId } = of
  const rows = await ask<EarlierRow>(tx, EARLIER, { ticket_id: ticketId, contact_id: contactId })
  const isOfDomain = (address: string | null) => address?.toLowerCase().endsWith(`@${of.domain}`) ?? false
  return {
    texts: rows.flatMap((row) => (row.ticketId === of.ticketId ? (row.text ?? []) : [])),
    fromDomain: rows.flatMap((row) => (isOfDomain(row.address) ? (row.text ?? []) : [])),
  }
}

type EarlierRow = { ticketId: number; address: string | null; text: string | null }

const EARLIER = each(
  'ticket_id bigint, contact_id bigint',
  `(select ticket_id as "ticketId", author_address as address, left(text, ${limits.earlierCharacters}) as text
    from comments where ticket_id = given.ticket_id and visibility = 'public' order by id desc limit ${limits.earlier})
   union all
   (select ticket_id, null, left(text, ${limits.earlierCharacters}) from outbox
    where ticket_id = given.ticket_id and kind in ('ack', 'reply', 'statement') order by id desc limit ${limits.earlier})
   union all
   (select ticket_id, author_address, left(text, ${limits.earlierCharacters}) from comments
    where ticket_id in (select id from tickets where requester_id = given.contact_id and id <> given.ticket_id
                        order by id desc limit ${limits.earlierTickets})
      and channel = 'mail' and author_role = 'contact' order by id desc limit ${limits.earlier})`,
)
