/**
 * The desk behind a real Postfix, as docs/postfix.md sets it up: swaks writes, Postfix hands over by LMTP and carries
 * what goes out, mutt answers.
 */
import { execFile, execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { until } from '../daemon.ts'
import { type Desk, makeHome, removeHome, startDesk } from './configured-desk.ts'
import { checkDkim } from './dkim-check.ts'
import { freePort } from './free-port.ts'
import { answerWithMutt } from './mutt.ts'
import { needs } from './needs.ts'
import { type Postfix, startPostfix } from './postfix.ts'
import { readRecipes } from './recipes.ts'

const [swaks] = needs('swaks', 'postfix', 'mutt', 'script')
if (process.getuid?.() !== 0) {
  const words = 'mail-clients needs root, because Postfix changes users'
  if (process.env.CI === 'true') throw new Error(words)
  console.log(`SKIPPED ${words}`)
  process.exit(0)
}

const EVA = 'eva@acme.example'
const root = path.join(import.meta.dirname, '..', '..')
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const open: (() => Promise<unknown>)[] = []
const closeAll = async () => {
  for (const close of open.splice(0).reverse()) await close()
}

type Office = { home: string; desk: Desk; postfix: Postfix }
type Ticket = {
  number: number
  subject: string
  project: string
  comments: { mail: number | null; text: string; message_id: string; author: { address: string } }[]
}
type Outgoing = { id: number; kind: string; state: string; last_answer: string; message_id: string }
type Incoming = { id: number; state: string; ticket: number | null; reasons: { words: string }[] }

/** A Postroom and a Postfix that know each other by these sections of the page. */
async function openOffice(headings: string[]): Promise<Office> {
  const home = makeHome()
  open.push(async () => removeHome(home))
  const [smtp, lmtp, web] = [await freePort(), await freePort(), await freePort()]
  const run = path.join(home, 'run')
  mkdirSync(run)
  chownSync(run, 0, Number(execFileSync('id', ['-g', 'postfix'], { encoding: 'utf8' })))
  chmodSync(run, 0o2750) // as `install` on the page
  const recipes = readRecipes([...headings, 'Mail goes out'], {
    '/run/postroom': run,
    '127.0.0.1:2424': `127.0.0.1:${lmtp}`,
    '[127.0.0.1]:2424': `[127.0.0.1]:${lmtp}`,
    '/etc/postfix': 'CONFIG',
    '127.0.0.1:25\n': `127.0.0.1:${smtp}\n`,
  })
  const { 'postroom.yml': postroom, 'main.cf': main, ...tables } = Object.fromEntries(recipes)
  const desk = await startDesk(home, {
    'postroom.yml': `${postroom}web: {listen: 127.0.0.1:${web}}\ndns: {zone: ${root}/config/demo-zone.yml}\ndesk: desk.yml\n`,
    'desk.yml': readFileSync(path.join(root, 'config', 'demo-desk.yml'), 'utf8'),
    'dkim.pem': privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  })
  open.push(desk.stop)
  const postfix = await startPostfix({ port: smtp, main: main!, files: tables, mailboxes: [EVA] })
  open.push(postfix.stop)
  return { home, desk, postfix }
}

/** What swaks says; it does not throw where the server refuses. */
async function say(postfix: Postfix, ...options: string[]): Promise<string> {
  // from an address that is not of Postfix' own network, as the world's mail comes
  const args = ['--server', '127.0.0.1', '--port', String(postfix.port), '--local-interface', '127.0.0.2', ...options]
  return await promisify(execFile)(swaks, ['--helo', 'mail.acme.example', ...args]).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string }) => error.stdout ?? String(error),
  )
}

const write = (postfix: Postfix, id: string, subject: string) => {
  const header = ['--header', `Subject: ${subject}`, '--header', `Message-Id: <${id}@acme.example>`]
  return say(postfix, '--from', EVA, '--to', 'support@desk.example', ...header, '--body', 'Seit heute steht alles.')
}

/** The ticket of this subject, when it has so many comments. */
const ticketOf = ({ desk }: Office, subject: string, comments: number) =>
  until(`${comments} comments in "${subject}"`, async () => {
    const found = (await desk.json<Ticket>('tickets')).find((ticket) => ticket.subject === subject)
    if (!found) return null
    const [ticket] = await desk.json<Ticket>('ticket', String(found.number))
    return ticket!.comments.length >= comments && ticket
  })

/** The mail in Eva's mailbox that answers this id. */
const answerTo = ({ postfix }: Office, id: string) =>
  until(`an answer to ${id}`, async () =>
    postfix.delivered(EVA).find((raw) => field(raw, 'In-Reply-To') === `<${id}@acme.example>`),
  )

/** A header field unfolded; '' where there is none. */
function field(raw: Buffer, name: string): string {
  const header = raw.toString('latin1').replaceAll('\r\n', '\n').split('\n\n')[0]!
  const found = new RegExp(`^${name}:[ \t]*((?:.*)(?:\n[ \t].*)*)`, 'im').exec(header)
  return found ? found[1]!.replace(/\n[ \t]+/g, ' ').trim() : ''
}

const byAsking = await openOffice(['Mail comes in', 'Unknown addresses: ask Postroom']).catch(async (error) => {
  await closeAll()
  throw error
})

