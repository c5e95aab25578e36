/** Mutt as a person uses it: opens a mailbox with one mail, answers it in the editor, sends by SMTP. */
import { spawn } from 'node:child_process'
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** Who sits at it; their mail leaves by the SMTP server on this port of 127.0.0.1. */
export type Writer = { home: string; smtpPort: number; from: string; name?: string }

/** Where the mail lies that is answered: as bytes, or the newest of a mailbox whose subject holds some text. */
export type Source =
  | { raw: Buffer; imap?: undefined }
  | { raw?: undefined; imap: { port: number; user: string; password: string }; subject: string }

/**
 * Answers a mail with mutt's own headers and quoting.
 * @param given.replyTo `token`: to the Reply-To of the mail; `from`: to its From, as clients do that ignore Reply-To
 * @throws with the screen when mutt has not sent it within 15 s
 */
export async function answerWithMutt(
  given: Writer & Source & { words: string; replyTo: 'token' | 'from' },
): Promise<void> {
  const { folder, rc, env } = prepare(given, given.words)
  appendFileSync(rc, `set reply_to=${given.replyTo === 'token' ? 'yes' : 'no'} include=yes\n`)
  let box = path.join(folder, 'box')
  if (given.imap) {
    const { port, user, password } = given.imap
    box = `imap://${user}@127.0.0.1:${port}/INBOX`
    appendFileSync(rc, `set imap_pass="${password}" mail_check=1\n`)
    appendFileSync(rc, `push "<limit>=s '${given.subject}'<enter><last-entry><reply>"\n`)
  } else {
    for (const sub of ['cur', 'new', 'tmp']) mkdirSync(path.join(box, sub), { recursive: true })
    writeFileSync(path.join(box, 'new', '1.mail.example'), given.raw)
    appendFileSync(rc, 'push "<reply>"\n')
  }
  await play(`mutt -n -F ${rc} -f ${box}`, env, [
    ['y:Send', 'y'],
    ['Mail sent', 'q'],
  ])
}

/** Writes a new mail. Throws as the answer does. */
export async function writeWithMutt(given: Writer & { to: string; subject: string; words: string }): Promise<void> {
  const { rc, env } = prepare(given, given.words)
  await play(`mutt -n -F ${rc} -s '${given.subject}' ${given.to}`, env, [
    ['To: ', '\n'],
    ['y:Send', 'y'],
  ])
}

function prepare(writer: Writer, words: string) {
  const folder = mkdtempSync(path.join(writer.home, 'mutt-'))
  writeFileSync(path.join(folder, 'words'), `${words}\n\n`)
  const editor = path.join(folder, 'editor')
  writeFileSync(editor, `#!/bin/sh\ncat ${folder}/words "$1" >"$1.new" && mv "$1.new" "$1"\n`)
  chmodSync(editor, 0o755)
  const rc = path.join(folder, 'muttrc')
  writeFileSync(rc, settings(folder, editor, writer))
  return { folder, rc, env: { ...process.env, HOME: folder, TERM: 'xterm', LC_ALL: 'C.UTF-8' } }
}

/** Runs a program on a terminal that `script` makes, and presses each key once its words have been on the screen. */
async function play(command: string, env: NodeJS.ProcessEnv, keys: [words: string, key: string][]): Promise<void> {
  const child = spawn('script', ['-qefc', command, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'ignore'] })
  const left = [...keys]
  let screen = ''
  child.stdout.on('data', (chunk: Buffer) => {
    screen += chunk.toString('utf8')
    if (!left[0] || !screen.includes(left[0][0])) return
    screen = ''
    child.stdin.write(left.shift()![1])
  })
  const late = setTimeout(() => child.kill(), 15_000)
  const code = await new Promise((resolve) => child.once('close', resolve))
  clearTimeout(late)
  if (code !== 0 || left.length > 0) throw new Error(`mutt did not get past ${JSON.stringify(left[0])}: ${screen}`)
}

const settings = (
  folder: string,
  editor: string,
  { from, name = 'Eva Beispiel', smtpPort }: Writer,
) => `set from="${from}" realname="${name}" use_from=yes hostname="${from.split('@')[1]}"
set smtp_url="smtp://127.0.0.1:${smtpPort}/" ssl_starttls=no ssl_force_tls=no
set folder="${folder}" mbox_type=Maildir record="" copy=no tmpdir="${folder}"
set editor="${editor}" autoedit=yes fast_reply=yes edit_headers=no
set abort_unmodified=no abort_nosubject=no
set quit=yes move=no delete=no confirmappend=no wait_key=no sleep_time=0 beep=no
`
