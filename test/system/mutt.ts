/** Mutt as a person uses it: opens a mailbox with one mail, answers it in the editor, sends by SMTP. */
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/**
 * Answers `raw` with mutt's own headers and quoting.
 * @param given.replyTo `token`: to the Reply-To of the mail; `from`: to its From, as clients do that ignore Reply-To
 * @throws with the screen when mutt has not sent it within 15 s
 */
export async function answerWithMutt(given: {
  home: string
  smtpPort: number
  raw: Buffer
  from: string
  words: string
  replyTo: 'token' | 'from'
}): Promise<void> {
  const folder = mkdtempSync(path.join(given.home, 'mutt-'))
  const box = path.join(folder, 'box')
  for (const sub of ['cur', 'new', 'tmp']) mkdirSync(path.join(box, sub), { recursive: true })
  writeFileSync(path.join(box, 'new', '1.mail.example'), given.raw)
  writeFileSync(path.join(folder, 'words'), `${given.words}\n\n`)
  const editor = path.join(folder, 'editor')
  writeFileSync(editor, `#!/bin/sh\ncat ${folder}/words "$1" >"$1.new" && mv "$1.new" "$1"\n`)
  chmodSync(editor, 0o755)
  writeFileSync(path.join(folder, 'muttrc'), settings(folder, editor, given))
  const command = `mutt -n -F ${folder}/muttrc -f ${box}`
  const env = { ...process.env, HOME: folder, TERM: 'xterm', LC_ALL: 'C.UTF-8' }
  await play(command, env, [
    ['Mutt: ', 'r'],
    ['y:Send', 'y'],
    ['Mail sent', 'q'],
  ])
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
  { from, smtpPort, replyTo }: { from: string; smtpPort: number; replyTo: 'token' | 'from' },
) => `set from="${from}" realname="Eva Beispiel" use_from=yes hostname="${from.split('@')[1]}"
set smtp_url="smtp://127.0.0.1:${smtpPort}/" ssl_starttls=no ssl_force_tls=no
set folder="${folder}" mbox_type=Maildir record="" copy=no tmpdir="${folder}"
set editor="${editor}" autoedit=yes fast_reply=yes include=yes edit_headers=no
set reply_to=${replyTo === 'token' ? 'yes' : 'no'} abort_unmodified=no abort_nosubject=no
set quit=yes move=no delete=no confirmappend=no wait_key=no sleep_time=0 beep=no
`
