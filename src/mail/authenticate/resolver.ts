/**
 * DNS answers for authentication (MAIL 5.2, 5.14): from the system, from named servers, or from a zone file, with which
 * no question leaves the machine. Answers are kept for minutes, because one domain's mails come together.
 */
import dns from 'node:dns'
import type { Config, Zone } from '../../config.ts'
import { authenticate as limits } from '../../limits.ts'

/** As node:dns answers: TXT as lists of strings, MX as objects, the others as texts. Rejects with its error codes. */
export type Answer = string[] | string[][] | { exchange: string; priority: number }[]

/**
 * Asks one question. `ENOTFOUND` (no such name) and `ENODATA` (no such record) are answers; every other code is the lack
 * of one, a temperror.
 */
export type Resolver = (name: string, type: string) => Promise<Answer>

/** The resolver that the configuration asks for: at most 5 s a question, answers cached. Nothing to stop. */
export function startResolver(from: Config['dns'], now: () => Date): Resolver {
  if (from.from === 'zone') return cached(zoneResolver(from.zone), now)
  const resolver = new dns.promises.Resolver({ timeout: limits.question, tries: 1 })
  if (from.from === 'servers') resolver.setServers(from.servers)
  return cached((name, type) => within(limits.question, resolver.resolve(name, type) as Promise<Answer>), now)
}

/** Answers out of a zone: a name under none of its names cannot be resolved, which is a temperror. */
export function zoneResolver(zone: Zone): Resolver {
  return async (asked, type) => {
    let name = nameOf(asked)
    for (let hop = 0; hop <= limits.aliases; hop++) {
      const records = zone[name]
      if (!records) throw failure(isInside(zone, name) ? 'ENOTFOUND' : 'ESERVFAIL', type, name)
      const found = records[type as keyof typeof records]
      if (found?.length) return found.map((text) => answerOf(type, text)) as Answer
      const alias = records.CNAME?.[0]
      if (!alias) throw failure('ENODATA', type, name)
      name = nameOf(alias)
    }
    throw failure('ESERVFAIL', type, asked)
  }
}

/** The same resolver for one mail: after 20 s in all every further answer is a temperror. `done` ends the wait. */
export function forOneMail(resolver: Resolver): { resolver: Resolver; done(): void } {
  let timer: NodeJS.Timeout | undefined
  let late: Promise<never> | undefined
  return {
    resolver(name, type) {
      late ??= new Promise((_, reject) => {
        timer = setTimeout(() => reject(failure('ETIMEOUT', type, name)), limits.all)
      })
      late.catch(() => {}) // whoever waits for an answer sees it
      return Promise.race([resolver(name, type), late])
    },
    done: () => clearTimeout(timer),
  }
}

/** Whether an error is the answer that there is nothing, and not the lack of an answer. */
export const isAnswer = (error: unknown): boolean =>
  ['ENOTFOUND', 'ENODATA'].includes((error as NodeJS.ErrnoException)?.code ?? '')

function cached(resolver: Resolver, now: () => Date): Resolver {
  const kept = new Map<string, { answer: Promise<Answer>; until: number }>()
  return (asked, type) => {
    const name = nameOf(asked)
    const key = `${type} ${name}`
    const at = now().getTime()
    const known = kept.get(key)
    if (known && known.until > at) return known.answer
    const answer = resolver(name, type)
    const entry = { answer, until: at + limits.answers }
    kept.delete(key)
    kept.set(key, entry)
    answer.catch((error) => {
      if (!isAnswer(error)) entry.until = at + limits.failures
    })
    if (kept.size > limits.cached) kept.delete(kept.keys().next().value!)
    return answer
  }
}

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error('no answer in time'), { code: 'ETIMEOUT' })), milliseconds)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

const nameOf = (name: string): string => name.toLowerCase().replace(/\.$/, '')

function isInside(zone: Zone, name: string): boolean {
  const labels = name.split('.')
  return labels.some((_, from) => Object.hasOwn(zone, labels.slice(from).join('.')))
}

function answerOf(type: string, text: string): string | string[] | { exchange: string; priority: number } {
  if (type === 'TXT') return [text]
  if (type !== 'MX') return text
  const [priority = '0', exchange = ''] = text.trim().split(/\s+/)
  return { exchange, priority: Number(priority) }
}

const failure = (code: string, type: string, name: string): Error =>
  Object.assign(new Error(`${code} ${type} ${name}`), { code })
