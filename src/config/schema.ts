/** The keys of postroom.yml and of a DNS zone file, and the form of each value. */
import { z } from 'zod'
import { outgoing, smtp } from '../limits.ts'
import { parseSize } from '../sizes.ts'
import { isPostgresUrl, isPrivateKey, parseEndpoint, parseListen, parseNetwork, parseRelayUrl } from './values.ts'

/** A text turned into something else. The text is never quoted: it may be a secret. */
const converted = <T>(convert: (text: string) => T | null, what: string, remedy: string) =>
  z
    .string()
    .transform((text, context) => {
      const value = convert(text)
      if (value !== null) return value
      context.addIssue({ code: 'custom', message: `this is no ${what}`, params: { remedy } })
      return z.NEVER
    })
    .meta({ remedy })

const some = (remedy: string) => z.string().min(1).meta({ remedy })
const count = (from: number, to: number) =>
  z
    .int()
    .min(from)
    .max(to)
    .meta({ remedy: `write a whole number from ${from} to ${to}` })
const list = <S extends z.ZodType>(item: S, remedy: string) =>
  z
    .preprocess((value) => value ?? [], z.array(item))
    .optional()
    .default([])
    .meta({ remedy })

const MB = 1024 * 1024
const size = (least: number, most: number, remedy: string) =>
  converted(
    (text) => {
      const bytes = parseSize(text)
      return bytes !== null && bytes >= least && bytes <= most ? bytes : null
    },
    'size that may stand here',
    remedy,
  )

const endpoint = converted(parseEndpoint, 'place to listen', 'write host:port, such as 127.0.0.1:8025 or [::1]:8025')
const listen = converted(
  parseListen,
  'place to listen',
  'write host:port, or the absolute path of a socket of at most 107 bytes',
)
const network = converted(parseNetwork, 'network', 'write it as 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32')
const relayUrl = converted(parseRelayUrl, 'relay', 'write smtps://user@relay.example or smtp://relay.example:587')
const url = converted(
  (text) => (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) ? text.replace(/\/+$/, '') : null),
  'web address',
  'write it as https://desk.example',
)
const pem = (what: string) => some(`write {file: ...} with the path of the ${what}`)
const privateKey = z
  .string()
  .refine(isPrivateKey, { error: 'this is no private key that can be read' })
  .meta({ remedy: 'write {file: ...} with the path of a PEM file without a passphrase' })

const after = z
  .union([z.enum(['none', 'seen', 'keyword', 'delete']), z.strictObject({ move: some('write the name of a folder') })])
  .meta({ remedy: 'write none, seen, keyword, delete, or {move: FOLDER}' })

const oauth = z.strictObject({
  client_id: some("write the application's id"),
  client_secret: some("write the application's secret").optional(),
  refresh_token: some('write the refresh token'),
  token_url: url,
  scope: some('write the scope that the provider asks for').optional(),
})

const mailbox = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]{0,59}$/)
      .meta({ remedy: 'write a short name of lower-case letters, digits, - and _' }),
    inbox: some('write the key of an inbox of the desk file'),
    host: some('write the name of the IMAP server'),
    port: count(1, 65_535).optional(),
    tls: z.enum(['implicit', 'starttls', 'none']).default('implicit'),
    ca: pem('certificate of your own authority').optional(),
    user: some('write the login name'),
    password: some('write {env: NAME} or {file: PATH}').optional(),
    oauth: oauth.optional(),
    folders: z
      .array(some('write the name of a folder'))
      .min(1)
      .default(['INBOX'])
      .meta({ remedy: 'write a list such as [INBOX]' }),
    after: after.default('none'),
    first: z
      .union([z.literal('from_now'), z.strictObject({ days: count(1, 3650) })])
      .default('from_now')
      .meta({ remedy: 'write from_now, or {days: 30} to take old mail as archive' }),
    authserv_id: some('write the name that stands first in Authentication-Results').optional(),
    sent: some('write the name of a folder, such as Sent').optional(),
    watch_sent: z.boolean().default(false),
    junk: some('write the name of the spam folder, or \\Junk').optional(),
  })
  .refine((one) => (one.password === undefined) !== (one.oauth === undefined), {
    error: 'a mailbox has either a password or oauth',
  })
  .refine((one) => one.sent === undefined || !one.folders.includes(one.sent), {
    path: ['sent'],
    error: 'a folder that is polled cannot take the copies of what is sent',
    params: { remedy: 'write the name of another folder' },
  })
  .refine((one) => !one.watch_sent || one.sent !== undefined, {
    path: ['watch_sent'],
    error: 'which folder is to be watched is not said',
    params: { remedy: 'write sent: Sent beside it' },
  })
  .refine((one) => one.junk === undefined || (one.junk !== one.sent && !one.folders.includes(one.junk)), {
    path: ['junk'],
    error: 'a folder of other mail cannot be the spam folder',
    params: { remedy: 'take it out of folders, or name another one' },
  })
  .meta({ remedy: 'write password: {env: NAME}, or oauth: {...}' })

