/**
 * How this installation runs: postroom.yml and the environment, read once at the start into a frozen object. Without a
 * file it is the demo desk. Refuses with line, column and remedy; never quotes a secret, and logs nothing.
 */
import { existsSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import path from 'node:path'
import { type ConfigFile, configSchema, zoneSchema } from './config/schema.ts'
import {
  type Endpoint,
  isLoopback,
  isPostgresUrl,
  type Listen,
  parseEndpoint,
  parseRelayUrl,
  type RelayUrl,
  resolveElsewhere,
} from './config/values.ts'
import { Refusal, wordsOf } from './errors.ts'
import { type Fault, locateFaults, readYaml, refusalOf } from './yaml.ts'

export type { Endpoint, Listen } from './config/values.ts'

export type Listener = {
  kind: 'mx' | 'lmtp'
  listen: Listen
  /** PEM texts. */
  tls: { cert: string; key: string } | null
  /** Rights of a unix socket. */
  mode: number
  /** Whose Authentication-Results are believed here (MAIL 5.3). */
  authservId: string | null
}

/** `implicit` from the first byte; `required` or `opportunistic` by STARTTLS. */
export type Relay = Endpoint & {
  tls: 'implicit' | 'required' | 'opportunistic'
  user: string | null
  password: string | null
  ca: string | null
  dkim: { domain: string; selector: string; key: string } | null
  perMinute: number
  perDomainMinute: number
  concurrency: number
}

/** A mailbox as intake-imap wants it, but for its inbox's address, which the desk knows. */
export type MailboxConfig = {
  name: string
  inbox: string
  host: string
  port: number
  tls: 'implicit' | 'starttls' | 'none'
  ca: string | null
  user: string
  login:
    | { password: string }
    | {
        oauth: {
          tokenUrl: string
          clientId: string
          clientSecret: string | null
          scope: string | null
          refreshToken: string
        }
      }
  folders: string[]
  after: { do: 'none' | 'seen' | 'keyword' | 'delete' } | { do: 'move'; folder: string }
  /** Days of old mail taken as archive at the first connection; 0: from now. */
  importDays: number
  authservId: string | null
  /** The folder that gets a copy of each answer; null: the relay keeps them itself. */
  sent: string | null
  /** The spam folder, or `\Junk`: what lies there is taken in and held (2.16). */
  junk: string | null
  watchSent: boolean
}

/** Name in lower case -> type -> values. */
export type Zone = Record<string, Partial<Record<'TXT' | 'A' | 'AAAA' | 'MX' | 'CNAME', string[]>>>

export type Config = {
  /** The absolute path of postroom.yml; null: the built-in demo desk. */
  file: string | null
  /** Absolute. */
  data: string
  database: 'embedded' | { url: string }
  /** `url` null: the address that the listener really got. */
  web: { listen: Endpoint; url: string | null }
  listeners: Listener[]
  /** Bytes; `trusted` and `webhooks` (networks inside that may be called) as `address/prefix`. */
  limits: {
    message: number
    reserve: number
    trusted: string[]
    webhooks: string[]
    bareNewline: 'normalise' | 'refuse'
  }
  dns: { from: 'system' } | { from: 'servers'; servers: string[] } | { from: 'zone'; file: string; zone: Zone }
  /** Domains whose ARC seals are believed (MAIL 5.1). */
  arcSealers: string[]
  /** Null: .eml files. */
  relay: Relay | null
  mailboxes: MailboxConfig[]
  /** `fallback`: the text that a fresh database gets where no file is named. */
  desk: { file: string | null; fallback: string | null }
}

const BUILT_IN = path.join(import.meta.dirname, '..', 'config')

/**
 * Finds and reads the configuration: `file`, else POSTROOM_CONFIG, else ./postroom.yml, else the demo desk. `data` and
 * POSTROOM_DATA go before the file's own `data`; POSTROOM_SMTP, POSTROOM_WEB and POSTROOM_RELAY before its listeners
 * and relay; DATABASE_URL replaces `embedded`. Paths in the file are relative to it, all others to `cwd`.
 * @throws Refusal `bad_config`, fault `config`, with all problems, a line each
 */
export function loadConfig(options: { file?: string; data?: string; env: NodeJS.ProcessEnv; cwd: string }): Config {
  const { env, cwd } = options
  const named = options.file ?? filled(env.POSTROOM_CONFIG)
  const nearby = path.join(cwd, 'postroom.yml')
  const file = named ? path.resolve(cwd, named) : existsSync(nearby) ? nearby : null
  const config = withEnvironment(file === null ? demo() : fromFile(file, env), env)
  const data = options.data ?? filled(env.POSTROOM_DATA)
  if (config.listeners.length === 0 && config.mailboxes.length === 0)
    throw refuse(`${config.file}: nothing can come in; add a listener or a mailbox.`)
  return freeze({ ...config, data: data ? path.resolve(cwd, data) : config.data || path.resolve(cwd, 'data') })
}

const refuse = (words: string): Refusal => new Refusal('bad_config', words, 'config')
const filled = (text: string | undefined): string | undefined => (text === '' ? undefined : text)

function demo(): Config {
  const zone = path.join(BUILT_IN, 'demo-zone.yml')
  const listen = { host: '127.0.0.1', port: 2525 }
  return {
    ...fromParsed(configSchema.parse({}), BUILT_IN),
    file: null,
    data: '',
    listeners: [{ kind: 'mx', listen, tls: null, mode: 0o660, authservId: null }],
    dns: { from: 'zone', file: zone, zone: readZone(zone) },
    desk: { file: null, fallback: readFileSync(path.join(BUILT_IN, 'demo-desk.yml'), 'utf8') },
  }
}

function fromFile(file: string, env: NodeJS.ProcessEnv): Config {
  const folder = path.dirname(file)
  const text = readText(file)
  const { value, locate, problems } = readYaml(text, path.basename(file), configSchema, (tree, faults) =>
    resolveElsewhere(tree, { folder, env }, faults),
  )
  if (value === null) throw refusalOf('bad_config', problems)
  const faults = checkWhole(value)
  if (faults.length > 0) throw refusalOf('bad_config', locateFaults(faults, path.basename(file), locate))
  return { ...fromParsed(value, folder), file }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw refuse(`${file} cannot be read: ${wordsOf(error)}.`)
  }
}

