/**
 * A Dovecot of our own: on loopback, in a temporary folder, with a static password. Mail is put into its Maildirs as
 * files, so INTERNALDATE and flags are ours to choose and two thousand mails take no time. Needs root, because
 * Dovecot changes users.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'

export type Dovecot = {
  port: number
  password: string
  /** Puts a mail into the folder ('' is INBOX) of `user`; a flag is a letter of Maildir: S seen, T deleted. */
  deliver(user: string, raw: string | Buffer, options?: { at?: Date; flags?: string; folder?: string }): string
  /** How the server names the mail's flags now: the letters, or null when the mail is gone. */
  flags(user: string, name: string, folder?: string): string | null
  /** Every mail of the folder as file names. */
  list(user: string, folder?: string): string[]
  remove(user: string, name: string): void
  /** The next session sees another UIDVALIDITY and new UIDs. */
  renumber(user: string): void
  folderPath(user: string, folder?: string): string
  /** kill -9 of the master and all sessions. */
  kill(): Promise<void>
  /** SIGSTOP or SIGCONT for all of it: the connection stays and says nothing. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void
  start(): Promise<void>
  stop(): Promise<void>
}

const BINARY = '/usr/sbin/dovecot'
const PASSWORD = 'static-password'
const NOBODY = 65534

/** Why there can be no Dovecot here, or null. */
export const missingDovecot = (): string | null =>
  !existsSync(BINARY) || !existsSync('/usr/lib/dovecot/imap')
    ? 'dovecot-imapd is not installed (bin/setup)'
    : process.getuid?.() !== 0
      ? 'Dovecot needs root'
      : null

/** @param options.tokeninfo URL that answers `?access_token=...` with `{username}`: then XOAUTH2 is offered too */
export async function startDovecot(options: { tokeninfo?: string } = {}): Promise<Dovecot> {
  const home = mkdtempSync(path.join(os.tmpdir(), 'postroom-dovecot-'))
  chmodSync(home, 0o755)
  mkdirSync(path.join(home, 'mail'))
  chownSync(path.join(home, 'mail'), NOBODY, NOBODY)
  const port = await freePort()
  const config = path.join(home, 'dovecot.conf')
  writeFileSync(config, configuration({ home, port, ...options }))
  if (options.tokeninfo)
    writeFileSync(
      path.join(home, 'oauth2.conf'),
      `tokeninfo_url = ${options.tokeninfo}?access_token=\nusername_attribute = username\nintrospection_mode = auth\n`,
    )
  let child: ChildProcess | null = null
  let serial = 0
  const folderPath = (user: string, folder = '') => path.join(home, 'mail', user, 'Maildir', folder && `.${folder}`)
  const ensure = (user: string, folder: string) => {
    for (const sub of ['cur', 'new', 'tmp']) {
      const made = mkdirSync(path.join(folderPath(user, folder), sub), { recursive: true })
      if (made) for (const owned of ownedBelow(path.join(home, 'mail', user))) chownSync(owned, NOBODY, NOBODY)
    }
  }
  const list = (user: string, folder = '') =>
    ['cur', 'new'].flatMap((sub) => {
      const at = path.join(folderPath(user, folder), sub)
      return existsSync(at) ? readdirSync(at).map((name) => path.join(sub, name)) : []
    })
  const find = (user: string, name: string, folder = '') =>
    list(user, folder).find((file) => path.basename(file).split(':')[0] === name) ?? null
  const dovecot: Dovecot = {
    port,
    password: PASSWORD,
    folderPath,
    list,
    deliver(user, raw, { at = new Date(), flags = '', folder = '' } = {}) {
      ensure(user, folder)
      // Dovecot gives UIDs in the order of names.
      const name = `${1_600_000_000 + serial++}.P1.test`
      const file = path.join(folderPath(user, folder), 'tmp', name)
      writeFileSync(file, raw)
      chownSync(file, NOBODY, NOBODY)
      utimesSync(file, at, at)
      renameSync(file, path.join(folderPath(user, folder), flags ? 'cur' : 'new', flags ? `${name}:2,${flags}` : name))
      return name
    },
    flags(user, name, folder) {
      const file = find(user, name, folder)
      return file === null ? null : (file.split(':2,')[1] ?? '')
    },
    remove(user, name) {
      const file = find(user, name)
      if (file) rmSync(path.join(folderPath(user), file))
    },
    renumber(user) {
      for (const name of readdirSync(folderPath(user)))
        if (name.startsWith('dovecot')) rmSync(path.join(folderPath(user), name), { recursive: true })
    },
    async start() {
      child = spawn(BINARY, ['-F', '-c', config], { stdio: 'ignore', detached: true })
      await waitForPort(port)
    },
    async kill() {
      const killed = child
      child = null
      if (!killed?.pid || killed.exitCode !== null) return
      const gone = new Promise((resolve) => killed.once('exit', resolve))
      for (const pid of processesOf(killed.pid)) tryKill(pid, 'SIGKILL')
      await gone
    },
    signal(name) {
      if (child?.pid) for (const pid of processesOf(child.pid)) tryKill(pid, name)
    },
    async stop() {
      // In order, so that the master collects its children.
      if (child?.pid && child.exitCode === null) {
        const gone = new Promise((resolve) => child?.once('exit', resolve))
        child.kill('SIGTERM')
        await Promise.race([gone, sleep(3000, null, { ref: false })])
      }
      await dovecot.kill()
      rmSync(home, { recursive: true, force: true })
    },
  }
  await dovecot.start()
  return dovecot
}

