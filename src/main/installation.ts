/** The opened installation: configuration, database with the newest schema, keys, templates. What every command needs. */
import path from 'node:path'
import { type Config, loadConfig } from '../config.ts'
import { makeDataFolder } from '../data-folder.ts'
import { connect, migrate, type Sql, type Target } from '../database.ts'
import { type Embedded, startEmbedded } from '../embedded-postgres.ts'
import { loadDesk } from '../engine/desk/load.ts'
import { watchDesk } from '../engine/desk/watch.ts'
import type { Tools } from '../engine/tools.ts'
import { Refusal } from '../errors.ts'
import type { Log } from '../log.ts'
import { loadTemplates, placeholders, type Templates } from '../render.ts'
import { loadSecret } from '../secrets.ts'
import { type Keys, loadKeys } from '../tokens.ts'

/** Options that every command takes. */
export type Place = { config?: string; data?: string }

export type Installation = {
  config: Config
  sql: Sql
  target: Target
  secret: Buffer
  keys: Keys
  templates: Templates
  /** Words for the start line: which database, where. */
  where: string
  /** Ends the connections; the last to leave stops the private server. */
  close(): Promise<void>
}

const root = path.join(import.meta.dirname, '..', '..')

/** Where the project keeps what it ships. */
export const shipped = { templates: path.join(root, 'templates'), migrations: path.join(root, 'drizzle') }

/** Names that `ack:` of a rule may have. */
export const TEMPLATES: readonly string[] = Object.keys(placeholders)

export const readConfig = (place: Place): Config => loadConfig({ ...pick(place), env: process.env, cwd: process.cwd() })

/**
 * Opens the installation; starts or joins the private server where there is one.
 * @throws Refusal, fault `config`, from any of its parts
 */
export async function openInstallation(place: Place, log: Log, now: Date): Promise<Installation> {
  const config = readConfig(place)
  makeDataFolder(config.data)
  const templates = loadTemplates(shipped.templates)
  const secret = loadSecret({ env: process.env, data: config.data })
  const embedded: Embedded | null =
    config.database === 'embedded' ? await startEmbedded({ data: config.data, log }) : null
  const target: Target = embedded ? embedded.connection : (config.database as { url: string })
  try {
    await migrate(target, shipped.migrations)
    const database = connect(target, { name: 'postroom' })
    try {
      const keys = await loadKeys(database.sql, secret, now)
      return {
        config,
        sql: database.sql,
        target,
        secret,
        keys,
        templates,
        where: embedded?.where ?? `PostgreSQL at ${new URL((target as { url: string }).url).host}`,
        async close() {
          await database.end()
          await embedded?.stop()
        },
      }
    } catch (error) {
      await database.end()
      throw error
    }
  } catch (error) {
    await embedded?.stop()
    throw error
  }
}

/** Opens, does, closes, whatever happens in between. */
export async function withInstallation<T>(
  place: Place,
  log: Log,
  work: (installation: Installation) => Promise<T>,
): Promise<T> {
  const installation = await openInstallation(place, log, new Date())
  try {
    return await work(installation)
  } finally {
    await installation.close()
  }
}

/** The desk as it stands, for a command: applied from its source first, as the daemon would. */
export async function openDesk(installation: Installation, log: Log): Promise<Tools> {
  let refused: string | null = null
  const { sql, config, keys, templates } = installation
  const watching = await watchDesk({
    sql,
    log,
    clock: () => new Date(),
    ...config.desk,
    templates: TEMPLATES,
    onRefused: (words) => {
      if (words !== null) refused = words
    },
  })
  await watching.stop()
  if (refused !== null) throw new Refusal('bad_desk', refused, 'config')
  return { desk: await loadDesk(sql), keys, templates }
}

const pick = (place: Place) => ({
  ...(place.config !== undefined && { file: place.config }),
  ...(place.data !== undefined && { data: place.data }),
})
