/**
 * What would be done with one mail, and why: the pipeline's own reading, authentication and decision, in a transaction
 * that is undone. Writes nothing, sends nothing; DNS is asked as for any mail.
 */
import { rolledBack, type Sql } from '../database.ts'
import { decide, type Plan } from '../engine/receive.ts'
import type { Tools } from '../engine/tools.ts'
import { Refusal } from '../errors.ts'
import type { Forwarded } from '../incoming.ts'
import { authOf, type Trust } from './authenticate/trust.ts'
import { spamMark } from './classify/spam.ts'
import { forwardIn } from './forward/attached.ts'
import { gather, type Judged, knownOf, prepare, quarantineWords, type Read, scanned } from './judge.ts'
import type { Parser } from './parse.ts'

export type Setup = { sql: Sql; parser: Parser; tools: Tools; trust: Trust }

/** A mail and how it came; `open` is called up to three times. */
export type Subject = { judged: Judged; open: () => AsyncIterable<Buffer> }

/** `forward` is null for a mail that could not be parsed. */
export type Explanation = { read: Read; plan: Plan; receivedAt: Date; forward: Forwarded | null }

/** Explains one mail as of `now`. Rejects with what reading it or the database rejects with. */
export async function explainMail(setup: Setup, subject: Subject, now: Date): Promise<Explanation> {
  const { judged } = subject
  const read = await readWhole(setup, subject)
  const known = knownOf(judged, read, setup.trust)
  const { plan, mail } = await rolledBack(setup.sql, async (tx) => {
    const { arrival, facts } = await gather(tx, prepare(judged, known, setup.tools), setup.tools, now)
    return { plan: decide(arrival, facts, now), mail: arrival.mail }
  })
  const receivedAt = judged.releasedAt ?? judged.envelope.receivedAt
  return { read: { ...read, mail }, plan, receivedAt, forward: read.forward }
}

/** The mail as the pipeline reads it; one that runs the parser down is what its header says. */
async function readWhole(setup: Setup, { judged, open }: Subject): Promise<Read> {
  const { parser, trust } = setup
  const words = quarantineWords(judged)
  if (words !== null) return await scanned(open(), { code: 'poison', words })
  try {
    const { mail, dispose } = await parser.parse(open())
    try {
      const auth = await authOf(trust, { envelope: judged.envelope, mail, raw: open })
      const spam = spamMark(trust, { envelope: judged.envelope, mail })
      return { mail, auth, poison: null, spam, forward: mail.error === null ? await forwardIn(parser, mail) : null }
    } finally {
      await dispose()
    }
  } catch (error) {
    if (!(error instanceof Refusal) || !error.code.startsWith('parse_') || error.fault === 'outage') throw error
    return await scanned(open(), { code: error.code, words: error.message })
  }
}