function configuration({ home, port, tokeninfo }: { home: string; port: number; tokeninfo?: string }): string {
  return `
protocols = imap
listen = 127.0.0.1
base_dir = ${home}/run
state_dir = ${home}/state
log_path = ${home}/dovecot.log
auth_debug = yes
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain${tokeninfo ? ' xoauth2' : ''}
mail_location = maildir:~/Maildir
maildir_stat_dirs = yes
mail_max_userip_connections = 100
first_valid_uid = 1
default_internal_user = dovecot
default_login_user = dovenull
namespace inbox {
  inbox = yes
  separator = /
  mailbox Archive {
    auto = create
    special_use = \\Archive
  }
  mailbox Sent {
    auto = create
    special_use = \\Sent
  }
  mailbox Junk {
    auto = create
    special_use = \\Junk
  }
}
passdb {
  driver = static
  args = password=${PASSWORD}
  mechanisms = plain
}
${tokeninfo ? `passdb {\n  driver = oauth2\n  mechanisms = xoauth2\n  args = ${home}/oauth2.conf\n}` : ''}
userdb {
  driver = static
  args = uid=${NOBODY} gid=${NOBODY} home=${home}/mail/%u
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
service imap-login {
  chroot =
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = 0
  }
}
`
}

async function waitForPort(port: number): Promise<void> {
  for (let round = 0; round < 200; round++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, '127.0.0.1')
      socket.once('data', () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => resolve(false))
      socket.once('close', () => resolve(false))
    })
    if (open) return
    await sleep(50)
  }
  throw new Error('Dovecot did not start')
}

/** A process and everything below it; the sessions are Dovecot's children. */
function processesOf(root: number): number[] {
  const parents = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const parent = parentOf(Number(name))
    if (parent !== null) parents.set(parent, [...(parents.get(parent) ?? []), Number(name)])
  }
  const all = [root]
  for (let n = 0; n < all.length; n++) all.push(...(parents.get(all[n]!) ?? []))
  return all
}

function parentOf(pid: number): number | null {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return null // it ended meanwhile
  }
}

function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // it ended meanwhile
  }
}

function ownedBelow(folder: string): string[] {
  return [folder, ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => path.join(folder, name))]
}
