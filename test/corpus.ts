/**
 * Sends every mail of the given folders through the SMTP listener of a real daemon and counts what became of them.
 *
 *     node test/corpus.ts PATH...
 *
 * Fails when the daemon died, a mail that got 250 is missing or not in a final state, or more than 3 in 100 were refused.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSession } from '../src/mail/deliver/relay.ts'

const root = path.join(import.meta.dirname, '..')
const REFUSED_AT_MOST = 0.03
const PORT = 20_000 + (process.pid % 20_000)

const PLAIN = {
  tls: 'opportunistic' as const,
  user: null,
  password: null,
  ca: null,
  perMinute: 1e6,
  perDomainMinute: 1e6,
  concurrency: 1,
}

const files = process.argv.slice(2).flatMap(filesOf).filter(hasHeaders).sort()
if (files.length === 0) {
  console.log('no mails: node test/corpus.ts PATH...\n0 passed, 1 failed')
  process.exit(1)
}
process.exitCode = await main()

async function main(): Promise<number> {
  const data = mkdtempSync(path.join(os.tmpdir(), 'postroom-corpus-'))
  const daemon = spawn(path.join(root, 'bin', 'postroom'), ['serve', '--data', data], {
    env: {
      ...process.env,
      POSTROOM_SMTP: `127.0.0.1:${PORT}`,
      POSTROOM_WEB: `127.0.0.1:${PORT + 1}`,
      POSTROOM_LOG: 'error',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const died = new Promise<never>((_, reject) => {
    daemon.once('exit', (code, signal) => reject(new Error(`the daemon ended with ${code ?? signal}`)))
  })
  died.catch(() => {}) // awaited by the race below; at the end it is meant to die
  try {
    await Promise.race([ready(daemon.stdout), died])
    return await Promise.race([run(data), died])
  } finally {
    daemon.kill('SIGTERM')
    await new Promise((resolve) => daemon.once('exit', resolve))
    rmSync(data, { recursive: true, force: true })
  }
}

async function run(data: string): Promise<number> {
  const accepted: number[] = []
  const refused: string[] = []
  for (const [n, file] of files.entries()) {
    const { id, answer } = await send(file)
    if (id === null) refused.push(`${file}: ${answer}`)
    else accepted.push(id)
    if (process.stdout.isTTY) process.stdout.write(`\r${n + 1} of ${files.length}`)
  }
  const mails = await settled(data, accepted.length)
  const counts = new Map<string, number>()
  for (const mail of mails.values()) counts.set(mail.state, (counts.get(mail.state) ?? 0) + 1)
  const lost = accepted.filter((id) => !mails.has(id))
  const open = [...mails].filter(([, mail]) => mail.state === 'received' || mail.state === 'processing')
  console.log(`\n${files.length} mails, ${accepted.length} accepted, ${refused.length} refused`)
  for (const line of refused) console.log(`  refused ${line}`)
  for (const [state, count] of counts) console.log(`  ${state} ${count}`)
  for (const [id, mail] of mails)
    if (mail.state === 'quarantined')
      console.log(`  quarantined ${id}: ${mail.reasons.map((one) => one.words).join('; ')}`)
  if (lost.length) console.log(`  lost: ${lost.join(', ')}`)
  if (open.length) console.log(`  not settled: ${open.map(([id]) => id).join(', ')}`)
  const checks = [lost.length === 0, open.length === 0, refused.length <= files.length * REFUSED_AT_MOST]
  console.log(`${checks.filter(Boolean).length} passed, ${checks.filter((one) => !one).length} failed`)
  return checks.every(Boolean) ? 0 : 1
}

async function send(file: string): Promise<{ id: number | null; answer: string }> {
  const raw = readFileSync(file)
  const session = await openSession({ host: '127.0.0.1', port: PORT, ...PLAIN })
  try {
    const from = /^return-path:\s*<>/im.test(raw.toString('latin1', 0, 65_536)) ? '' : 'corpus@example.net'
    const { answer } = await session.send({ from, to: 'support@desk.example', open: async () => Readable.from([raw]) })
    return { id: Number(/as (\d+)/.exec(answer)?.[1]), answer }
  } catch (error) {
    return { id: null, answer: (error as Error).message }
  } finally {
    session.close()
  }
}

type Mail = { id: number; state: string; reasons: { words: string }[] }

/** Asks until all are settled, at most two minutes. */
async function settled(data: string, count: number): Promise<Map<number, Mail>> {
  for (let tries = 0; ; tries++) {
    const mails = await list(data)
    const open = mails.filter((mail) => mail.state === 'received' || mail.state === 'processing').length
    if ((mails.length >= count && open === 0) || tries === 60) return new Map(mails.map((mail) => [mail.id, mail]))
    await sleep(2000)
  }
}

async function list(data: string): Promise<Mail[]> {
  const command = spawn(path.join(root, 'bin', 'postroom'), ['mails', '--json', '--data', data], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const mails: Mail[] = []
  for await (const line of createInterface(command.stdout)) mails.push(JSON.parse(line))
  return mails
}

async function ready(out: Readable): Promise<void> {
  const lines = createInterface(out)
  for await (const line of lines) if (line === 'ready') break
  out.resume()
}

function filesOf(from: string): string[] {
  if (!statSync(from).isDirectory()) return [from]
  return readdirSync(from, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(jsonl?|md|xz|enc|gitattributes)$/.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
}

/** A mail begins with a header field, perhaps after an mbox line or blank lines; the rest are bodies for other tests. */
function hasHeaders(file: string): boolean {
  const head = readFileSync(file).subarray(0, 4096).toString('latin1')
  return /^(?:From .*\r?\n|\s*\r?\n)*[!-9;-~]+[ \t]*:/.test(head)
}
