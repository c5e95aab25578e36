/** Receipts: who gets which mail, what stands in it, and that nothing of it is a command (COMMANDS E4, E5.6). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readBatch, readBlock } from '../../../src/engine/commands/grammar.ts'
import type { Receipt } from '../../../src/engine/commands/receipt.ts'
import { unmailedReceipts, writeReceipt } from '../../../src/engine/commands/receipts.ts'
import { runBlock } from '../../../src/engine/commands.ts'
import { after, MINUTE } from '../../../src/time.ts'
import { readSignedAddress } from '../../../src/tokens.ts'
import { keys, MONDAY } from '../../desk.ts'
import { commandGround, EVA, exampleDesk } from './ground.ts'

const ground = await commandGround(exampleDesk.replace('receipts: errors #', 'receipts: digest #'))
const { sql, within, tools, bo, ada, run } = ground
test.after(ground.close)
test.before.each(async () => void (await sql`delete from outbox`))

const base = (ticketId: number | null): Receipt => ({
  outcome: 'done',
  who: { kind: 'agent', agent: bo },
  ticketId,
  inbox: tools.desk.inboxes[0]!,
  locale: 'en',
  zone: 'Europe/Berlin',
  channel: 'mail',
  mail: { id: null, messageId: 'command@bo.example', references: ['first@desk.example'], text: '' },
  commands: 'some',
  ran: [],
  problems: [],
  answers: { purpose: 'n', shown: 7 },
})

const write = (receipt: Receipt, now = MONDAY) => within((tx) => writeReceipt(tx, receipt, tools, now))

async function mails() {
  const rows = await sql<
    {
      kind: string
      recipient: string
      subject: string
      text: string
      html: string
      headers: [string, unknown][]
      message_id: string
    }[]
  >`
    select kind, recipient, subject, text, html, headers, message_id from outbox where kind <> 'reply' order by id`
  return rows.map((row) => ({ ...row, header: (name: string) => row.headers.find(([key]) => key === name)?.[1] }))
}

/** What a block was refused for, as receive/ hands it over. */
const failed = (words: string, ticketId: number | null): Receipt => ({
  ...base(ticketId),
  outcome: 'error',
  mail: { ...base(ticketId).mail, text: words },
  problems: ground.read(words, ticketId).problems,
})

