/**
 * Keeps the running desk the newest one: a changed desk file becomes a version without a restart, a version made by any
 * daemon is loaded by all. A bad file is refused in words and the last good desk stays.
 */
import { type FSWatcher, statSync, watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { isOutage, listen, rolledBack, type Sql, type Tx, transaction } from '../../database.ts'
import { Refusal, wordsOf } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { SECOND } from '../../time.ts'
import { refusalOf } from '../../yaml.ts'
import type { Desk } from '../desk.ts'
import { type ReadMail, runFileTests } from '../rules/tests.ts'
import { applyDesk, BUILT_IN, DESK_CHANNEL, findNewest, type Version } from './apply.ts'
import { locateInDocument, type ParseOptions, parseDesk } from './document.ts'
import { holidayFilesIn, readHolidayFiles } from './holiday-files.ts'
import { loadDesk, readDesk } from './load.ts'

export type DeskSource =
  /** Null: the database alone holds the desk; a fresh one gets `fallback`. */
  { file: string | null; fallback: string | null }

export type WatchOptions = DeskSource & {
  sql: Sql
  log: Log
  clock: () => Date
  /** Called with each desk after the first. */
  onDesk?: (desk: Desk) => void
  /** Called when the file is refused, and with null when it is good again. */
  onRefused?: (words: string | null) => void
  readMail?: ReadMail
  templates?: ParseOptions['templates']
  /** Milliseconds between two looks at the file. */
  poll?: number
}

type SourceOptions = Pick<WatchOptions, 'sql' | 'file' | 'fallback' | 'readMail' | 'templates' | 'clock'> & {
  /** Called with the paths of the files of holidays that the text names, before anything is refused. */
  onNamed?: (files: string[]) => void
}

/** In whose transaction a version is made. */
type Run = (work: (tx: Tx) => Promise<void>) => Promise<void>

export type Watching = { desk(): Desk; stop(): Promise<void> }

/**
 * Applies the file (or the fallback to a fresh database), loads the desk and follows both. A bad file at the start is
 * refused like a later one when an earlier version can run; without one there is nothing to run and it throws.
 * @throws Refusal `bad_desk`, `no_desk`
 */
export async function watchDesk(options: WatchOptions): Promise<Watching> {
  const { sql, log, onDesk } = options
  let named: string[] = []
  const source = {
    ...options,
    onNamed: (files: string[]) => {
      named = files
    },
  }
  let refused = await takeSource(source, 'first')
  let desk = await loadDesk(sql)
  if (refused !== null) options.onRefused?.(refused)
  // One thing at a time: a change that comes while another is worked on is looked at after it.
  let work: Promise<void> = Promise.resolve()
  let stopped = false
  const next = (task: () => Promise<void>, failed = () => {}) => {
    work = work.then(async () => {
      if (stopped) return
      await task().catch((error: unknown) => {
        log.error('desk_reload_failed', { words: wordsOf(error) })
        failed()
      })
    })
  }
  const reload = async () => {
    desk = await loadDesk(sql) // a new version, or an agent added at run time
    log.info('desk_loaded', { version: desk.version })
    onDesk?.(desk)
  }
  const retake = async () => {
    const before = refused
    refused = await takeSource(source, 'again')
    if (refused !== before) options.onRefused?.(refused)
    if (refused !== null) log.warn('desk_refused', { words: refused })
  }
  let heard = false
  const listening = await listen(sql, DESK_CHANNEL, (payload) => {
    // The first '' says that listening begins: only a version made since the load above is news.
    const begins = payload === '' && !heard
    heard = true
    next(async () => {
      if (!begins || (await findNewest(sql))?.version !== desk.version) await reload()
    })
  })
  const following = options.file
    ? followFile(options.file, { poll: options.poll ?? 2 * SECOND, beside: () => named }, (again) =>
        next(retake, again),
      )
    : null
  return {
    desk: () => desk,
    async stop() {
      stopped = true
      following?.stop()
      await listening.stop()
      await work
    },
  }
}

/**
 * The desk that a daemon started now would run, and the words when its file is refused; no version is made.
 * @throws Refusal `bad_desk`, `no_desk`
 */
export async function previewDesk(options: SourceOptions): Promise<{ desk: Desk; refused: string | null }> {
  return rolledBack(options.sql, async (tx) => {
    const refused = await takeSource(options, 'first', (work) => work(tx))
    return { desk: await readDesk(tx), refused }
  })
}

/** The version the text in a file was made from, as far as anyone can know; `undefined`: whatever is newest. */
export function baseOf(text: string, author: string, newest: Version | null): number | null | undefined {
  if (!newest || newest.author === BUILT_IN || newest.author === author) return undefined
  const line = /^#\s*base:\s*(\d{1,9})\s*$/m.exec(text.slice(0, 1000))
  return line ? Number(line[1]) : null
}

/** Words when the file is refused, null when its text runs or nothing was to be done. */
async function takeSource(
  options: SourceOptions,
  when: 'first' | 'again',
  run: Run = (work) => transaction(options.sql, work),
): Promise<string | null> {
  try {
    if (options.file) await takeFile(options, path.resolve(options.file), run)
    else if (options.fallback !== null) await takeFallback(options, options.fallback, run)
    return null
  } catch (error) {
    if (isOutage(error)) throw error
    const runs = when === 'again' || (await findNewest(options.sql)) !== null
    if (!(error instanceof Refusal) || !runs) throw error
    return error.message
  }
}

async function takeFile(source: SourceOptions, file: string, run: Run): Promise<void> {
  const { readMail, templates, clock } = source
  const name = path.basename(file)
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Refusal('bad_desk', `${file} cannot be read: ${wordsOf(error)}`, 'config')
  })
  const folder = path.dirname(file)
  source.onNamed?.(holidayFilesIn(text).map((one) => path.resolve(folder, one)))
  const options = { ...(templates && { templates }), holidays: await readHolidayFiles(text, folder) }
  const { document, problems } = parseDesk(text, name, options)
  if (!document) throw refusalOf('bad_desk', problems)
  if (readMail) {
    const results = await runFileTests(document.desk, document.tests, readMail)
    const red = results.flatMap((result) => result.faults)
    if (red.length > 0) throw refusalOf('bad_desk', locateInDocument(document, red))
  }
  const author = `file:${file}`
  await run(async (tx) => {
    const newest = await findNewest(tx)
    const older = newest && (await isOlder(tx, text))
    // A file that still says what an older version said was not changed: somebody else went on.
    if (older && newest.author !== author) throw behind(name, newest)
    // The text that runs, whoever wrote it, may still name a file that changed.
    const base = newest?.source === text ? newest.version : baseOf(text, author, newest)
    await applyDesk(tx, { text, author, file: name, ...(base !== undefined && { base }), ...options }, clock())
  })
}

