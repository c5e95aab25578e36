/** A desk whose agents are told by mail: the sweep as cron does it, and what they got. */
import { transaction } from '../../../src/database.ts'
import { tellNews } from '../../../src/engine/notify.ts'
import { readSignedAddress, type Token } from '../../../src/tokens.ts'
import { keys, type TestDesk } from '../../desk.ts'

export const URL_OF_DESK = 'https://desk.example'

export type Sent = {
  id: number
  recipient: string
  subject: string
  text: string
  html: string
  message_id: string
  ticket_id: number | null
  kind: string
  headers: [string, string | { name: string; address: string }[]][]
}

/** Sweeps at a moment until nothing more is due. */
export async function sweep(desk: TestDesk, now: Date) {
  const sum = { mails: 0, digest: 0, failed: 0 }
  for (let more = true; more; ) {
    const batch = await transaction(desk.sql, (tx) => tellNews(tx, { tools: desk.tools(), url: URL_OF_DESK }, now))
    sum.mails += batch.mails
    sum.digest += batch.digest
    sum.failed += batch.failed
    more = batch.more
  }
  return sum
}

/** The notifications so far, oldest first. */
export const notifications = async (desk: TestDesk): Promise<Sent[]> =>
  await desk.sql<Sent[]>`
    select id, recipient, subject, text, html, message_id, ticket_id, kind, headers from outbox
    where kind = 'notification' order by id`

export const header = (sent: Sent, name: string) => sent.headers.find(([one]) => one === name)?.[1]

export const replyTo = (sent: Sent) =>
  (header(sent, 'Reply-To') as { name: string; address: string }[] | undefined)?.[0]

/** What the address of an answer says, and that of a note in the text. */
export function tokensOf(sent: Sent): { answer: Token | null; note: Token | null } {
  const note = /<mailto:([^>]+)>/.exec(sent.text)?.[1]
  const read = (address: string | undefined) =>
    address === undefined ? null : readSignedAddress(keys, 'support@desk.example', address)
  return { answer: read(replyTo(sent)?.address), note: read(note) }
}

/** An agent as verbs take them. */
export async function agentOf(desk: TestDesk, address: string) {
  const { id, name } = desk.tools().desk.agents.get(address)!
  return { id, name, address, actor: { kind: 'agent' as const, id, name } }
}