/** What no single value can tell. */
function checkWhole(value: ConfigFile): Fault[] {
  const faults: Fault[] = []
  const complain = (at: (string | number)[], cause: string, remedy: string) => faults.push({ path: at, cause, remedy })
  const seen = new Set<string>()
  for (const [n, { kind, listen, mode }] of value.listeners.entries()) {
    const place = 'path' in listen ? listen.path : `${listen.host}:${listen.port}`
    if (seen.has(place) && !place.endsWith(':0'))
      complain(['listeners', n, 'listen'], `${place} is listened on twice`, 'remove one')
    seen.add(place)
    if (kind === 'mx' && 'path' in listen)
      complain(['listeners', n, 'listen'], 'an mx listener has no socket file', 'write host:port, or kind: lmtp')
    if (mode && !('path' in listen)) complain(['listeners', n, 'mode'], 'only a socket file has rights', 'remove mode')
  }
  const names = value.mailboxes.map((one) => one.name)
  for (const [n, one] of value.mailboxes.entries()) {
    if (names.indexOf(one.name) !== n)
      complain(['mailboxes', n, 'name'], `mailbox "${one.name}" is there twice`, 'rename one of the two')
    if (one.tls === 'none' && !isLoopback(one.host))
      complain(
        ['mailboxes', n, 'tls'],
        'the password would travel in the clear',
        'write implicit or starttls; none is for this machine only',
      )
  }
  const { relay } = value
  if (relay?.password && relay.url.password)
    complain(['relay', 'password'], 'the password stands in the url too', 'keep one of the two')
  if (relay?.password && !relay.url.user)
    complain(['relay', 'url'], 'there is a password and no user', 'write smtps://user@host')
  if (relay?.url.user && relay.tls === 'opportunistic' && !relay.url.secure && !isLoopback(relay.url.host))
    complain(['relay', 'tls'], 'the password could travel in the clear', 'write required')
  if (relay?.url.secure && relay.tls) complain(['relay', 'tls'], 'smtps is encrypted from the first byte', 'remove tls')
  if (Array.isArray(value.dns))
    for (const [n, server] of value.dns.entries())
      if (isIP(server) === 0) complain(['dns', n], `"${server}" is no address`, 'write an address such as 192.0.2.53')
  return faults
}

function fromParsed(value: ConfigFile, folder: string): Config {
  const { limits } = value
  return {
    file: null,
    data: value.data ? path.resolve(folder, value.data) : '',
    database: value.database === 'embedded' ? 'embedded' : { url: value.database },
    web: { listen: value.web.listen, url: value.web.url ?? null },
    listeners: value.listeners.map(({ authserv_id, ...one }) => ({
      ...one,
      authservId: authserv_id ?? null,
      tls: one.tls ?? null,
      mode: Number.parseInt(one.mode ?? '660', 8),
    })),
    limits: {
      message: limits.message,
      reserve: limits.reserve,
      trusted: limits.trusted,
      webhooks: limits.webhooks,
      bareNewline: limits.bare_newline,
    },
    dns: readDns(value.dns, folder),
    arcSealers: value.arc_sealers,
    relay: value.relay ? toRelay(value.relay.url, value.relay) : null,
    mailboxes: value.mailboxes.map(toMailbox),
    desk: { file: value.desk ? path.resolve(folder, value.desk) : null, fallback: null },
  }
}

