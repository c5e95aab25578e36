/** What a connection begins with: how we log in, and which folders of this server are meant. */
import type { Session } from './connection.ts'
import type { Credentials, Mailbox } from './mailbox.ts'
import type { Tokens } from './oauth.ts'

/** What holds our own mail, or mail that nobody sent us yet: never customers' mail (2.16, 2.17). */
const NOT_WATCHED = ['\\Sent', '\\Drafts', '\\Junk', '\\Trash']

/** A folder to poll; mail in a `junk` one is held (2.16), mail in a `sent` one is no customer's (2.17). */
export type Watched = { path: string; holds: 'mail' | 'junk' | 'sent' }

/** @throws as Tokens.access */
export async function credentialsOf(mailbox: Mailbox, tokens: Tokens | null, now: Date): Promise<Credentials> {
  if (tokens) return { accessToken: await tokens.access(now) }
  return { password: 'password' in mailbox.login ? mailbox.login.password : '' }
}

/**
 * The folders to poll, special uses as this server names them (2.19), the spam folder last, and the paths of the
 * configuration that are not for us.
 */
export async function foldersOf(mailbox: Mailbox, session: Session): Promise<{ watched: Watched[]; left: string[] }> {
  const wanted = mailbox.folders.length ? mailbox.folders : ['INBOX']
  const listed = await session.folders()
  const pathOf = (folder: string) => listed.find((one) => same(one.use, folder))?.path ?? folder
  const paths = wanted.map(pathOf)
  const uses = new Map(listed.map((one) => [one.path, one.use]))
  const left = paths.filter((path) => NOT_WATCHED.some((use) => same(uses.get(path) ?? null, use)))
  const junk = mailbox.junk === null ? null : pathOf(mailbox.junk)
  const sent = mailbox.watchSent && mailbox.sent !== null ? pathOf(mailbox.sent) : null
  const watched = paths.flatMap((path): Watched[] =>
    path === junk || path === sent || left.includes(path) ? [] : [{ path, holds: 'mail' }],
  )
  if (junk !== null) watched.push({ path: junk, holds: 'junk' })
  if (sent !== null) watched.push({ path: sent, holds: 'sent' })
  return { watched, left: left.filter((path) => path !== junk) }
}

const same = (use: string | null, name: string) => use?.toLowerCase() === name.toLowerCase()