async function takeFallback({ clock }: SourceOptions, text: string, run: Run): Promise<void> {
  await run(async (tx) => {
    const newest = await findNewest(tx)
    if (!newest || newest.author === BUILT_IN)
      await applyDesk(tx, { text, author: BUILT_IN, file: 'demo-desk.yml' }, clock())
  })
}

async function isOlder(tx: Parameters<typeof findNewest>[0], text: string): Promise<boolean> {
  const [row] = await tx`
    select 1 from rule_sets where source = ${text} and version < (select max(version) from rule_sets)
      and not exists (select 1 from rule_sets where source = ${text} and version = (select max(version) from rule_sets))`
  return row !== undefined
}

const behind = (name: string, newest: Version): Refusal =>
  new Refusal(
    'desk_stale',
    `${name} still says what an older version of the desk said; version ${newest.version} by ${newest.author} is newer ` +
      `and keeps running. Write that version into the file, or "# base: ${newest.version}" as its first line to go back.`,
    'config',
  )

/**
 * Editors replace files, so the folder is watched; network folders report nothing, so the file is looked at too. A file
 * is read once it has not changed for a moment, for it may be half written. `beside` are the files that it names now: a
 * change of one is a change of it. `again` asks for another go.
 */
function followFile(
  file: string,
  { poll, beside }: { poll: number; beside: () => string[] },
  changed: (again: () => void) => void,
): { stop(): void } {
  const stamp = () => [file, ...beside()].map(stampOf).join()
  let last = stamp()
  let settling: NodeJS.Timeout | null = null
  const again = () => {
    last = ''
  }
  const look = () => {
    if (settling) return
    const seen = stamp()
    if (seen === last) return
    settling = setTimeout(() => {
      settling = null
      if (stamp() !== seen) return look()
      last = seen
      changed(again)
    }, SETTLE)
  }
  const timer = setInterval(look, poll)
  const watcher = watchFolder(path.dirname(path.resolve(file)), look)
  return {
    stop() {
      watcher?.close()
      clearInterval(timer)
      if (settling) clearTimeout(settling)
    },
  }
}

const SETTLE = 50 // milliseconds; a local write takes less

function watchFolder(folder: string, look: () => void): FSWatcher | null {
  try {
    const watcher = watch(folder, { persistent: false }, look)
    watcher.on('error', () => {}) // the poll goes on
    return watcher
  } catch {
    return null // no watches left, or no such folder: the poll alone notices
  }
}

function stampOf(file: string): string {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false })
  return stat ? `${stat.mtimeNs} ${stat.size} ${stat.ino}` : 'absent'
}
