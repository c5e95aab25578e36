/**
 * Calls out: JSON posted to an address that the desk file names. It refuses whatever lies inside: a name or a number that
 * leads to this machine or a private network is not called unless its network is allowed, and what is called is the very
 * address that was checked. It follows no redirect, reads hardly anything of the answer and waits for nobody long.
 */
import { lookup } from 'node:dns'
import http from 'node:http'
import https from 'node:https'
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net'
import { hooks as limits } from './limits.ts'

export type HookCall = {
  url: string
  /** JSON text. */
  body: string
  /** The same for every try of one call: whoever is called can tell a repetition. */
  key: string
}

/** `ok` for a status from 200 to 299; `words` are for admins, without anything that the other side wrote. */
export type HookAnswer = { ok: boolean; status: number | null; words: string }

/** Whether a text is an address that may stand in the desk file: http or https, without a password in it. */
export function isHookUrl(text: string): boolean {
  if (text.length > limits.url || !URL.canParse(text)) return false
  const url = new URL(text)
  return /^https?:$/.test(url.protocol) && url.hostname !== '' && url.username === '' && url.password === ''
}

/**
 * Posts once. Never rejects.
 * @param allowed networks inside that may be called, as `10.0.0.0/8`
 */
export async function callHook(call: HookCall, allowed: readonly string[]): Promise<HookAnswer> {
  const url = new URL(call.url)
  const inside = networksOf(allowed)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) && !mayCall(host, inside)) return failed(REFUSED)
  const { promise, resolve } = Promise.withResolvers<HookAnswer>()
  const request = (url.protocol === 'https:' ? https : http).request(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(call.body),
      'User-Agent': 'Postroom',
      'Idempotency-Key': call.key,
    },
    agent: false, // no connection is kept: each call asks anew where the name leads
    lookup: checkedLookup(inside),
    signal: AbortSignal.timeout(limits.patience),
  })
  request.once('response', (answer) => {
    const status = answer.statusCode ?? 0
    resolve({ ok: status >= 200 && status < 300, status, words: `answered ${status}` })
    answer.destroy()
  })
  request.once('error', (error: NodeJS.ErrnoException) => resolve(failed(wordsFor(error))))
  request.end(call.body)
  return await promise
}

const REFUSED = 'leads to this machine or a private network: limits.webhooks in postroom.yml allows those you name'

const failed = (words: string): HookAnswer => ({ ok: false, status: null, words })

/** The words of the runtime may quote what others chose; the code does not. */
function wordsFor(error: NodeJS.ErrnoException): string {
  if (error.code === 'EPRIVATE') return REFUSED
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return `no answer in ${limits.patience / 1000} s`
  return `could not be reached (${error.code ?? 'unknown'})`
}

/** Only addresses that may be called come out of it, so that no second answer of the DNS is believed. */
function checkedLookup(inside: BlockList): LookupFunction {
  return (name, options, done) => {
    lookup(name, { ...options, all: true }, (error, found) => {
      const good = error ? [] : found.filter(({ address }) => mayCall(address, inside))
      if (error) return void done(error, '', 0)
      const refused = Object.assign(new Error(REFUSED), { code: 'EPRIVATE' })
      if (good.length === 0) return void done(refused, '', 0)
      if (options.all) return void done(null, good)
      done(null, good[0]!.address, good[0]!.family)
    })
  }
}

function mayCall(address: string, inside: BlockList): boolean {
  const plain = address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '')
  const family = isIPv6(plain) ? 'ipv6' : 'ipv4'
  return inside.check(plain, family) || !PRIVATE.check(plain, family)
}

/** Everything that is not the public internet (IANA special-purpose registries), and ways to wrap IPv4 into IPv6. */
const PRIVATE = networksOf([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16', // also where clouds keep the keys of their machines
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  '::/96',
  '::ffff:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
])

function networksOf(words: readonly string[]): BlockList {
  const list = new BlockList()
  for (const word of words) {
    const [address = '', prefix] = word.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    list.addSubnet(address, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family)
  }
  return list
}
