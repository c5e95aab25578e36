/**
 * A day at the desk by mail only: twelve customers' matters taken, answered, noted, split, merged, timed and closed by
 * agents who sit at mutt. Postfix stands in front of the desk and carries what goes out, Dovecot holds everybody's mail,
 * and the agents' provider signs what they write.
 */
import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { simpleParser } from 'mailparser'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { until } from '../daemon.ts'
import { wholeAddress } from '../desk.ts'
import { type Desk, makeHome, removeHome, startDesk } from './configured-desk.ts'
import { type Dovecot, missingDovecot, startDovecot } from './dovecot.ts'
import { freePort } from './free-port.ts'
import { answerWithMutt, writeWithMutt } from './mutt.ts'
import { needs } from './needs.ts'
import { type Postfix, startPostfix } from './postfix.ts'
import { type Provider, startProvider } from './provider.ts'
import { readRecipes } from './recipes.ts'

const [swaks] = needs('swaks', 'postfix', 'mutt', 'script')
const missing = missingDovecot()
if (missing) {
  if (process.env.CI === 'true') throw new Error(`agent-day: ${missing}`)
  console.log(`SKIPPED agent-day: ${missing}`)
  process.exit(0)
}

const root = path.join(import.meta.dirname, '..', '..')
const EVA = 'eva@acme.example'
const PEOPLE = { eva: EVA, ada: 'ada@desk.example', bo: 'bo@desk.example' }
type Person = keyof typeof PEOPLE
const open: (() => Promise<unknown>)[] = []
const closeAll = async () => {
  for (const close of open.splice(0).reverse()) await close()
}

type Comment = {
  at: string
  visibility: string
  channel: string
  visible: string
  author: { role: string; address: string | null }
}
type Ticket = {
  number: number
  subject: string
  status: string
  priority: string
  tags: string[]
  assignee: string | null
  merged_into: number | null
  duplicate_of: number | null
  comments: Comment[]
  time: { agent: string; seconds: number; billable: boolean; note: string }[]
}
type Mail = Awaited<ReturnType<typeof simpleParser>>
type Office = { home: string; desk: Desk; postfix: Postfix; dovecot: Dovecot; provider: Provider }

async function openOffice(): Promise<Office> {
  const home = makeHome()
  open.push(async () => removeHome(home))
  const [smtp, lmtp, web] = [await freePort(), await freePort(), await freePort()]
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const key = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  const recipes = readRecipes(['Mail comes in, by a port', 'Unknown addresses: a list', 'Mail goes out'], {
    '127.0.0.1:2424': `127.0.0.1:${lmtp}`,
    '[127.0.0.1]:2424': `[127.0.0.1]:${lmtp}`,
    '/etc/postfix': 'CONFIG',
    '127.0.0.1:25\n': `127.0.0.1:${smtp}\n  per_minute: 1000\n  per_domain_minute: 1000\n`,
  })
  const { 'postroom.yml': postroom, 'main.cf': main, ...tables } = Object.fromEntries(recipes)
  const zone = readFileSync(path.join(root, 'config', 'demo-zone.yml'), 'utf8')
  const demo = readFileSync(path.join(root, 'config', 'demo-desk.yml'), 'utf8')
  const desk = await startDesk(home, {
    'postroom.yml': `${postroom}web: {listen: 127.0.0.1:${web}}\ndns: {zone: zone.yml}\ndesk: desk.yml\n`,
    'desk.yml': `${demo}  undo: 2s\n  notify: 1s\n`,
    'zone.yml': `${zone}s1._domainkey.desk.example: {TXT: ["v=DKIM1; k=rsa; p=${key}"]}\n`,
    'dkim.pem': pem,
  })
  open.push(desk.stop)
  const dovecot = await startDovecot()
  open.push(dovecot.stop)
  const base = path.resolve(dovecot.folderPath('nobody'), '..', '..')
  const rows = Object.entries(PEOPLE)
  tables.desk_recipients += rows.map(([, address]) => `${address} yes\n`).join('')
  tables.transport = `${rows.map(([, address]) => `${address} virtual:\n`).join('')}${tables.transport}`
  tables.people = rows.map(([name, address]) => `${address} ${name}/Maildir/\n`).join('')
  const more = `virtual_mailbox_base = ${base}\nvirtual_mailbox_maps = texthash:CONFIG/people\n`
  const postfix = await startPostfix({ port: smtp, main: `${main}${more}`, files: tables, mailboxes: [EVA] })
  open.push(postfix.stop)
  const provider = await startProvider({ port: smtp, domain: 'desk.example', selector: 's1', privateKey: pem })
  open.push(provider.stop)
  return { home, desk, postfix, dovecot, provider }
}

