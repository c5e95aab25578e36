/**
 * Access tokens for XOAUTH2 (2.11). The refresh token is a sealed row of `keys`; a rotated one is stored before the
 * access token that came with it is used, because the old one may be void from then on. `invalid_grant` is final until
 * a person authorises again. Tokens and secrets never reach a log or an error's words.
 */
import { createHash } from 'node:crypto'
import type { Sql } from '../../database.ts'
import { Refusal, wordsOf } from '../../errors.ts'
import { findSecret, storeSecret } from '../../keys.ts'
import type { ImapLimits, OAuth } from './mailbox.ts'

/** `seed` tells which configured token this one descends from: another one in the configuration replaces it. */
type Grant = { refresh: string; seed: string; at: string }

export type Tokens = {
  /**
   * An access token that is good for some minutes more.
   * @throws Refusal `oauth_revoked` (final), `oauth_refused` (the provider's no), `oauth_unreachable`
   */
  access(now: Date): Promise<string>
  /** The server refused the access token: the next `access` asks for a new one. */
  drop(): void
  /** At least weekly, or an idle refresh token expires. */
  keepAlive(now: Date): Promise<void>
  /** Whether the provider called the current grant void; false again once the configuration brings another. */
  revoked(): Promise<boolean>
}

export function startTokens(given: {
  sql: Sql
  secret: Buffer
  name: string
  oauth: OAuth
  limits: ImapLimits
}): Tokens {
  const { sql, secret, oauth, limits } = given
  const key = `oauth/${given.name}`
  let current: { token: string; until: number } | null = null
  let refreshedAt: number | null = null
  let unsaved: Grant | null = null // rotated, but the database was away
  let voided: string | null = null

  const load = async (): Promise<Grant> => {
    if (unsaved) return unsaved
    const seed = hash(oauth.refreshToken)
    const stored = await findSecret(sql, secret, key)
    const grant = stored ? (JSON.parse(stored.toString()) as Grant) : null
    return grant?.seed === seed ? grant : { refresh: oauth.refreshToken, seed, at: new Date(0).toISOString() }
  }
  const save = async (grant: Grant, now: Date) => {
    unsaved = grant
    await storeSecret(sql, secret, key, JSON.stringify(grant), now)
    unsaved = null
  }
  const refresh = async (now: Date) => {
    if (unsaved) await save(unsaved, now)
    const grant = await load()
    const answer = await ask(oauth, grant.refresh, limits).catch((error: unknown) => {
      if ((error as { code?: unknown }).code === 'oauth_revoked') voided = hash(grant.refresh)
      throw error
    })
    // Stored even when it stayed the same: the time tells when it was last used.
    await save({ ...grant, refresh: answer.refresh ?? grant.refresh, at: now.toISOString() }, now)
    voided = null
    refreshedAt = now.getTime()
    current = { token: answer.access, until: now.getTime() + answer.lifetime }
    return answer.access
  }
  return {
    access: async (now) =>
      current && current.until - now.getTime() > limits.refreshBefore ? current.token : refresh(now),
    drop: () => {
      current = null
    },
    keepAlive: async (now) => {
      const last = refreshedAt ?? Date.parse((await load()).at)
      if (now.getTime() - last >= limits.refreshAtLeast) await refresh(now)
    },
    revoked: async () => voided !== null && hash((await load()).refresh) === voided,
  }
}

const hash = (text: string) => createHash('sha256').update(text).digest('hex')

type Answer = { access: string; refresh: string | null; lifetime: number }

async function ask(oauth: OAuth, refresh: string, limits: ImapLimits): Promise<Answer> {
  const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refresh, client_id: oauth.clientId })
  if (oauth.clientSecret !== null) form.set('client_secret', oauth.clientSecret)
  if (oauth.scope !== null) form.set('scope', oauth.scope)
  const host = new URL(oauth.tokenUrl).host
  let status: number
  let text: string
  try {
    const response = await fetch(oauth.tokenUrl, {
      method: 'POST',
      body: form,
      headers: { accept: 'application/json' },
      redirect: 'error', // it would carry the refresh token along
      signal: AbortSignal.timeout(limits.tokenEndpoint),
    })
    status = response.status
    text = await readSome(response, limits.tokenAnswer)
  } catch (error) {
    const cause = error instanceof Error && error.cause ? `${wordsOf(error)}: ${wordsOf(error.cause)}` : wordsOf(error)
    throw new Refusal('oauth_unreachable', `The token endpoint ${host} cannot be reached: ${cause}`, 'outage')
  }
  return readAnswer({ status, text, host })
}

/** Which of the three: a token, a final no, or a no that may pass. Exported for its table test. */
export function readAnswer({ status, text, host }: { status: number; text: string; host: string }): Answer {
  const body = parseObject(text)
  if (body.error === 'invalid_grant') {
    const words = `${host} says that the authorisation is void (invalid_grant): authorise the mailbox again`
    throw new Refusal('oauth_revoked', words, 'config')
  }
  if (status >= 500 || status === 429)
    throw new Refusal('oauth_unreachable', `The token endpoint ${host} answers ${status}`, 'outage')
  if (status !== 200 || typeof body.access_token !== 'string' || body.access_token === '') {
    const said = typeof body.error === 'string' ? `: ${body.error.slice(0, 100)}` : ''
    throw new Refusal('oauth_refused', `The token endpoint ${host} answers ${status}${said}`, 'outage')
  }
  const seconds = Number(body.expires_in)
  return {
    access: body.access_token,
    refresh: typeof body.refresh_token === 'string' && body.refresh_token !== '' ? body.refresh_token : null,
    lifetime: (Number.isFinite(seconds) && seconds > 0 ? seconds : 3600) * 1000,
  }
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {} // an HTML error page; the status says enough
  }
}

async function readSome(response: Response, most: number): Promise<string> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of response.body ?? []) {
    bytes += piece.length
    if (bytes > most) throw new Error(`it answers with more than ${most} bytes`)
    pieces.push(Buffer.from(piece))
  }
  return Buffer.concat(pieces).toString('utf8')
}
