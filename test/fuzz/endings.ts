/** Fuzzed mails through a whole desk: spool, parser, decision, and an end that anyone can see. */
import { startDesk } from '../desk.ts'

export type Endings = {
  /** Puts a mail into the spool; words of what is wrong, once enough came to look. */
  take(n: number, bytes: Buffer): Promise<string | null>
  /** The same for those that have not been looked at, then closes everything. */
  stop(): Promise<string | null>
}

const BATCH = 50
const FINAL = new Set(['ticketed', 'commented', 'recorded', 'held', 'quarantined'])

export async function startEndings(): Promise<Endings> {
  const desk = await startDesk()
  const waiting = new Map<number, number>()
  const look = async () => {
    await desk.idle()
    const rows = await desk.sql<{ id: number; state: string; words: string }[]>`
      select id, state, coalesce(reasons ->> 0, '') as words from inbound_mails`
    const byId = new Map(rows.map((row) => [row.id, row]))
    const wrong = [...waiting].flatMap(([id, n]) => {
      const row = byId.get(id)
      if (!row) return `mail ${n} is gone`
      if (!FINAL.has(row.state)) return `mail ${n} is ${row.state}`
      return row.state === 'quarantined' ? `mail ${n} is quarantined: ${row.words}` : []
    })
    waiting.clear()
    await desk.reset()
    return wrong[0] ?? null
  }
  return {
    async take(n, bytes) {
      waiting.set(await desk.accept(bytes, { from: 'fuzz@example.org' }), n)
      return waiting.size < BATCH ? null : await look()
    },
    async stop() {
      const wrong = waiting.size > 0 ? await look() : null
      await desk.stop()
      return wrong
    },
  }
}