const office = await openOffice().catch(async (error) => {
  await closeAll()
  throw error
})
const { desk, dovecot } = office

/** Eva writes; the number of the ticket that it opens. */
async function write(subject: string, words: string, id: string): Promise<number> {
  await send(words, { Subject: subject, 'Message-Id': `<${id}@acme.example>` })
  return await until(`a ticket "${subject}"`, async () => {
    const tickets = await desk.json<{ number: number; subject: string }>('tickets')
    return tickets.find((ticket) => ticket.subject === subject)?.number
  })
}

async function send(words: string, header: Record<string, string>): Promise<void> {
  const to = ['--server', '127.0.0.1', '--port', String(office.postfix.port), '--local-interface', '127.0.0.2']
  const lines = Object.entries(header).flatMap(([name, value]) => ['--header', `${name}: ${value}`])
  await promisify(execFile)(swaks, [...to, '--from', EVA, '--to', 'support@desk.example', ...lines, '--body', words])
}

/** The mails of a person's mailbox, in no order. */
const mailbox = async (person: Person): Promise<Mail[]> =>
  await Promise.all(
    dovecot.list(person).map((name) => simpleParser(readFileSync(path.join(dovecot.folderPath(person), name)))),
  )

/** The first mail of a person's that is so. */
const find = (person: Person, what: string, is: (mail: Mail) => boolean): Promise<Mail> =>
  until(`${what} in the mailbox of ${person}`, async () => (await mailbox(person)).find(is))

const told = (agent: Person, number: number): Promise<Mail> =>
  find(agent, `a notice of #${number}`, (mail) => (mail.subject ?? '').startsWith(`[#${number}]`))

const textOf = (mail: Mail) => (mail.text ?? '').replaceAll('\r\n', '\n')

/** An agent answers the newest mail about a ticket, above its quotation. */
async function answer(agent: Person, number: number, words: string): Promise<void> {
  await told(agent, number)
  const imap = { port: dovecot.port, user: agent, password: dovecot.password }
  await answerWithMutt({ ...seat(agent), imap, subject: `[#${number}]`, words, replyTo: 'token' })
}

/** The same to the address for notes, which the mail names. */
async function writeNote(agent: Person, number: number, words: string): Promise<void> {
  const mail = await told(agent, number)
  const to = /support\+r[a-z2-7]+@desk\.example/.exec(textOf(mail))
  assert.ok(to, `no address for notes in ${textOf(mail)}`)
  await writeWithMutt({ ...seat(agent), to: to[0], subject: 'Note', words })
}

const seat = (agent: Person) => ({
  home: office.home,
  smtpPort: office.provider.port,
  from: PEOPLE[agent],
  name: agent,
})

/** The ticket, once it is so. */
const ticketWhen = (number: number, what: string, is: (ticket: Ticket) => boolean): Promise<Ticket> =>
  until(`ticket #${number}: ${what}`, async () => {
    const [ticket] = await desk.json<Ticket>('ticket', String(number))
    return ticket && is(ticket) ? ticket : null
  })

const toEva = (words: string): Promise<Mail> => find('eva', `"${words}"`, (mail) => textOf(mail).includes(words))

const numbers: number[] = []
const matter = (n: number): number => numbers[n - 1]!

test('twelve customers write, and both agents are told of each', async () => {
  for (let n = 1; n <= 12; n++)
    numbers.push(await write(`Matter ${n} of 12`, `The words of matter ${n}.\n#close is what my note says.`, `m${n}`))
  for (const number of numbers) {
    const mail = await told('ada', number)
    assert.match(mail.replyTo?.text ?? '', new RegExp(`#${number}.*<support\\+r\\w+@desk\\.example>`))
    await told('bo', number)
  }
})

