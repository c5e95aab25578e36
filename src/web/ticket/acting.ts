/**
 * What the room of commands needs to run something for an agent who is signed in: the same that it gets of a mail, and
 * the receipt that is kept of it, by which it is taken back. No mail is sent of it: the page says what was done.
 */
import type { Queryable, Tx } from '../../database.ts'
import type { Acting, Reading } from '../../engine/commands/command.ts'
import { writeReceipt } from '../../engine/commands/receipts.ts'
import type { Ran } from '../../engine/commands.ts'
import { Refusal } from '../../errors.ts'
import type { SignedIn, Web } from '../context.ts'

type Place = { ticketId: number | null; agent: SignedIn; text?: string }

/**
 * @returns what commands are read against and act in; `text`: what the agent wrote with them
 * @throws Refusal `not_an_agent` where the desk file has dropped them meanwhile
 */
export async function actingOn(
  sql: Queryable,
  web: Web,
  { ticketId, agent, text = '' }: Place,
  now: Date,
): Promise<{ reading: Reading; acting: Acting }> {
  const tools = web.tools()
  const { desk } = tools
  const known = desk.agents.get(agent.address)
  if (!known) throw new Refusal('not_an_agent', 'Your address is no agent of the desk any more.')
  const [ticket] = await sql<{ inbox_id: number | null }[]>`select inbox_id from tickets where id = ${ticketId}`
  const inbox = desk.inboxes.find((one) => one.id === ticket?.inbox_id) ?? desk.inboxes[0]
  if (!inbox) throw new Refusal('no_inbox', 'The desk has no inbox, so nothing can be done in its name.')
  const who = { kind: 'agent', agent: known } as const
  return {
    reading: { desk, who, ticket: ticketId, zone: agent.zone, now },
    acting: {
      tools,
      who,
      actor: { kind: 'agent', id: agent.id, name: agent.name },
      inbox,
      ticketId,
      channel: 'web',
      mail: {
        id: null,
        from: { address: agent.address, name: agent.name },
        subject: '',
        text,
        references: [],
        forward: null,
        attachments: [],
      },
      url: web.config.url,
      locale: 'en',
      zone: agent.zone,
    },
  }
}

/** Keeps what was done, where something of it can be taken back. */
export async function keepReceipt(
  tx: Tx,
  { acting, ran }: { acting: Acting; ran: Omit<Ran, 'lines'>[] },
  now: Date,
): Promise<void> {
  if (ran.every((one) => one.inverse === null)) return
  const { tools, who, ticketId, inbox, locale, zone, channel, mail } = acting
  const asMail = { id: null, messageId: null, references: [], text: mail.text }
  const receipt = { outcome: 'done', who, ticketId, inbox, locale, zone, channel, answers: null } as const
  await writeReceipt(tx, { ...receipt, mail: asMail, commands: 'none', ran, problems: [] }, tools, now)
}
