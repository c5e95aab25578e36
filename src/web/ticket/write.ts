/** Writes what an agent typed: an answer, a note, a private note or a question to an outsider, and what takes it back. */
import type { Queryable, Tx } from '../../database.ts'
import { ask } from '../../engine/tickets/ask.ts'
import { privateComment } from '../../engine/tickets/private.ts'
import { observed } from '../../engine/tickets/take-back.ts'
import { note, reply } from '../../engine/tickets.ts'
import { after, SECOND } from '../../time.ts'
import { type Form, parseId } from '../form.ts'
import { whenText } from '../words.ts'
import { type Did, type Doing, did } from './changes.ts'

/** What a text can be. */
export const KINDS = {
  answer: 'Public answer',
  note: 'Internal note',
  private: 'Private note',
  ask: 'Ask outside',
} as const
export type Kind = keyof typeof KINDS

type Written = { commentId: number; did: Did }

/** @throws Refusal of the verb */
export async function write(
  tx: Tx,
  { kind, text, form }: { kind: Kind; text: string; form: Form },
  doing: Doing,
  now: Date,
): Promise<Written> {
  const { ticketId, agent, tools } = doing
  const author = { id: agent.id, name: agent.name, address: agent.address }
  const input = { ticketId, agent: author, text, channel: 'web' } as const
  switch (kind) {
    case 'answer':
      return await answer(
        tx,
        { ...input, suppressed: form.text('suppressed') === 'send' ? 'send' : 'stop' },
        doing,
        now,
      )
    case 'private': {
      const { commentId } = await privateComment(tx, { ...input, toId: parseId(form.text('reader')) }, now)
      return { commentId, did: did(ticketId, 'private', { key: 'noted_privately', data: {}, inverse: null }) }
    }
    case 'ask': {
      const { commentId, address } = await ask(tx, { ...input, address: form.text('ask_to'), tools }, now)
      const inverse = { verb: 'recall', args: { ticketId, commentId } }
      const data = { to: address, leaves: leavesText(doing, now) }
      return { commentId, did: did(ticketId, 'ask', { key: 'asked', data, inverse }) }
    }
    case 'note': {
      const { commentId } = await note(tx, input, now)
      return { commentId, did: did(ticketId, 'note', { key: 'noted', data: {}, inverse: null }) }
    }
  }
}

type Answer = Omit<Parameters<typeof reply>[1], 'tools'>

/** Taken back, it is not sent, and the ticket is as before it. */
async function answer(tx: Tx, input: Answer, doing: Doing, now: Date): Promise<Written> {
  const { ticketId, tools } = doing
  let commentId = 0
  const changed = await observed(tx, ticketId, async () => {
    commentId = (await reply(tx, { ...input, tools }, now)).commentId
  })
  const data = { to: await recipientsOf(tx, commentId), leaves: leavesText(doing, now) }
  const inverse = { verb: 'recall', args: { ticketId, commentId, changed } }
  return { commentId, did: did(ticketId, 'reply', { key: 'replied', data, inverse }) }
}

async function recipientsOf(sql: Queryable, commentId: number): Promise<string> {
  const rows = await sql<{ recipient: string }[]>`
    select recipient from outbox where comment_id = ${commentId} and state <> 'suppressed' order by id`
  return rows.map((row) => row.recipient).join(', ')
}

const leavesText = ({ tools, agent }: Doing, now: Date): string =>
  whenText(after(now, tools.desk.settings.undo_seconds * SECOND), agent.zone)
