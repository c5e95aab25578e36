/** Whom this installation believes: its resolver, its own relays, the servers in front of it (MAIL 5.3, 5.14). */
import { BlockList, isIPv6 } from 'node:net'
import type { Config } from '../../config.ts'
import type { Auth, ParsedMail } from '../../incoming.ts'
import { authenticate, type Raw, unchecked } from '../authenticate.ts'
import type { Envelope } from '../spool.ts'
import { type Resolver, startResolver } from './resolver.ts'

export type Trust = {
  resolver: Resolver
  /** Domains whose ARC seals are believed. */
  sealers: readonly string[]
  /** Whose Authentication-Results are believed on the way a mail came, or null. */
  authservIdOf(envelope: Envelope): string | null
  /** A front relay of our own: its address says nothing about the sender. */
  isRelay(ip: string): boolean
}

/** What the configuration says. Nothing to stop. */
export function startTrust(
  config: Pick<Config, 'dns' | 'listeners' | 'mailboxes' | 'limits' | 'arcSealers'>,
  now: () => Date,
): Trust {
  const relays = new BlockList()
  for (const network of config.limits.trusted) {
    const [address = '', prefix = ''] = network.split('/')
    relays.addSubnet(address, Number(prefix), isIPv6(address) ? 'ipv6' : 'ipv4')
  }
  const ids = new Map<string, string>()
  for (const { listen, authservId } of config.listeners)
    if (authservId) ids.set('path' in listen ? listen.path : `${listen.host}:${listen.port}`, authservId)
  for (const { name, authservId } of config.mailboxes) if (authservId) ids.set(`imap ${name}`, authservId)
  return {
    resolver: startResolver(config.dns, now),
    sealers: config.arcSealers,
    authservIdOf: ({ via, listener }) =>
      (via === 'import' ? null : ids.get(via === 'imap' ? `imap ${listener}` : listener)) ?? null,
    isRelay: (ip) => relays.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4'),
  }
}

/** The server that brought a mail over SMTP; null: it came another way, from this machine, or by a relay of our own. */
export function clientOf(trust: Pick<Trust, 'isRelay'>, { via, session }: Envelope): string | null {
  const { ip } = session
  return via === 'mx' && ip && !trust.isRelay(ip) && !/^(?:127\.|::1$)/.test(ip) ? ip : null
}

/**
 * The verdict on a mail that came in, by the way it came. Imported history and what cannot be read are not looked at.
 * Rejects only with what reading `raw` rejects with.
 */
export async function authOf(
  trust: Trust,
  { envelope, mail, raw }: { envelope: Envelope; mail: ParsedMail; raw: Raw },
): Promise<Auth> {
  if (mail.error !== null) return unchecked('unreadable', 'a mail that cannot be read is not authenticated')
  if ((envelope.session as { archive?: boolean }).archive)
    return unchecked('archive', 'imported history is not authenticated')
  const { ip, helo } = envelope.session
  const client = envelope.via === 'mx' && ip && !trust.isRelay(ip) ? ip : null
  return await authenticate(
    raw,
    {
      mail,
      ip: client,
      helo: helo ?? null,
      envelopeFrom: envelope.from,
      authservId: trust.authservIdOf(envelope),
      sealers: trust.sealers,
      receivedAt: envelope.receivedAt,
    },
    trust.resolver,
  )
}
