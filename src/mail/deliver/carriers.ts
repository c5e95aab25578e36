/** The two ways out: a relay, with a small pool of sessions, or a folder of .eml files. Both try one mail at a time. */
import type { Readable } from 'node:stream'
import { wordsOf } from '../../errors.ts'
import { outgoing } from '../../limits.ts'
import { writeEml } from './folder.ts'
import { failureOf, openSession, type Relay, type Session, sendError } from './relay.ts'

export type Parcel = {
  id: number
  from: string
  to: string
  /** Composes the mail. */
  open(): Promise<Readable>
  /** Commits that the bytes are going out; throws where they must not. */
  begin(): Promise<void>
}

export type Delivered = { answer: string; serverMessageId: string | null }

export type Carrier = {
  /** For notices and people. */
  name: string
  lanes: number
  /** Rejects with a `sendError`, or with whatever `begin` threw. */
  carry(parcel: Parcel): Promise<Delivered>
  /** Ends idle sessions. */
  rest(): void
  /** Ends all sessions at once; what is under way fails. */
  cut(): void
}

/** A second try writes the same file, so there is no `sending` in between and never an `uncertain`. */
export function folderCarrier(folder: string): Carrier {
  return {
    name: folder,
    lanes: 16,
    async carry(parcel) {
      try {
        return { answer: `written to ${await writeEml(folder, parcel.id, await parcel.open())}`, serverMessageId: null }
      } catch (error) {
        throw sendError({ phase: 'connect', code: null, words: wordsOf(error) }, error)
      }
    },
    rest() {},
    cut() {},
  }
}

export function relayCarrier(relay: Relay): Carrier {
  const idle = new Map<Session, NodeJS.Timeout>()
  const busy = new Set<Session>()
  const take = (): Session | null => {
    for (const [session, timer] of idle) {
      clearTimeout(timer)
      idle.delete(session)
      if (session.usable()) return session
    }
    return null
  }
  const keep = (session: Session) => {
    const end = () => {
      idle.delete(session)
      session.close()
    }
    if (session.usable()) idle.set(session, setTimeout(end, outgoing.idle).unref())
  }
  const use = async (session: Session, parcel: Parcel) => {
    busy.add(session)
    try {
      const delivered = await session.send({
        from: relay.sender ?? parcel.from,
        to: parcel.to,
        async open() {
          const mail = await parcel.open()
          await parcel.begin()
          return mail
        },
      })
      keep(session)
      return delivered
    } finally {
      busy.delete(session)
    }
  }
  return {
    name: `${relay.host}:${relay.port}`,
    lanes: relay.concurrency,
    async carry(parcel) {
      const pooled = take()
      if (pooled) {
        try {
          return await use(pooled, parcel)
        } catch (error) {
          // a relay ends idle sessions as it likes: that says nothing about the next one
          const failure = failureOf(error)
          if (failure?.phase !== 'mail' || failure.code !== null) throw error
        }
      }
      return await use(await openSession(relay), parcel)
    },
    rest() {
      for (const [session, timer] of idle) {
        clearTimeout(timer)
        session.close()
      }
      idle.clear()
    },
    cut() {
      this.rest()
      for (const session of busy) session.cut()
    },
  }
}
