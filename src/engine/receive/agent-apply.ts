/**
 * Carries out what an agent wrote by mail, whole or not at all: what refuses it is undone, the mail waits, and they are
 * told (COMMANDS E1, E4). The caller has no other mail in this transaction.
 */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import type { IncomingMail, IncomingPart } from '../../incoming.ts'
import { agentMail as limits } from '../../limits.ts'
import { type Attachment, storeParts } from '../attachments.ts'
import { rememberExecuted, useQuestion } from '../challenges.ts'
import type { Agent } from '../desk.ts'
import { messageIdRows } from '../thread.ts'
import { recordOutside } from '../tickets/outside.ts'
import { note, reply } from '../tickets.ts'
import { agentTokens, executedOf } from './agent-facts.ts'
import { askAgent } from './agent-mails.ts'
import { reason } from './endings.ts'
import type { Action } from './plan.ts'
import { incomingId } from './references.ts'
import type { Done, Work } from './work.ts'

type Deed = Extract<Action, { action: 'agent' }>
type Outside = Extract<Action, { action: 'outside' }>
type Release = Extract<Action, { action: 'release' }>

/** Does it, or leaves the mail held; `undo`: the caller only wants to know. */
export async function carryOutAgent(tx: Tx, work: Work, deed: Deed, now: Date): Promise<Done> {
  const agent = work.facts.desk.agents.get(deed.agent)!
  const mail = work.arrival.mail as IncomingMail
  try {
    const commentId = await tx.savepoint((inner) => doAll(inner, work, { deed, agent }, now))
    const [token = null] = agentTokens(work.facts.claims)
    await rememberExecuted(tx, executedOf(mail, token), now)
    return { ...NOTHING, ticketId: deed.ticket, commentId, acknowledged: true }
  } catch (error) {
    if (!(error instanceof Refusal) || error.fault !== 'user') throw error
    const told = { kind: 'send', why: 'command_error', agent: deed.agent, ticket: deed.ticket } as const
    return {
      ...NOTHING,
      ticketId: deed.ticket,
      reasons: [reason('command_error', error.message)],
      state: 'held',
      rest: () => askAgent(tx, work, { action: 'ask_agent', ...told }, now),
    }
  }
}

/** The held mail is worked on once more, as its agent's; once. */
export async function releaseHeld(tx: Tx, release: Release, now: Date): Promise<Done> {
  const isFirst = await useQuestion(tx, release.question, now)
  return {
    ...NOTHING,
    ticketId: release.ticket,
    releases: isFirst ? [{ mail: release.mail, confirmed: release.confirmed }] : [],
  }
}

/** An answer that has left already: a comment, and what leads an answer to it here. */
export async function writeDown(tx: Tx, work: Work, outside: Outside, now: Date): Promise<Done> {
  const { facts, plan } = work
  const agent = outside.agent === null ? null : facts.desk.agents.get(outside.agent)!
  const files = await filesOf(tx, work, outside)
  const rows = (commentId: number) => {
    const ids = incomingId(work, { ticketId: outside.ticket, commentId })
    return ids.length ? [messageIdRows(tx, ids, now)] : []
  }
  const text = outside.text || files.map((file) => file.filename).join('\n')
  const input = { ticketId: outside.ticket, agent, name: plan.author.name, text, files, rows }
  const { commentId } = await recordOutside(tx, input, now)
  return { ...NOTHING, ticketId: outside.ticket, commentId }
}

const NOTHING: Done = {
  ticketId: null,
  commentId: null,
  reasons: [],
  acknowledged: false,
  rows: [],
  rest: async () => {},
}

async function doAll(
  tx: Tx,
  work: Work,
  { deed, agent }: { deed: Deed; agent: Agent },
  now: Date,
): Promise<number | null> {
  if (deed.ticket === null || deed.text === '' || deed.audience === 'none') return null
  const files = await filesOf(tx, work, deed)
  const input = { ticketId: deed.ticket, agent, text: deed.text, channel: 'mail', files } as const
  const written =
    deed.audience === 'public' ? await reply(tx, { ...input, tools: work.tools }, now) : await note(tx, input, now)
  return written.commentId
}

/** The files that are meant: a logo and what the ticket holds already, quoted, are not. */
async function filesOf(tx: Tx, { arrival }: Work, deed: { ticket: number | null }): Promise<Attachment[]> {
  const mail = arrival.mail as IncomingMail
  const meant = mail.parts.filter((part) => !part.original && !SIGNED.test(part.type) && !isLogo(part))
  const files = await storeParts(tx, meant)
  if (!files.some((file) => file.inline)) return files
  const there = await tx<{ blob_id: number }[]>`
    select blob_id from attachments where ticket_id = ${deed.ticket} and blob_id = any(${files.map((one) => one.blobId)}::bigint[])`
  const known = new Set(there.map((row) => row.blob_id))
  // their HTML does not go out, so nothing shows an image but the list of files
  return files.flatMap((file) =>
    file.inline && known.has(file.blobId) ? [] : [{ ...file, inline: false, contentId: null }],
  )
}

/** Shown among the words rather than beside them, and too small to be a picture of anything. */
const isLogo = (part: IncomingPart): boolean =>
  /^image\//.test(part.type) &&
  (part.inline || part.disposition === 'inline' || part.contentId !== null) &&
  part.size < limits.signatureImage

const SIGNED = /^application\/(?:x-)?(?:pkcs7-signature|pgp-signature)$/
