/** What every page is given: the desk's doors, the clock, and who is looking. Types only, made once by main.ts. */
import type { Hono } from 'hono'
import type { Sql } from '../database.ts'
import type { QueueOrder } from '../engine/tables.ts'
import type { Tools } from '../engine/tools.ts'
import type { ParsedMail } from '../incoming.ts'
import type { Log } from '../log.ts'

/** The agent who is signed in, with the session they came by. */
export type SignedIn = {
  id: number
  address: string
  name: string
  admin: boolean
  /** IANA name; times are shown in it. */
  zone: string
  /** How they want tickets ordered. */
  order: QueueOrder
  sessionId: number
}

/** Who gets a sign-in link: a row of agents. */
export type LinkTarget = { id: number; address: string; name: string; locale: string | null }

export type Web = {
  sql: Sql
  /** Reads a mail in a child process that can be killed; `dispose` deletes its decoded parts. */
  parse(source: AsyncIterable<Buffer>): Promise<{ mail: ParsedMail; dispose(): Promise<void> }>
  tools: () => Tools
  now: () => Date
  log: Log
  config: {
    /** The origin that links in mails point to, such as `https://desk.example`. */
    url: string
    /** True when people come by https: the cookie is then `Secure` and `__Host-`. */
    secureCookies: boolean
  }
  /** One word per part: `ok` and `off` are healthy, any other word makes `/health` answer 503. */
  parts: () => Record<string, string> | Promise<Record<string, string>>
}

export type Env = { Variables: { agent: SignedIn } }

/** A part of the site, mounted by app.ts. */
export type Pages = Hono<Env>
