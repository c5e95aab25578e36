/** Posts the text of a mail with commands, once and to whom it is for, with what is needed to take it back. */
import type { Tx } from '../../database.ts'
import { after, SECOND } from '../../time.ts'
import type { Attachment } from '../attachments.ts'
import { privateComment } from '../tickets/private.ts'
import { observed } from '../tickets/take-back.ts'
import { note, reply } from '../tickets.ts'
import { agentOn, ticketOn } from './acting.ts'
import type { Acting, Audience, Effect } from './command.ts'
import { type MacroText, macroText } from './macros.ts'
import type { Name } from './names.ts'
import { momentText } from './said.ts'

type Posting = { on: Acting; text: string; macros: MacroText[]; audience: Audience; files: Attachment[] }

type Posted = {
  commentId: number
  ran: Effect & { line: null; source: ''; command: Name; ticket: number }
}

/**
 * A macro's text stands before what the agent wrote. Null: there is nothing to post.
 * @throws Refusal of the verbs
 */
export async function post(
  tx: Tx,
  { on, macros, audience, files, ...given }: Posting,
  now: Date,
): Promise<Posted | null> {
  if (on.who.kind !== 'agent') return null
  if (given.text === '' && macros.length === 0) return null
  const agent = agentOn(on)
  const ticketId = ticketOn(on)
  const parts: string[] = []
  for (const macro of macros) parts.push(await macroText(tx, { macro, ticketId, agent, desk: on.tools.desk }))
  const text = [...parts, given.text].filter(Boolean).join('\n\n')
  if (text === '') return null
  const input = { ticketId, agent, text, channel: on.channel, files }
  const noted = (key: 'noted' | 'noted_privately', command: Name, commentId: number): Posted => ({
    commentId,
    ran: { key, data: {}, inverse: null, line: null, source: '', command, ticket: ticketId },
  })
  if (audience === 'internal') return noted('noted', 'note', (await note(tx, input, now)).commentId)
  if (audience === 'private')
    return noted('noted_privately', 'private', (await privateComment(tx, input, now)).commentId)
  let commentId = 0
  const changed = await observed(tx, ticketId, async () => {
    commentId = (await reply(tx, { ...input, tools: on.tools }, now)).commentId
  })
  return {
    commentId,
    ran: {
      ...(await answered(tx, { on, commentId, ticketId, changed }, now)),
      line: null,
      source: '',
      command: 'reply',
      ticket: ticketId,
    },
  }
}

async function answered(
  tx: Tx,
  { on, commentId, ticketId, changed }: { on: Acting; commentId: number; ticketId: number; changed: unknown },
  now: Date,
): Promise<Effect> {
  const rows = await tx<{ recipient: string }[]>`
    select recipient from outbox where comment_id = ${commentId} and state <> 'suppressed' order by id`
  const to = rows.map((row) => row.recipient).join(', ')
  const { undo_seconds } = on.tools.desk.settings
  const inverse = { verb: 'recall', args: { ticketId, commentId, changed } }
  if (undo_seconds === 0) return { key: 'replied_now', data: { to }, inverse }
  const leaves = after(now, undo_seconds * SECOND)
  return { key: 'replied', data: { to, leaves: momentText(leaves, on) }, inverse }
}
