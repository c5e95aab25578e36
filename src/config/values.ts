/** Values of postroom.yml that need more than a type: where to listen, networks, relays, what comes from elsewhere. */
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP, isIPv4 } from 'node:net'
import path from 'node:path'
import { wordsOf } from '../errors.ts'
import type { Fault, Path } from '../yaml.ts'

export type Endpoint = { host: string; port: number }
/** A TCP endpoint, or the path of a unix socket. */
export type Listen = Endpoint | { path: string }

/** `127.0.0.1:2525`, `[::1]:2525`, `localhost:0`, `:25` (all addresses); null when it is none of these. */
export function parseEndpoint(text: string): Endpoint | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:/[\]]*)):(\d{1,5})$/i.exec(text.trim())
  const port = Number(match?.[3])
  if (!match || port > 65_535) return null
  if (match[1] !== undefined) return isIP(match[1]) === 6 ? { host: match[1], port } : null
  const host = match[2] === '' || match[2] === '*' ? '::' : match[2]!
  const looksLikeAddress = /^[\d.]+$/.test(host)
  return (looksLikeAddress && !isIPv4(host)) || !/^[a-z0-9._:-]+$/i.test(host) ? null : { host, port }
}

/** As parseEndpoint, or the absolute path of a socket, `unix:` in front allowed. At most 107 bytes (unix(7)). */
export function parseListen(text: string): Listen | null {
  const socket = text.trim().replace(/^unix:/, '')
  if (!socket.startsWith('/')) return parseEndpoint(text)
  return Buffer.byteLength(socket) <= 107 && !socket.endsWith('/') ? { path: socket } : null
}

/** `10.0.0.0/8`, `::1` as `address/prefix`; null when it is no network. */
export function parseNetwork(text: string): string | null {
  const [address = '', prefix, ...rest] = text.trim().split('/')
  const bits = isIP(address) === 4 ? 32 : 128
  if (isIP(address) === 0 || rest.length > 0) return null
  if (prefix === undefined) return `${address}/${bits}`
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits ? `${address}/${Number(prefix)}` : null
}

/** Whether a host is this machine: only there may a password or a mail go without TLS unasked. */
export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host)

export type RelayUrl = Endpoint & { secure: boolean; user: string | null; password: string | null }

/** `smtps://user@relay.example`, `smtp://relay.example:587`; ports 465 and 587 unless they say another. */
export function parseRelayUrl(text: string): RelayUrl | null {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !/^smtps?:$/.test(url.protocol) || url.hostname === '') return null
  if (url.search !== '' || url.hash !== '' || !/^\/?$/.test(url.pathname)) return null
  const secure = url.protocol === 'smtps:'
  try {
    return {
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
      secure,
      user: url.username === '' ? null : decodeURIComponent(url.username),
      password: url.password === '' ? null : decodeURIComponent(url.password),
    }
  } catch {
    return null // a % that encodes nothing
  }
}

export const isPostgresUrl = (text: string): boolean =>
  URL.canParse(text) && /^postgres(?:ql)?:$/.test(new URL(text).protocol)

/** Whether a PEM holds a private key that can be read without a passphrase. */
export function isPrivateKey(pem: string): boolean {
  try {
    createPrivateKey(pem)
    return true
  } catch {
    return false
  }
}

/**
 * Puts the content in place of every `{env: NAME}` and `{file: PATH}` (relative to `folder`, last line end removed).
 * What cannot be had is a fault, and the value becomes absent. Never quotes a content.
 */
export function resolveElsewhere(
  tree: unknown,
  from: { folder: string; env: NodeJS.ProcessEnv },
  faults: Fault[],
): unknown {
  const resolve = (value: unknown, at: Path): unknown => {
    if (Array.isArray(value)) return value.map((item, n) => resolve(item, [...at, n]))
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value)
    const [key, name] = entries[0] ?? []
    if (entries.length === 1 && typeof name === 'string') {
      if (key === 'env') return fromEnvironment(name, at)
      if (key === 'file') return fromFile(name, at)
    }
    return Object.fromEntries(entries.map(([key, inner]) => [key, resolve(inner, [...at, key])]))
  }
  const fromEnvironment = (name: string, at: Path): string | undefined => {
    const value = from.env[name]
    if (value !== undefined && value !== '') return value
    faults.push({ path: at, cause: `the environment variable ${name} is not set`, remedy: 'set it before the start' })
    return undefined
  }
  const fromFile = (name: string, at: Path): string | undefined => {
    try {
      return readFileSync(path.resolve(from.folder, name), 'utf8').replace(/\r?\n$/, '')
    } catch (error) {
      const remedy = `make it readable; the path is relative to ${from.folder}`
      faults.push({ path: at, cause: `the file ${name} cannot be read (${wordsOf(error)})`, remedy })
      return undefined
    }
  }
  return resolve(tree, [])
}