test('a mail by swaks through Postfix becomes a ticket, and the acknowledgement comes back through Postfix', async () => {
  const { desk, postfix } = byAsking
  assert.match(await write(postfix, 'first', 'Der Drucker steht'), /<- {2}250 2\.0\.0 Ok: queued/)
  const ticket = await ticketOf(byAsking, 'Der Drucker steht', 1)
  assert.is(ticket.project, 'acme/incoming')
  assert.is(ticket.comments[0]?.author.address, EVA)

  const ack = await answerTo(byAsking, 'first')
  assert.is(checkDkim(ack, publicKey), null)
  assert.match(field(ack, 'From'), /<support@desk\.example>$/)
  assert.match(field(ack, 'Reply-To'), /support\+r\w+@desk\.example/)
  assert.match(field(ack, 'Return-Path'), /^<support\+r\w+@desk\.example>$/)
  assert.match(field(ack, 'References'), /^<t\..*> <first@acme\.example>$/)
  assert.is(field(ack, 'To'), EVA)
  assert.is(field(ack, 'Subject'), `Wir haben Ihre Nachricht erhalten [#${ticket.number}]`)
  assert.is(field(ack, 'Auto-Submitted'), 'auto-replied')
  assert.is(field(ack, 'X-Auto-Response-Suppress'), 'All')
  assert.is(field(ack, 'Precedence'), '')
  assert.ok(ack.toString().includes(`#${ticket.number}`))

  const [row] = await desk.json<Outgoing>('outbox')
  assert.is(row?.state, 'sent')
  assert.match(row?.last_answer ?? '', /250 2\.0\.0 Ok: queued as/)
  assert.is(`<${row?.message_id.replace(/[<>]/g, '')}>`, field(ack, 'Message-ID'))
})

test('an address the desk does not have is refused at the edge, and nothing bounces', async () => {
  const { desk, postfix } = byAsking
  const before = (await desk.json('mails')).length
  const said = await say(postfix, '--from', 'forged@acme.example', '--to', 'nobody@desk.example')
  assert.match(said, /<\*\* 550 5\.1\.1 <nobody@desk\.example>/)
  assert.match(await say(postfix, '--from', EVA, '--to', 'x@other.example'), /<\*\* 554 5\.7\.1 .*Relay access denied/)
  await until('an empty queue', async () => postfix.queued().length === 0)
  assert.not.match(postfix.log(), /status=bounced|sender non-delivery/)
  assert.is((await desk.json('mails')).length, before)
})

test('reply addresses, bounce addresses and postmaster pass the edge', async () => {
  const ack = await answerTo(byAsking, 'first')
  const probe = (to: string, from: string) =>
    say(byAsking.postfix, '--from', from, '--to', to, '--quit-after', 'RCPT', '--timeout', '20')
  for (const [to, from] of [
    [/<?(support\+r\w+@desk\.example)/.exec(field(ack, 'Reply-To'))![1]!, EVA],
    [field(ack, 'Return-Path').slice(1, -1), '<>'],
    ['postmaster@desk.example', EVA],
  ] as const)
    assert.match(await probe(to, from), /RCPT TO:.*\n<- {2}250 2\.1\.5/, to)
})

for (const [replyTo, by] of [
  ['token', 'token'],
  ['from', 'our_id'],
] as const)
  test(`mutt's answer threads: to the ${replyTo === 'token' ? 'reply address' : 'plain address, by its References alone'}`, async () => {
    const { home, desk, postfix } = byAsking
    const subject = `Frage an ${replyTo}`
    await write(postfix, `for-${replyTo}`, subject)
    const ack = await answerTo(byAsking, `for-${replyTo}`)
    await answerWithMutt({ home, smtpPort: postfix.port, raw: ack, from: EVA, words: `Noch etwas: ${by}.`, replyTo })

    const ticket = await ticketOf(byAsking, subject, 2)
    const answer = ticket.comments[1]!
    assert.match(answer.text, `Noch etwas: ${by}.`)
    assert.match(answer.text, /^> /m, 'mutt has quoted')
    const [mail] = await desk.json<Incoming>('mail', String(answer.mail))
    assert.is(mail?.state, 'commented')
    assert.match(mail!.reasons.map((reason) => reason.words).join('\n'), by)
    const mails = await desk.json<Incoming>('mails')
    assert.is(mails.filter((one) => one.ticket === ticket.number).length, 2)
    assert.is((await desk.json<Ticket>('tickets')).filter((one) => one.subject.endsWith(subject)).length, 1)
  })

test('while the desk is down an address that was never asked about gets 450, and a known one is kept', async () => {
  const { desk, postfix } = byAsking
  await desk.stop()
  const said = await say(postfix, '--from', EVA, '--to', 'support+new@desk.example', '--timeout', '30')
  assert.match(said, /<\*\* 450 4\.1\.1 <support\+new@desk\.example>/)
  assert.match(await write(postfix, 'meanwhile', 'Noch da?'), /<- {2}250 2\.0\.0 Ok: queued/)
  assert.is(postfix.queued().length, 1)
})

test('the same by a port, with a list of addresses', async () => {
  await closeAll()
  const office = await openOffice(['Mail comes in, by a port', 'Unknown addresses: a list'])
  const { postfix, desk } = office
  await write(postfix, 'by-port', 'Wo ist der Toner?')
  const ticket = await ticketOf(office, 'Wo ist der Toner?', 1)
  const ack = await answerTo(office, 'by-port')
  assert.is(checkDkim(ack, publicKey), null)
  await answerWithMutt({ ...office, smtpPort: postfix.port, raw: ack, from: EVA, words: 'Gefunden.', replyTo: 'token' })
  assert.is((await ticketOf(office, ticket.subject, 2)).number, ticket.number)
  const said = await say(postfix, '--from', 'forged@acme.example', '--to', 'nobody@desk.example')
  assert.match(said, /<\*\* 550 5\.1\.1 <nobody@desk\.example>/)
  assert.is((await desk.json('mails')).length, 2)
})

test.after(closeAll)
test.run()