export const configSchema = z.strictObject({
  database: z
    .string()
    .refine((text) => text === 'embedded' || isPostgresUrl(text), { error: 'this is no database' })
    .default('embedded')
    .meta({ remedy: 'write embedded, or postgres://user@host/name' }),
  data: some('write the path of a folder').optional(),
  web: z.strictObject({ listen: endpoint.prefault('127.0.0.1:8025'), url: url.optional() }).prefault({}),
  listeners: list(
    z.strictObject({
      kind: z.enum(['mx', 'lmtp']),
      listen,
      tls: z.strictObject({ cert: pem('certificate chain'), key: privateKey }).optional(),
      mode: z
        .string()
        .regex(/^0?[0-7]{3}$/)
        .optional()
        .meta({ remedy: 'write the rights of the socket as "660", in quotes' }),
      authserv_id: some('write the name that stands first in Authentication-Results').optional(),
    }),
    'write a list such as [{kind: mx, listen: 0.0.0.0:25}]',
  ),
  limits: z
    .strictObject({
      message: size(MB, 1024 * MB, 'write a size from "1 MB" to "1 GB"').prefault(`${smtp.message / MB} MB`),
      reserve: size(0, 1024 * 1024 * MB, 'write a size such as "1 GB"').prefault(`${smtp.reserve / MB} MB`),
      trusted: list(network, 'write a list such as [10.0.0.0/8]'),
      webhooks: list(network, 'write a list such as [10.0.0.0/8]'),
      bare_newline: z.enum(['normalise', 'refuse']).default('normalise'),
    })
    .prefault({}),
  dns: z
    .union([
      z.literal('system'),
      z.array(some('write an address such as 192.0.2.53')).min(1),
      z.strictObject({ zone: some('write the path of a zone file') }),
    ])
    .default('system')
    .meta({ remedy: 'write system, a list of addresses of servers, or {zone: FILE}' }),
  arc_sealers: list(some('write the domain of a forwarder that you believe'), 'write a list of domains'),
  relay: z
    .strictObject({
      url: relayUrl,
      password: some('write {env: NAME} or {file: PATH}').optional(),
      tls: z.enum(['required', 'opportunistic']).optional(),
      ca: pem('certificate of your own authority').optional(),
      dkim: z
        .strictObject({
          domain: z
            .string()
            .regex(/^[a-z0-9.-]+\.[a-z0-9-]+$/i)
            .meta({ remedy: 'write the domain that signs, such as desk.example' }),
          selector: z
            .string()
            .regex(/^[a-z0-9._-]+$/i)
            .meta({ remedy: 'write the selector, the name in front of ._domainkey' }),
          key: privateKey,
        })
        .optional(),
      per_minute: count(1, 100_000).default(outgoing.perMinute),
      per_domain_minute: count(1, 100_000).default(outgoing.perDomainMinute),
      concurrency: count(1, 100).default(outgoing.concurrency),
    })
    .optional(),
  mailboxes: list(
    mailbox,
    'write a list such as [{name: main, inbox: support, host: imap.example, user: desk, password: {env: IMAP_PASSWORD}}]',
  ),
  desk: some('write the path of the desk file').optional(),
})

export type ConfigFile = z.output<typeof configSchema>

const texts = z.array(z.string().max(4000)).meta({ remedy: 'write a list of texts, each in quotes' })
/** name -> its records; MX as "10 mail.example". */
export const zoneSchema = z.record(
  z.string(),
  z.strictObject({
    TXT: texts.optional(),
    A: texts.optional(),
    AAAA: texts.optional(),
    MX: texts.optional(),
    CNAME: texts.optional(),
  }),
)
