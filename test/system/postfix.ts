/**
 * A Postfix of our own: on loopback, in a temporary folder, ended with the test that started it, even one that is
 * killed. What it delivers to `mailboxes` are files of a Maildir. Needs root, because Postfix changes users; no system
 * configuration, queue or service is touched.
 */
import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export type Postfix = {
  port: number
  /** Of a mailbox; made with the first mail. */
  maildir(address: string): string
  /** The mails of a mailbox as they were delivered, oldest first. */
  delivered(address: string): Buffer[]
  /** Everything Postfix has logged. */
  log(): string
  /** Names of the mails that still wait. */
  queued(): string[]
  stop(): Promise<void>
}

export type PostfixOptions = {
  /** To be had from `freePort`, so that files may name it. */
  port: number
  /** Lines after ours in main.cf; `CONFIG` stands for the folder of `files`. */
  main: string
  /** Tables beside main.cf: name -> text, in which `CONFIG` stands for their folder. */
  files: Record<string, string>
  /** Addresses with a Maildir; their domains are local to this Postfix. */
  mailboxes: string[]
}

const NOBODY = 65534

/** Resolves when it greets. */
export async function startPostfix(options: PostfixOptions): Promise<Postfix> {
  const home = mkdtempSync(path.join(os.tmpdir(), 'postroom-postfix-'))
  chmodSync(home, 0o755)
  const config = path.join(home, 'config')
  const spool = path.join(home, 'spool')
  const mail = path.join(home, 'mail')
  for (const folder of [config, spool, mail, path.join(home, 'data')]) mkdirSync(folder)
  chownSync(mail, NOBODY, NOBODY)
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'postfix'], { encoding: 'utf8' })))
  chownSync(path.join(home, 'data'), uid!, gid!)
  const write = (name: string, text: string) =>
    writeFileSync(path.join(config, name), text.replaceAll('CONFIG', config))
  write('main.cf', `${ownMain(home, options.mailboxes)}\n${options.main}\n`)
  write('master.cf', ownMaster(options.port))
  write('mailboxes', options.mailboxes.map((address) => `${address} ${address}/\n`).join(''))
  for (const [name, text] of Object.entries(options.files)) write(name, text)

  execFileSync('/usr/sbin/postfix', ['-c', config, 'check'], { stdio: ['ignore', 'pipe', 'pipe'] })
  const program = execFileSync('/usr/sbin/postconf', ['-c', config, '-h', 'daemon_directory'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'], // it would tell of what a test sets anew
  })
  const master = runMaster(path.join(program.trim(), 'master'), config)
  const log = () => {
    const file = path.join(home, 'postfix.log')
    return existsSync(file) ? readFileSync(file, 'utf8') : ''
  }
  const stop = async () => {
    await master.stop()
    rmSync(home, { recursive: true, force: true })
  }
  try {
    await waitForGreeting(options.port)
  } catch (error) {
    const words = log()
    await stop()
    throw new Error(`Postfix did not start: ${words}`, { cause: error })
  }
  const maildir = (address: string) => path.join(mail, address)
  return {
    port: options.port,
    maildir,
    delivered: (address) =>
      ['new', 'cur']
        .map((sub) => path.join(maildir(address), sub))
        .flatMap((folder) => (existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : []))
        .sort((a, b) => (path.basename(a) < path.basename(b) ? -1 : 1))
        .map((file) => readFileSync(file)),
    log,
    queued: () =>
      ['incoming', 'active', 'deferred', 'maildrop'].flatMap((queue) =>
        readdirSync(path.join(spool, queue), { recursive: true, encoding: 'utf8' }).filter((name) =>
          /[^/]{6}$/.test(name),
        ),
      ),
    stop,
  }
}

const ownMain = (home: string, mailboxes: string[]) => `compatibility_level = 3.6
queue_directory = ${home}/spool
data_directory = ${home}/data
maillog_file = ${home}/postfix.log
maillog_file_prefixes = ${home}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
myhostname = mx.desk.example
mydestination =
mynetworks = 127.0.0.1/32
alias_maps =
local_recipient_maps =
notify_classes =
virtual_mailbox_domains = ${[...new Set(mailboxes.map((address) => address.split('@')[1]))].join(', ')}
virtual_mailbox_base = ${home}/mail
virtual_mailbox_maps = texthash:${home}/config/mailboxes
virtual_uid_maps = static:${NOBODY}
virtual_gid_maps = static:${NOBODY}
default_transport = error:nothing leaves this machine
smtpd_client_connection_count_limit = 0
`

/** Nothing runs in a chroot: the LMTP socket lies elsewhere. */
const ownMaster = (port: number) => `127.0.0.1:${port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

/**
 * The master ends all of Postfix with itself, if it leads its process group; the shell around it ends it when our end
 * of the pipe is closed, by `stop` or by our death.
 */
function runMaster(program: string, config: string): { stop(): Promise<void> } {
  const script = 'setsid "$0" -c "$1" -d </dev/null & read -r _; kill $!; wait'
  const shell = spawn('sh', ['-c', script, program, config], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  const gone = new Promise<void>((resolve) => shell.once('exit', () => resolve()))
  return {
    stop() {
      shell.stdin.end()
      return gone
    },
  }
}

async function waitForGreeting(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const greeted = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, '127.0.0.1')
      socket.once('data', () => socket.end('QUIT\r\n', () => resolve(true)))
      for (const event of ['error', 'close']) socket.once(event, () => resolve(false))
    })
    if (greeted) return
    await sleep(50)
  }
  throw new Error('no greeting within 10 s')
}
