/** What `explain` says of an agent's mail is what is done with it, and saying it does nothing (HOUSE, decide then do). */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { loadConfig } from '../../../src/config.ts'
import { silent } from '../../../src/log.ts'
import { startTrust } from '../../../src/mail/authenticate/trust.ts'
import { explainMail } from '../../../src/mail/explain.ts'
import { startParser } from '../../../src/mail/parse.ts'
import { explained } from '../../../src/main/explain/object.ts'
import { envelopeOf, MONDAY, mail, startDesk } from '../../desk.ts'
import { ADA, BO, ELSEWHERE, EVA, ground } from './ground.ts'

const desk = await startDesk()
const { address, outgoing, ticket } = ground(desk)
const temp = mkdtempSync(path.join(os.tmpdir(), 'postroom-explained-'))
const parser = await startParser({ temp, log: silent, children: 1 })
const trust = startTrust(loadConfig({ env: {}, cwd: os.tmpdir() }), () => MONDAY)
test.before.each(() => desk.reset())
test.after(async () => {
  await parser.stop()
  await desk.stop()
  rmSync(temp, { recursive: true, force: true })
})

type Sent = { from?: string; to?: string; subject?: string; text: string; headers?: Record<string, string | null> }
const FORWARD = `Look.\n\n---------- Forwarded message ---------\nFrom: Noor <noor@borealis.example>\nSubject: Till\nTo: ${BO}\n\nIt prints nothing.`
const cases: [name: string, make: (id: number) => Promise<Sent>, envelope?: typeof ELSEWHERE][] = [
  ['an answer', async (id) => ({ to: await address(id, 'a'), text: 'Restart it.' })],
  ['a note', async (id) => ({ to: await address(id, 'n'), text: 'Looks like DNS.' })],
  ['commands and a text', async (id) => ({ to: await address(id, 'a'), text: '#close\n#prio high\n\nDone.' })],
  ['commands alone', async (id) => ({ to: await address(id, 'a'), text: '#take' })],
  ['a dry run', async (id) => ({ to: await address(id, 'a'), text: '#dry\n#take' })],
  ['a wrong command', async (id) => ({ to: await address(id, 'a'), text: '#nota x' })],
  ['level S', async (id) => ({ to: await address(id, 'a'), text: '#block sly@evil.example' })],
  ['a collision', async (id) => ({ to: await address(id, 'a', { shown: 0 }), text: 'Restart it.' })],
  ['less than proof', async (id) => ({ to: await address(id, 'a'), text: 'Restart it.' }), ELSEWHERE],
  ['another’s address', async (id) => ({ to: await address(id, 'a', { agent: ADA }), text: 'Restart it.' })],
  ['a digest', async (id) => ({ to: await address(0, 'a', { shown: 0 }), text: `${id} take` })],
  ['a forward', async () => ({ subject: 'Fwd: Till', text: FORWARD })],
  ['#new', async () => ({ subject: 'Fwd: Till', text: `#new from:parsed\n\n${FORWARD}` })],
  [
    'an automatic answer',
    async (id) => ({ to: await address(id, 'a'), text: 'Away.', headers: { 'Auto-Submitted': 'auto-replied' } }),
  ],
  ['commands that nothing proves', async () => ({ text: '#close\nx' }), ELSEWHERE],
  [
    'a customer’s command',
    async (id) => ({ from: EVA, to: await address(id, 'c', { person: 0, shown: 0 }), text: '#status' }),
  ],
]

for (const [name, make, envelope] of cases)
  test(`explained and done alike: ${name}`, async () => {
    const id = await ticket()
    if (name === 'a collision')
      await desk.deliver(mail({ to: await address(id, 'c', { person: 0, shown: 0 }), text: 'It works again.' }))
    const { from = `Bo <${BO}>`, ...sent } = await make(id)
    const raw = mail({ from, ...sent }).replaceAll(/\r?\n/g, '\r\n')
    const to = sent.to ?? 'support@desk.example'
    const came = { recipients: [{ address: to, inbox: 'support', tag: null }], ...envelope }
    const judged = { id: 0, envelope: envelopeOf(from.replace(/^.*<|>$/g, ''), came), releasedAt: null, ticketId: null }
    const before = (await outgoing()).length
    const source = async function* () {
      yield Buffer.from(raw)
    }
    const explanation = await explainMail(
      { sql: desk.sql, parser, tools: desk.tools(), trust },
      { judged, open: source },
      MONDAY,
    )
    const said = explained('x.eml', explanation)
    assert.is((await outgoing()).length, before)
    const end = await desk.deliver(raw, came)
    assert.equal(JSON.parse(JSON.stringify(said.plan)), end.trace.plan)
    assert.is(said.state, end.state)
    assert.equal(said.reasons, end.reasons)
    assert.equal(JSON.parse(JSON.stringify(said.commands)), end.trace.commands ?? [])
  })

test.run()