function readDns(dns: ConfigFile['dns'], folder: string): Config['dns'] {
  if (dns === 'system') return { from: 'system' }
  if (Array.isArray(dns)) return { from: 'servers', servers: dns }
  const file = path.resolve(folder, dns.zone)
  return { from: 'zone', file, zone: readZone(file) }
}

function readZone(file: string): Zone {
  const { value, problems } = readYaml(readText(file), path.basename(file), zoneSchema)
  if (value === null) throw refusalOf('bad_config', problems)
  return Object.fromEntries(
    Object.entries(value).map(([name, records]) => [name.toLowerCase().replace(/\.$/, ''), records]),
  )
}

/** Where nothing is said, TLS is required, except on this machine. */
function toRelay(url: RelayUrl, rest: Partial<NonNullable<ConfigFile['relay']>>): Relay {
  const defaults = configSchema.shape.relay.unwrap().shape
  return {
    host: url.host,
    port: url.port,
    tls: url.secure ? 'implicit' : (rest.tls ?? (isLoopback(url.host) ? 'opportunistic' : 'required')),
    user: url.user,
    password: rest.password ?? url.password,
    ca: rest.ca ?? null,
    dkim: rest.dkim ?? null,
    perMinute: rest.per_minute ?? defaults.per_minute.parse(undefined),
    perDomainMinute: rest.per_domain_minute ?? defaults.per_domain_minute.parse(undefined),
    concurrency: rest.concurrency ?? defaults.concurrency.parse(undefined),
  }
}

function toMailbox(one: ConfigFile['mailboxes'][number]): MailboxConfig {
  const { oauth, after, first } = one
  return {
    name: one.name,
    inbox: one.inbox,
    host: one.host,
    port: one.port ?? (one.tls === 'implicit' ? 993 : 143),
    tls: one.tls,
    ca: one.ca ?? null,
    user: one.user,
    login: oauth
      ? {
          oauth: {
            tokenUrl: oauth.token_url,
            clientId: oauth.client_id,
            clientSecret: oauth.client_secret ?? null,
            scope: oauth.scope ?? null,
            refreshToken: oauth.refresh_token,
          },
        }
      : { password: one.password! },
    folders: one.folders,
    after: typeof after === 'string' ? { do: after } : { do: 'move', folder: after.move },
    importDays: first === 'from_now' ? 0 : first.days,
    authservId: one.authserv_id ?? null,
    sent: one.sent ?? null,
    watchSent: one.watch_sent,
    junk: one.junk ?? null,
  }
}

function withEnvironment(config: Config, env: NodeJS.ProcessEnv): Config {
  const [smtp, web, relay, database] = [env.POSTROOM_SMTP, env.POSTROOM_WEB, env.POSTROOM_RELAY, env.DATABASE_URL].map(
    filled,
  )
  const changed = { ...config }
  if (smtp) changed.listeners = moveFirst(config.listeners, endpointOf('POSTROOM_SMTP', smtp))
  if (web) changed.web = { ...config.web, listen: endpointOf('POSTROOM_WEB', web) }
  if (relay) {
    const url = parseRelayUrl(relay)
    if (!url)
      throw refuse('POSTROOM_RELAY is no relay: write smtps://user:password@relay.example or smtp://relay.example:587.')
    const { dkim = null, perMinute, perDomainMinute, concurrency } = config.relay ?? {}
    changed.relay = { ...toRelay(url, {}), dkim, ...(perMinute && { perMinute, perDomainMinute, concurrency }) }
  }
  if (database && config.database === 'embedded') {
    if (!isPostgresUrl(database)) throw refuse('DATABASE_URL is no database: write postgres://user@host/name.')
    changed.database = { url: database }
  }
  return changed
}

function endpointOf(name: string, text: string): Endpoint {
  const endpoint = parseEndpoint(text)
  if (!endpoint) throw refuse(`${name} is no place to listen: write host:port, such as 127.0.0.1:2525.`)
  return endpoint
}

/** Moves the first mx listener, or adds one. */
function moveFirst(listeners: Listener[], listen: Endpoint): Listener[] {
  const first = listeners.findIndex((one) => one.kind === 'mx')
  if (first < 0) return [...listeners, { kind: 'mx', listen, tls: null, mode: 0o660, authservId: null }]
  return listeners.map((one, n) => (n === first ? { ...one, listen } : one))
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const inner of Object.values(value)) freeze(inner)
  return Object.freeze(value)
}