test('taken and answered: the customer gets the words, not the quotation, and not the address of the agent', async () => {
  await answer('ada', matter(1), '#take\n\nWe look at it today.\n\n-- \nAda, desk 4')
  const mail = await toEva('We look at it today.')
  assert.match(mail.from?.text ?? '', /Ada.*<support@desk\.example>/)
  assert.not.match(`${textOf(mail)} ${mail.html}`, /ada@desk\.example|desk 4|#take/)
  assert.ok([mail.references ?? []].flat().includes('<m1@acme.example>'))
  const ticket = await ticketWhen(matter(1), 'answered', (one) => one.comments.length === 2)
  assert.is(ticket.assignee, PEOPLE.ada)
  assert.is(ticket.status, 'waiting_customer')
})

test('a note to the address for notes stays here', async () => {
  await writeNote('bo', matter(2), 'She sounds angry, call first.')
  const { comments } = await ticketWhen(matter(2), 'noted', (one) => one.comments.length === 2)
  assert.is(comments[1]?.visibility, 'internal')
  assert.is(comments[1]?.author.address, PEOPLE.bo)
})

test('time with the answer, and changes of fields without any', async () => {
  await answer('ada', matter(3), '#time 1h30m billable done:60% "moved the data"\n\nHalf of it is moved.')
  await toEva('Half of it is moved.')
  const { time } = await ticketWhen(matter(3), 'timed', (one) => one.time.length === 1)
  assert.is(time[0]?.seconds, 5400)
  assert.is(time[0]?.billable, true)

  await answer('ada', matter(4), '#assign bo\n#prio high\n#tag +vpn')
  const changed = await ticketWhen(matter(4), 'changed', (one) => one.priority === 'high')
  assert.is(changed.assignee, PEOPLE.bo)
  assert.equal(changed.tags, ['vpn'])
  assert.is(changed.comments.length, 1)
})

test('a timer runs from one mail to the next', async () => {
  await answer('bo', matter(5), '#start')
  await find('bo', 'the receipt of the start', (mail) => isReceipt(mail, matter(5)))
  await answer('bo', matter(5), '#stop')
  await ticketWhen(matter(5), 'timed', (one) => one.time.length === 1)
})

test('merged, split, and closed as a duplicate with its original', async () => {
  await answer('ada', matter(6), `#merge ${matter(7)}`)
  const merged = await until('the merge', async () => {
    const both = await Promise.all([6, 7].map((n) => desk.json<Ticket>('ticket', String(matter(n)))))
    return both.map(([one]) => one!).find((one) => one.merged_into !== null)
  })
  assert.ok([matter(6), matter(7)].includes(merged.merged_into!))

  await send('And my second screen is dark.', {
    Subject: 'Re: Matter 8 of 12',
    'Message-Id': '<m8-again@acme.example>',
    'In-Reply-To': '<m8@acme.example>',
  })
  await ticketWhen(matter(8), 'written to again', (one) => one.comments.length === 2)
  await answer('ada', matter(8), '#split from:c2 "Second screen"')
  const split = await until('the split', async () =>
    (await desk.json<Ticket>('tickets')).find((one) => one.subject === 'Second screen'),
  )
  const { comments } = await ticketWhen(split.number, 'there', () => true)
  assert.match(comments[0]?.visible ?? '', /second screen is dark/)
  await answer('ada', matter(10), `#dup ${matter(9)}`)
  await ticketWhen(matter(10), 'a duplicate', (one) => one.duplicate_of === matter(9))
  await answer('bo', matter(9), '#close\n\nThe line works again.')
  await toEva('The line works again.')
  await ticketWhen(
    matter(10),
    'closed with its original',
    (one) => one.status === 'closed' || one.status === 'resolved',
  )
})

test('a wrong command does nothing, sends nothing and comes back', async () => {
  await answer('ada', matter(11), '#nota internal only')
  const receipt = await find('ada', 'the error', (mail) => isReceipt(mail, matter(11)))
  assert.match(textOf(receipt), /note/)
  const ticket = await ticketWhen(matter(11), 'there', () => true)
  assert.is(ticket.comments.length, 1)
})

test('closed quietly, and opened again by what its receipt offers', async () => {
  await answer('ada', matter(12), '#solved quiet')
  await ticketWhen(matter(12), 'resolved', (one) => one.status === 'resolved')
  await find('ada', 'the receipt', (mail) => isReceipt(mail, matter(12)))
  await answer('ada', matter(12), '#undo')
  await ticketWhen(matter(12), 'open again', (one) => one.status !== 'resolved')
})

test('the customer got what was for her, and nothing else', async () => {
  const words = (await mailbox('eva')).map((mail) => `${mail.subject}\n${textOf(mail)}\n${mail.html}`)
  const agents = [PEOPLE.ada, PEOPLE.bo].map(wholeAddress)
  for (const secret of [/She sounds angry/, /internal only/, /moved the data/, ...agents])
    assert.is(words.filter((one) => secret.test(one)).length, 0, String(secret))
  const mails = await desk.json<{ state: string; reasons: { words: string }[] }>('mails')
  assert.equal(
    mails.filter(({ state }) => state === 'quarantined').map(({ reasons }) => reasons),
    [],
  )
})

const isReceipt = (mail: Mail, number: number) =>
  (mail.subject ?? '').includes(`#${number}`) && mail.headers.get('auto-submitted') === 'auto-replied'

test.after(closeAll)
test.run()
