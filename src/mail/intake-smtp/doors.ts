/**
 * Who may come in (1.16): connections in all, at a time and a minute by address. Loopback, unix sockets and the
 * networks of `trusted` (a front relay is one address) are free of the last two. It counts and answers, it never
 * closes anything.
 */
import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { Refusal } from '../../errors.ts'
import type { smtp } from '../../limits.ts'
import { MINUTE } from '../../time.ts'

export type SmtpLimits = { readonly [Name in keyof typeof smtp]: number }

export type Doors = {
  /** A reply to refuse with, or null: it is in, until `leave`. `address` is '' for a unix socket. */
  enter(address: string, now: number): string | null
  leave(address: string): void
  isTrusted(address: string): boolean
  /** Forgets what is older than a minute. */
  sweep(now: number): void
}

/**
 * One for all listeners of a daemon, since they share the memory that is bounded.
 * @param trusted addresses and networks: `10.0.0.0/8`, `fd00::/8`, `192.0.2.7`
 * @throws Refusal `bad_network`, fault `config`
 */
export function openDoors(limits: SmtpLimits, trusted: readonly string[]): Doors {
  const free = networks(['127.0.0.0/8', '::1', ...trusted])
  const isTrusted = (address: string) => address === '' || free.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
  const inside = new Map<string, number>()
  const recent = new Map<string, number[]>()
  let all = 0
  return {
    isTrusted,
    enter(address, now) {
      if (all >= limits.connections) return '421 4.7.0 Too many connections, try again later'
      if (!isTrusted(address)) {
        if ((inside.get(address) ?? 0) >= limits.connectionsPerAddress)
          return '421 4.7.0 Too many connections from your address'
        const times = (recent.get(address) ?? []).filter((time) => time > now - MINUTE)
        if (times.length >= limits.connectsPerMinute) return '421 4.7.0 Too many connections a minute from your address'
        recent.set(address, [...times, now])
      }
      all++
      inside.set(address, (inside.get(address) ?? 0) + 1)
      return null
    },
    leave(address) {
      all--
      const left = (inside.get(address) ?? 1) - 1
      if (left > 0) inside.set(address, left)
      else inside.delete(address)
    },
    sweep(now) {
      for (const [address, times] of recent) if ((times.at(-1) ?? 0) <= now - MINUTE) recent.delete(address)
    },
  }
}

/** An IPv4 peer of a dual-stack listener shows itself as `::ffff:192.0.2.1`. */
export const plainAddress = (address: string | undefined): string => (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '')

function networks(words: readonly string[]): BlockList {
  const list = new BlockList()
  for (const word of words) {
    const [address = '', prefix] = word.split('/')
    const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : null
    const longest = family === 'ipv4' ? 32 : 128
    const length = prefix === undefined ? longest : Number(prefix)
    if (!family || !/^\d{0,3}$/.test(prefix ?? '') || prefix === '' || length > longest)
      throw new Refusal('bad_network', `"${word}" is no address or network: write 10.0.0.0/8 or fd00::/8.`, 'config')
    list.addSubnet(address, length, family)
  }
  return list
}
