/** What a block says: the examples and the cases that must not run of COMMANDS E6, names, values, limits, customers. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { aliasFault, allNames, LOCALE_ALIASES, nameOf, nearestNames } from '../../../src/engine/commands/aliases.ts'
import { readBlock } from '../../../src/engine/commands/grammar.ts'
import { type Name, SPECS } from '../../../src/engine/commands/names.ts'
import { say } from '../../../src/engine/commands/phrases.ts'
import { COMMANDS } from '../../../src/engine/commands/registry.ts'
import { readCommands } from '../../../src/engine/commands.ts'
import { parseDesk } from '../../../src/engine/desk/document.ts'
import { MONDAY } from '../../desk.ts'
import { seeded } from '../../random.ts'
import { commandGround, EVA, exampleDesk, exampleHolidays } from './ground.ts'
import { commandTable } from './table.ts'

const ground = await commandGround()
const { sql, desk, bo, run, read } = ground
test.after(ground.close)

const ticketRow = async (id: number) => ({ ...(await sql`select * from tickets where id = ${id}`)[0] })
const keysOf = (words: string, ticket: number | null = 1) => read(words, ticket).problems.map((one) => one.words.key)
const customer = { kind: 'customer', contactId: null, address: EVA.address, name: 'Eva' } as const
const asEva = { who: customer, actor: { kind: 'contact', id: null, name: 'Eva' } as const }

test('every command is listed once, and no word is two commands', () => {
  const words = SPECS.flatMap((spec) => [spec.name, ...spec.aliases])
  assert.equal([...new Set(words)].length, words.length)
  assert.equal(
    COMMANDS.map((command) => command.name),
    SPECS.map((spec) => spec.name),
  )
  for (const [language, aliases] of Object.entries(LOCALE_ALIASES))
    for (const [word, name] of Object.entries(aliases)) {
      assert.is(nameOf(word.normalize('NFKC').toLowerCase(), desk), name, `${language}: ${word}`)
      assert.equal(readBlock(`#${word}`).given.length, 1, `${word} can be written`)
    }
  assert.equal(Object.keys(LOCALE_ALIASES).sort(), ['de', 'es', 'fr', 'pl', 'ru', 'uk'])
})

test('the page about commands holds the registry as it is', () => {
  const page = readFileSync(path.join(import.meta.dirname, '../../../docs/commands.md'), 'utf8')
  assert.ok(page.includes(commandTable()), 'docs/commands.md holds the table of test/engine/commands/table.ts')
})

test('the aliases of COMMANDS E3', () => {
  const expected: Record<string, Name> = {
    internal: 'note', i: 'note', public: 'reply', send: 'reply', closed: 'close', solve: 'close', solved: 'close',
    resolve: 'close', resolved: 'close', done: 'close', reopen: 'open', reopened: 'open', pending: 'wait', owner: 'assign',
    a: 'assign', mine: 'take', unassign: 'drop', move: 'project', escalate: 'team', prio: 'priority', p: 'priority',
    set: 'field', label: 'tag', add: 'cc', requester: 'customer', from: 'customer', ticket: 'new', remind: 'snooze',
    spent: 'time', t: 'time', m: 'macro', duplicate: 'dup', side: 'ask', закрыть: 'close', заметка: 'note', время: 'time',
    zamknij: 'close', закрити: 'close', готово: 'close', fertig: 'close',
  } // biome-ignore format: a table to be read
  for (const [word, name] of Object.entries(expected)) assert.is(nameOf(word, desk), name, word)
})

test('the nearest names, on the wrong keyboard too; at most three, each of another command', () => {
  assert.equal(nearestNames('nota', desk), ['note'])
  assert.equal(nearestNames('clsoe', desk), ['close'])
  assert.is(nearestNames('сдщыу', desk)[0], 'close')
  assert.is(nearestNames('pfrhsnm', desk)[0], 'закрыть')
  assert.is(nearestNames('pfrhbnb', desk)[0], 'закрити', 'the Ukrainian one')
  assert.equal(nearestNames('xyzzy', desk), [])
  for (const word of allNames(desk)) assert.ok(nearestNames(word, desk).length <= 3)
})

test('a desk whose own words or macros cannot run is refused, with line and remedy', () => {
  const problems = (from: string, to: string) => {
    assert.ok(exampleDesk.includes(from), from)
    return parseDesk(exampleDesk.replace(from, to), 'desk.yml', { holidays: exampleHolidays }).problems.map((one) =>
      [one.cause, one.remedy].join(' | '),
    )
  }
  assert.match(problems('{fertig: close}', '{fertig: clsoe}')[0]!, /"clsoe" is no command \| commands are note/)
  assert.match(problems('{fertig: close}', '{note: close}')[0]!, /"note" is a command already/)
  assert.match(problems('{fertig: close}', '{сделано: open}')[0]!, /"сделано" is "open" already/)
  assert.match(problems('"#close"]', '"#clsoe"]')[0]!, /no command #clsoe \| did you mean #close\?/)
  assert.match(problems('"#close"]', '"close"]')[0]!, /"close" is no command/)
  assert.match(problems('"#close"]', '"#macro x"]')[0]!, /#macro cannot stand in a macro/)
  assert.match(
    problems('we restarted {{host}}', 'we restarted {{hots}}')[0]!,
    /\{\{hots\}\} is no placeholder here \| write one of: customer/,
  )
  assert.match(
    problems('"#tag +restarted"', '"#tag +{{subject}}"')[0]!,
    /\{\{subject\}\} is no placeholder/,
    'what customers write is in no command',
  )
  const [first] = parseDesk(exampleDesk.replace('"#close"]', '"#clsoe"]'), 'desk.yml', {
    holidays: exampleHolidays,
  }).problems
  assert.match(exampleDesk.split('\n')[first!.line! - 1]!, /commands:/)
  assert.is(aliasFault('schluss', 'close'), null)
})

test('1: text goes to the customer, then the ticket is resolved', async () => {
  const id = await ground.ticket()
  const { ran } = await run('#close\n\nRestarted the VPN, please retry.', id)
  assert.equal(
    ran.map((one) => one.key),
    ['replied', 'status_now'],
  )
  assert.is((await ticketRow(id)).status, 'resolved')
  assert.equal(
    (await sql`select recipient from outbox where ticket_id = ${id}`).map((row) => row.recipient),
    [EVA.address],
  )
})

test('2: solved quietly: no comment, no mail; a text with it is a note', async () => {
  const id = await ground.ticket()
  await run('#solved quiet', id)
  assert.is((await ticketRow(id)).status, 'resolved')
  await run('#solved quiet\n\nThey called.', await ground.ticket())
  assert.equal([...(await sql`select recipient from outbox where ticket_id >= ${id}`)], [])
  const [last] = await sql`select visibility, text from comments order by id desc limit 1`
  assert.equal({ ...last }, { visibility: 'internal', text: 'They called.' })
})

test('3, 4: a note by command, and by address: nothing goes out', async () => {
  const id = await ground.ticket()
  await run('#note\nCustomer sounds angry, call first.', id)
  await run('Looks like DNS.', id, { audience: 'internal' })
  const rows = await sql`select visibility from comments where ticket_id = ${id} order by id`
  assert.equal(
    rows.map((row) => row.visibility),
    ['public', 'internal', 'internal'],
  )
  assert.equal([...(await sql`select id from outbox where ticket_id = ${id}`)], [])
})

test('5: three changes, no comment', async () => {
  const id = await ground.ticket()
  await run('#assign ada\n#prio high\n#tag +vpn -new', id)
  const row = await ticketRow(id)
  assert.equal([row.assignee_id, row.priority, row.tags], [ground.ada.id, 'high', ['vpn']])
  assert.is((await sql`select from comments where ticket_id = ${id}`).length, 1)
})

test('6: time and an answer', async () => {
  const id = await ground.ticket()
  await run('#time 1h30m billable done:60% "migrated db"\n\nMigration is at 60 %.', id)
  const [entry] =
    await sql`select raw_s, billable, percent_complete, note, status from time_entries where ticket_id = ${id}`
  assert.equal(
    { ...entry },
    { raw_s: 5400, billable: true, percent_complete: 60, note: 'migrated db', status: 'draft' },
  )
  assert.is((await sql`select from outbox where ticket_id = ${id}`).length, 1)
})

test('7: the timer runs, and leaves a draft when it stops', async () => {
  const id = await ground.ticket()
  await run('#start', id)
  const { ran } = await run('#stop', id, { now: new Date(MONDAY.getTime() + 3_600_000) })
  assert.equal([ran[0]!.key, ran[0]!.data.length], ['timer_stopped', '1 hour'])
})

test('8: sent, waiting, and back on Friday at five', async () => {
  const id = await ground.ticket()
  await run('#wait customer until:fri 17:00\n\nCould you send the log?', id)
  const row = await ticketRow(id)
  assert.equal([row.status, (row.wake_at as Date).toISOString()], ['waiting_customer', '2026-11-27T16:00:00.000Z'])
})

test('9: a new ticket out of a forwarded mail; refused where nobody can be read from it', async () => {
  const forward = {
    by: 'banner' as const,
    from: { address: 'ivo@acme.example', name: 'Ivo' },
    subject: 'Printer',
    date: null,
    dateWritten: '',
    text: 'It does not print.',
    above: '#new "Printer dead" from:parsed project:acme/incoming\n\nHe called, too.',
  }
  const words = '#new "Printer dead" from:parsed project:acme/incoming'
  const { ticketId } = await run(words, null, { mail: { forward } })
  const row = await ticketRow(ticketId!)
  assert.equal(
    [row.subject, row.requester_address, row.origin],
    ['Printer dead', 'ivo@acme.example', 'agent_for_customer'],
  )
  const comments =
    await sql`select visibility, author_role, text from comments where ticket_id = ${ticketId} order by id`
  assert.equal(
    comments.map((one) => ({ ...one })),
    [
      { visibility: 'public', author_role: 'contact', text: 'It does not print.' },
      { visibility: 'internal', author_role: 'agent', text: 'He called, too.' },
    ],
  )
  assert.equal([...(await sql`select id from outbox where ticket_id = ${ticketId}`)], [], 'nobody is written to')
  try {
    await run(words, null, { mail: { forward: { ...forward, from: null } } })
    assert.unreachable('it guessed')
  } catch (error) {
    assert.match((error as Error).message, /does not say clearly whom it forwards/)
  }
})

test('10: a duplicate closes with its original', async () => {
  const [id, other] = [await ground.ticket(), await ground.ticket()]
  await run(`#dup ${other}`, id)
  await run('#close quiet', other)
  assert.is((await ticketRow(id)).status, 'resolved')
})

test('11: split from the third comment', async () => {
  const id = await ground.ticket()
  await run('Which one?', id)
  await run('#note\nThe second one.', id)
  const { ran } = await run('#split from:c3 "Second monitor"', id)
  const [row] = await sql`select id, subject from tickets order by id desc limit 1`
  assert.equal([ran[0]!.data.ticket, row!.subject], [`#${row!.id}`, 'Second monitor'])
})

test('several tickets go into the one that is named first', async () => {
  const [id, into, third] = [await ground.ticket(), await ground.ticket(), await ground.ticket()]
  await run(`#merge ${into} ${third}`, id)
  assert.equal([(await ticketRow(id)).merged_into, (await ticketRow(third)).merged_into], [into, into])
})

test('12: an outsider is asked; the ticket keeps it to itself', async () => {
  const id = await ground.ticket()
  await run('#ask noc@isp.example "Is line 7 down?"', id, { audience: 'internal' })
  const rows = await sql`select recipient, text from outbox where ticket_id = ${id}`
  assert.equal(
    rows.map((row) => row.recipient),
    ['noc@isp.example'],
  )
  assert.match(rows[0]!.text, /Is line 7 down\?/)
})

test('13: a batch is done whole; a plan of it names each ticket', async () => {
  const ids = [
    await ground.ticket(),
    await ground.ticket(),
    await ground.ticket(),
    await ground.ticket(),
    await ground.ticket(),
  ]
  const out = ground.readMany(`${ids[0]} take\n${ids[1]},${ids[2]} dup ${ids[4]}\n${ids[3]} due fri`)
  assert.equal(out.problems, [])
  const { runBlock } = await import('../../../src/engine/commands.ts')
  const { ran } = await ground.within((tx) =>
    runBlock(tx, out, { on: ground.acting(null), audience: 'internal', files: [] }, MONDAY),
  )
  assert.equal(
    ran.map((one) => [one.line, one.ticket, one.key]),
    [
      [1, ids[0], 'assigned'],
      [2, ids[1], 'duplicate_now'],
      [2, ids[2], 'duplicate_now'],
      [3, ids[3], 'due_now'],
    ],
  )
})

test('14: one wrong line, and nothing is to be run', () => {
  const out = read('#nota internal only\n#take', 1)
  assert.equal(
    out.problems.map((one) => [one.line, one.words.key, one.nearest]),
    [[1, 'unknown_command', ['note']]],
  )
  assert.equal(
    out.commands.map((row) => [row.command, row.ok]),
    [
      ['nota', false],
      ['take', true],
    ],
  )
  assert.match(out.commands[0]!.error!, /no command "nota"/)
})

test('must not run: what is no block, and a known command below text, which is an error', () => {
  for (const words of ['> #close', '#1 priority for us', '##close', 'Hello #close', 'We use #vpn today\n#vpnissues'])
    assert.equal([read(words, 1).acts.length, keysOf(words)], [0, []], words)
  assert.equal(keysOf('Hello,\n#close'), ['stray'])
  assert.equal(keysOf('#note\n\n#close'), ['stray'])
  assert.equal(keysOf('#note\n#end\n#close'), [])
})

test('a desk may choose to send such a line', () => {
  const lenient = { ...desk, settings: { ...desk.settings, stray_commands: 'send' as const } }
  const on = { desk: lenient, who: { kind: 'agent', agent: bo } as const, ticket: 1, zone: 'UTC', now: MONDAY }
  const out = readCommands(readBlock('Hello,\n#close'), on)
  assert.equal([out.problems, out.acts, out.text], [[], [], 'Hello,\n#close'])
})

test('a refusal of a verb names its line', async () => {
  const id = await ground.ticket()
  try {
    await run('#take\n#accept nobody@acme.example', id)
    assert.unreachable('it was done')
  } catch (error) {
    assert.equal((error as Error).cause, { line: 2, source: '#accept nobody@acme.example' })
  }
  assert.is((await ticketRow(id)).assignee_id, null, 'the first line is undone with it')
})

test('what cannot be meant: two audiences, no text, too much, no ticket', () => {
  assert.equal(keysOf('#note\n#reply\nHello'), ['two_audiences'])
  assert.equal(keysOf('#note'), ['needs_text'])
  assert.equal(keysOf('#private'), ['needs_text'])
  assert.equal(keysOf('#send'), [], 'it releases what is held')
  assert.equal(keysOf('#ask noc@isp.example'), ['needs_text'])
  assert.equal(keysOf('#take\n'.repeat(21)), ['too_many_commands'])
  assert.equal(keysOf('#take', null), ['needs_ticket'])
  assert.equal(keysOf('#list', null), [])
  const many = Array.from({ length: 51 }, (_, n) => n + 1).join(',')
  assert.equal(
    ground.readMany(`${many} take`).problems.map((one) => one.words.key),
    ['too_many_tickets'],
  )
  assert.equal(
    ground.readMany('7 note').problems.map((one) => one.words.key),
    ['needs_text'],
  )
})

test('arguments that mean nothing are errors, with what there is', () => {
  const problem = (words: string) => {
    const [first] = read(words, 1).problems
    return [first?.words.key, first?.column, first?.nearest]
  }
  assert.equal(problem('#take now'), ['unexpected', 7, []])
  assert.equal(problem('#prio hihg'), ['not_one_of', 7, ['high']])
  assert.equal(problem('#assign caro'), ['unknown_agent', 9, []])
  assert.equal(problem('#team supprt'), ['unknown_team', 7, ['support']])
  assert.equal(problem('#due someday'), ['no_time', 6, []])
  assert.equal(problem('#due 2026-11-01'), ['past_time', 6, []])
  assert.equal(problem('#time soon'), ['no_duration', 7, []])
  assert.equal(problem('#time 1h done:200%'), ['no_percent', 10, []])
  assert.equal(problem('#merge soon'), ['no_ticket_number', 8, []])
  assert.equal(problem('#cc +nobody'), ['no_address', 5, []])
  assert.equal(problem('#macro restarted'), ['macro_missing', null, []])
  assert.equal(problem('#macro restarted host:a port:b'), ['macro_value', 25, []])
  assert.equal(problem('#new "open'), ['unclosed_quote', 6, []])
  assert.equal(problem('#rate 5'), ['not_yours', 1, []])
})

test('who is meant: an address, a handle, a name, what only one begins with; me; a team', async () => {
  const id = await ground.ticket()
  for (const [words, agentId] of [
    ['#assign ada@desk.example', ground.ada.id],
    ['#assign me', bo.id],
    ['#assign ad', ground.ada.id],
    ['#assign Bo', bo.id],
    ['#assign none', null],
  ] as const) {
    await run(words, id)
    assert.is((await ticketRow(id)).assignee_id, agentId, words)
  }
  await run('#assign me', id)
  await run('#assign team:night', id)
  const row = await ticketRow(id)
  assert.equal([row.assignee_id, row.team_id], [null, desk.teams.get('night')!.id])
})

test('people of another customer are let in only where an agent says that it is meant', async () => {
  const id = await ground.ticket()
  const other = [...desk.organizations.values()].find((one) => one.key !== 'acme' && one.domains.length > 0)!
  const stranger = `zoe@${other.domains[0]!.replace('*.', '')}`
  try {
    await run(`#cc +${stranger}`, id)
    assert.unreachable('they were let in')
  } catch (error) {
    assert.match((error as Error).message, /another customer .* write "anyway" behind the addresses/)
  }
  assert.is((await run(`#cc +${stranger} anyway`, id)).ran[0]!.data.to, stranger)
  assert.is((await run(`#cc -${stranger}`, id)).ran[0]!.key, 'people_none')
  assert.equal(keysOf('#cc anyway'), ['missing'])
})

test('S: what needs a confirmation of its own says so', () => {
  assert.is(read('#block bad@evil.example', 1).strong, true)
  assert.is(ground.readMany('1,2 merge 3').strong, true)
  assert.is(ground.readMany('1 merge 3').strong, false)
  assert.equal([read('#merge 3', 1).strong, read('#merge 3 4', 1).strong], [false, true])
  assert.is(read('#close', 1).strong, false)
})

test('a macro stands for its text, in the customer’s language, and its commands', async () => {
  const id = await ground.ticket()
  await sql`update tickets set locale = 'de' where id = ${id}`
  const { ran } = await run('#macro restarted host:db1\n\nGruß, Bo', id)
  assert.equal(
    ran.map((one) => one.key),
    ['replied', 'macro_text', 'tags_now', 'status_now'],
  )
  const [row] = await sql`select text from comments where ticket_id = ${id} order by id desc limit 1`
  assert.is(row!.text, 'Eva, wir haben db1 neu gestartet. Bitte versuchen Sie es noch einmal.\n\nGruß, Bo')
})

test('what a customer wrote is data in a macro, never a name to fill in', async () => {
  const id = await ground.ticket()
  await sql`update tickets set requester_name = '{{host}} {{subject}}' where id = ${id}`
  await run('#macro restarted host:{{customer}}', id)
  const [row] = await sql`select text from comments where ticket_id = ${id} order by id desc limit 1`
  assert.is(
    row!.text,
    '{{host}} {{subject}}, wir haben {{customer}} neu gestartet. Bitte versuchen Sie es noch einmal.',
  )
})

test('customers have their own commands; all other lines of theirs are text, and nobody is told', async () => {
  for (const words of [
    '#assign me',
    '#close\n#assign me',
    '#prio urgent',
    '#nota',
    '#close now "',
    '#note\nhello',
    '#block x@y.example',
  ]) {
    const out = readCommands(readBlock(words), { desk, who: customer, ticket: 1, zone: 'UTC', now: MONDAY })
    assert.equal([out.acts, out.problems, out.commands], [[], [], []], words)
    assert.match(out.text, /^#/, words)
  }
  const own = SPECS.filter((spec) => spec.level === 'both' || spec.level === 'customer').map((spec) => spec.name)
  assert.equal([...own].sort(), ['cc', 'close', 'help', 'history', 'list', 'open', 'rate', 'status', 'unsubscribe'])
})

test('an agent reads a ticket’s facts, with the way to its page', async () => {
  const id = await ground.ticket()
  await run('#take\n#prio urgent\n#tag +vpn\n#due fri', id)
  const lines = (await run('#status', id)).ran[0]!.lines!.join('\n')
  for (const part of [
    'Status: open',
    'Priority: urgent',
    'Assigned to: Bo',
    'Tags: vpn',
    'Due by hand: Friday',
    `https://desk.example/tickets/${id}`,
  ])
    assert.ok(lines.includes(part), `${part} in ${lines}`)
})

test('what customers read says nothing of how the desk works', async () => {
  const id = await ground.ticket()
  await run('#take\n#prio urgent\n#note\nThey are late with paying.', id)
  await run('Did you try again?', id)
  for (const words of ['#status', '#history', '#list', '#help']) {
    const { ran } = await run(words, id, asEva)
    const said = JSON.stringify(ran)
    assert.not.match(said, /urgent|paying|triage|support|assign|waiting_customer|bo@/i, words)
    assert.ok(ran[0]!.lines!.length > 0, words)
  }
  assert.match(JSON.stringify((await run('#status', id, asEva)).ran), /waiting for your answer/)
  assert.match(JSON.stringify((await run('#list', id, asEva)).ran), new RegExp(`#${id} `))
  const stranger = { ...asEva, who: { ...customer, address: 'eve@other.example' } }
  assert.is((await run('#list', null, stranger)).ran[0]!.key, 'listed_none')
})

test('a customer closes, opens again and rates their ticket', async () => {
  const id = await ground.ticket()
  await run('#close', id, asEva)
  assert.is((await ticketRow(id)).status, 'resolved')
  await run('#open', id, asEva)
  assert.is((await ticketRow(id)).status, 'open')
  await run('#hold', id)
  await run('#open', id, asEva)
  assert.is((await ticketRow(id)).status, 'on_hold', 'open again is for what was done')
  await run('#rate 4 quick', id, asEva)
  const [event] = await sql`select data from events where ticket_id = ${id} and type = 'rated'`
  assert.equal(event!.data, { mark: 4, text: 'quick' })
})

test('whatever stands in a line, reading it says either what it does or what is wrong', () => {
  const chance = seeded(412)
  const pick = <T>(list: readonly T[]) => list[Math.floor(chance() * list.length)]!
  const words = [...allNames(desk), 'nota', 'c3', '']
  const parts = ['me', 'none', 'ada', '+a@b.example', '-x', '=', '+', '"', '"two words"', 'until:fri', '17:00', 'from:parsed', 'team:',
    '400', '#400', '+2d', 'fri', '1h30m', 'done:60%', 'date:', 'entry:7', 'host:db1', 'quiet', 'high', 'domain:evil.example', '::', 'a:"', 'ß',
    'constructor', '__proto__:1', 'toString', '2026-02-30', '99999999999999999999', 'c', 'blocks', 'vendor', ','] // biome-ignore format: a list
  for (let n = 0; n < 4000; n++) {
    const line = `#${pick(words)} ${Array.from({ length: Math.floor(chance() * 5) }, () => pick(parts)).join(' ')}`
    const text = pick(['', '\n\nHello', '\nHello\n#close'])
    for (const who of [{ kind: 'agent', agent: bo } as const, customer])
      for (const ticket of [1, null]) {
        const out = readCommands(readBlock(line + text), { desk, who, ticket, zone: 'Europe/Berlin', now: MONDAY })
        if (who.kind === 'customer') assert.equal(out.problems, [], line)
        else if (readBlock(line).given.length > 0) assert.ok(out.problems.length > 0 || out.acts.length > 0, line)
        if (out.problems.length === 0) continue
        for (const { words: told } of out.problems) assert.not.match(say('en', told), /\{\w+\}|undefined|null/, line)
      }
  }
})

test('help is the registry: every command and alias, and one alone', async () => {
  const { ran } = await run('#help', null)
  const text = ran[0]!.lines!.join('\n')
  for (const spec of SPECS) {
    const line = ran[0]!.lines!.find((one) => one.startsWith(`"#${spec.name}`))
    assert.is(line !== undefined, spec.level !== 'customer', spec.name)
    for (const alias of spec.level === 'customer' ? [] : spec.aliases) assert.ok(text.includes(alias), alias)
  }
  assert.equal((await run('#help #solved', null)).ran[0]!.lines!.length, 1)
  assert.equal(keysOf('#help nota'), ['unknown_command'])
})

test('more mails with commands in an hour than people write are refused', async () => {
  const id = await ground.ticket()
  const now = new Date('2026-11-24T09:00:00Z')
  for (let n = 0; n < 120; n++) await run('#types', id, { now })
  try {
    await run('#types', id, { now })
    assert.unreachable('it was done')
  } catch (error) {
    assert.match((error as Error).message, /At most 120 mails/)
  }
  await run('#types', id, { now: new Date(now.getTime() + 3_600_000) })
})

test.run()