test('what was done: each line with its effect, the due date, and how to take it back; an answer to the mail', async () => {
  const ticket = await ground.ticket()
  const words = '#take\n#prio high\n\nRestarted.'
  const { ran } = await run(words, ticket)
  const { receiptId } = await write({ ...base(ticket), ran })
  const [mail] = await mails()
  assert.is(mail!.kind, 'receipt')
  assert.is(mail!.recipient, bo.address)
  assert.is(
    mail!.subject,
    `[Desk#${ticket}] done: answer to eva@acme.example; it leaves at Monday, 23 November 2026 at 09:31 CET (UTC+01:00) · assigned to Bo · priority: high`,
  )
  assert.match(mail!.text, /1: · ?#take|1: #take/)
  assert.match(mail!.text, /assigned to Bo\n/)
  assert.match(mail!.text, /^Due: \w+day, \d+ November 2026/m)
  assert.match(mail!.text, new RegExp(`"undo ${receiptId}"`))
  assert.is(mail!.header('Auto-Submitted'), 'auto-replied')
  assert.is(mail!.header('In-Reply-To'), '<command@bo.example>')
  assert.is(mail!.header('References'), '<first@desk.example> <command@bo.example>')
  const [replyTo] = mail!.header('Reply-To') as { address: string }[]
  const token = readSignedAddress(keys, 'support@desk.example', replyTo!.address)!
  assert.equal([token.purpose, token.ticket, token.person, token.comment], ['n', ticket, bo.id, 7])
})

test('example 14: an unknown command comes back with a caret and the nearest name, and with the text', async () => {
  const ticket = await ground.ticket()
  const { mailed } = await write(failed('#nota internal only', ticket))
  assert.ok(mailed)
  const [mail] = await mails()
  assert.is(mail!.subject, `[Desk#${ticket}] not done`)
  assert.match(
    mail!.text,
    /^Nothing was executed or sent\.\n\nThere is no command "nota"\.\n1: #nota internal only\n {3}\^\nDid you mean "#note"/m,
  )
  assert.match(mail!.text, /Answer with the corrected lines, or with the one command "send"/)
  assert.match(mail!.text, /Your text:\n\| .*nota internal only/)
})

test('the caret stands under the argument, and what may be written there is named', async () => {
  const ticket = await ground.ticket()
  await write(failed('#take\n#prio hihg', ticket))
  const [mail] = await mails()
  assert.match(mail!.text, /2: #prio hihg\n {9}\^\nDid you mean "high"\?\nThere are: low, normal, high, urgent/)
})

test('the same error to the same person comes once in ten minutes; another one comes at once', async () => {
  const ticket = await ground.ticket()
  const at = after(MONDAY, 60 * MINUTE)
  assert.is((await write(failed('#foo', ticket), at)).mailed, true)
  assert.is((await write(failed('#foo', ticket), after(at, 9 * MINUTE))).mailed, false)
  assert.is((await write(failed('#bar', ticket), after(at, 9 * MINUTE))).mailed, true)
  assert.is((await write({ ...failed('#foo', ticket), who: { kind: 'agent', agent: ada } }, at)).mailed, true)
  assert.is((await write(failed('#foo', ticket), after(at, 11 * MINUTE))).mailed, true)
  assert.is((await sql`select from receipts where outcome = 'error' and reason like 'unknown_command #foo%'`).length, 4)
})

test('a plain answer has its row and no mail; who wants errors or a digest has mail only of what asked or failed', async () => {
  const ticket = await ground.ticket()
  const { ran } = await run('Restarted.', ticket)
  assert.is((await write({ ...base(ticket), ran, commands: 'none' })).mailed, false)
  const digest = { ...base(ticket), who: { kind: 'agent', agent: ada } as const }
  const on = { who: digest.who, actor: { kind: 'agent', id: ada.id, name: ada.name } as const }
  assert.is((await write({ ...digest, ran: (await run('#prio high', ticket, on)).ran })).mailed, false)
  assert.is((await write({ ...digest, ran: (await run('#status', ticket, on)).ran })).mailed, true, 'it asked')
  assert.is(
    (await write({ ...digest, outcome: 'dry', ran: (await run('#prio low\n#dry', ticket, on)).ran })).mailed,
    true,
  )
  assert.is((await write({ ...failed('#prioo', ticket), who: digest.who })).mailed, true)
  await write({ ...digest, channel: 'web', commands: 'none', ran: (await run('#prio urgent', ticket, on)).ran })
  const kept = await unmailedReceipts(sql, { agentId: ada.id, since: MONDAY })
  assert.equal(
    kept.map((one) => one.effects.map((effect) => effect.key)),
    [['priority_now']],
  )
})

test('a line for several tickets stands there once, with each ticket’s effect', async () => {
  const [one, two] = [await ground.ticket(), await ground.ticket()]
  const out = ground.readMany(`${one},${two} prio high`)
  const on = ground.acting(null)
  const { ran } = await within((tx) => runBlock(tx, out, { on, audience: 'internal', files: [] }, MONDAY))
  await write({ ...base(null), ran })
  const [mail] = await mails()
  assert.is(mail!.text.split(`1: ${one},${two} prio high`).length, 2)
  assert.match(mail!.text, new RegExp(` #${one}: priority: high\n +#${two}: priority: high`))
})

test('what cannot be taken back says how to correct it', async () => {
  const ticket = await ground.ticket()
  const { ran } = await run('#note\nCustomer sounds angry.', ticket)
  await write({ ...base(ticket), ran })
  const [mail] = await mails()
  assert.match(mail!.text, /internal note\n +A note stays: write another one/)
  assert.not.match(mail!.text, /take all of it back/)
})

test('a customer is told at their stored address, in public words, without lines of ours', async () => {
  const ticket = await ground.ticket()
  const who = { kind: 'customer', contactId: null, address: EVA.address, name: 'Eva' } as const
  const actor = { kind: 'contact', id: null, name: 'Eva' } as const
  const { ran } = await run('#status', ticket, { who, actor })
  await write({ ...base(ticket), who, ran, answers: null })
  const [mail] = await mails()
  assert.equal([mail!.kind, mail!.recipient], ['ack', EVA.address])
  assert.match(mail!.text, /Status: received/)
  assert.not.match(mail!.text, /normal|triage|Bo|undo/i)
})

test('the brake on automatic mail holds for customers: a loop of commands ends', async () => {
  const ticket = await ground.ticket()
  const who = { kind: 'customer', contactId: null, address: 'loop@acme.example', name: '' } as const
  const { ran } = await run('#help', ticket, { who, actor: { kind: 'contact', id: null, name: '' } })
  const sent: boolean[] = []
  for (let n = 0; n < 8; n++) sent.push((await write({ ...base(ticket), who, ran })).mailed)
  assert.is(sent[0], true)
  assert.is(sent.at(-1), false)
})

test('no line of any receipt is a command, whatever a line or a text says, quoted or not', async () => {
  const ticket = await ground.ticket('#close the door')
  await run('#new "#undo me"\nFor you.', null)
  const blocks = ['#foo #close\n#bar', '#help', '#history', '#list status:new', '#macros', '#types', '#why', '#status']
  for (const words of blocks) {
    const out = ground.read(words, ticket)
    if (out.problems.length > 0)
      await write({ ...failed(words, ticket), mail: { ...base(ticket).mail, text: `${words}\n#close\n\n#spam` } })
    else await write({ ...base(ticket), ran: (await run(words, ticket)).ran })
  }
  const all = await mails()
  assert.is(all.length, blocks.length)
  for (const { text, html } of all) {
    const plain = html
      .replace(/<[^>]*>/g, '\n')
      .replaceAll('&quot;', '"')
      .replaceAll('&gt;', '>')
    for (const body of [text, plain])
      for (const line of body.split('\n'))
        for (const form of [line, line.trim(), line.replace(/^[>|\s]+/, '')]) {
          assert.equal(readBlock(form).given, [], form)
          assert.equal(
            readBatch(form).given.filter((one) => !one.ticket),
            [],
            form,
          )
        }
  }
})

test.run()
