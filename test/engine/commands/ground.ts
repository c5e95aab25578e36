/** What the tests of commands share: a desk of its own, a ticket of Eva's, and blocks that are read and run as receive/ does. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type Tx, transaction } from '../../../src/database.ts'
import type { Acting, Audience, Who } from '../../../src/engine/commands/command.ts'
import { type Readout, readBatch, readBlock, readCommands, runBlock } from '../../../src/engine/commands.ts'
import { applyDesk } from '../../../src/engine/desk/apply.ts'
import { readHolidayFiles } from '../../../src/engine/desk/holiday-files.ts'
import { loadDesk } from '../../../src/engine/desk/load.ts'
import { openFor } from '../../../src/engine/tickets/open-for.ts'
import type { Tools } from '../../../src/engine/tools.ts'
import { testDatabase } from '../../database.ts'
import { keys, MONDAY, templates } from '../../desk.ts'

export const EVA = { address: 'eva@acme.example', name: 'Eva' }

/** A desk of the file that shows everything. */
const config = path.join(import.meta.dirname, '../../../config')
export const exampleDesk = readFileSync(path.join(config, 'desk.example.yml'), 'utf8')
export const exampleHolidays = await readHolidayFiles(exampleDesk, config)

export async function commandGround(text = exampleDesk) {
  const database = await testDatabase()
  const { sql } = database
  await transaction(sql, (tx) => applyDesk(tx, { text, author: 'test', holidays: exampleHolidays }, MONDAY))
  const desk = (await loadDesk(sql))!
  const tools: Tools = { desk, keys, templates }
  const agent = (address: string) => desk.agents.get(address)!
  const bo = agent('bo@desk.example')
  const ada = agent('ada@desk.example')
  const within = <T>(work: (tx: Tx) => Promise<T>) => transaction(sql, work)

  function acting(
    ticketId: number | null,
    change: Omit<Partial<Acting>, 'mail'> & { mail?: Partial<Acting['mail']> } = {},
  ): Acting {
    const { mail, ...others } = change
    return {
      tools,
      who: { kind: 'agent', agent: bo },
      actor: { kind: 'agent', id: bo.id, name: bo.name },
      inbox: desk.inboxes[0]!,
      ticketId,
      channel: 'mail',
      url: 'https://desk.example',
      locale: 'en',
      zone: 'Europe/Berlin',
      ...others,
      mail: {
        id: null,
        from: { address: bo.address, name: bo.name },
        subject: 'Re: The printer',
        text: '',
        references: [],
        forward: null,
        attachments: [],
        ...mail,
      },
    }
  }

  const read = (words: string, ticket: number | null, who: Who = { kind: 'agent', agent: bo }, now = MONDAY): Readout =>
    readCommands(readBlock(words), { desk, who, ticket, zone: 'Europe/Berlin', now })

  return {
    ...database,
    desk,
    tools,
    bo,
    ada,
    agent,
    within,
    acting,
    read,
    readMany: (words: string): Readout =>
      readCommands(readBatch(words), {
        desk,
        who: { kind: 'agent', agent: bo },
        ticket: null,
        zone: 'Europe/Berlin',
        now: MONDAY,
      }),
    /** A ticket of Eva's, as if she had written. */
    async ticket(subject = 'The printer is on fire', now = MONDAY): Promise<number> {
      const { ticketId } = await within((tx) =>
        openFor(
          tx,
          {
            subject,
            requester: EVA,
            text: 'Please help, it burns.',
            note: '',
            project: null,
            inbox: desk.inboxes[0]!,
            agent: bo,
            channel: 'mail',
            files: [],
            tools,
          },
          now,
        ),
      )
      return ticketId
    },
    /** Reads and runs a block in one transaction. Throws the problems, or the refusal. */
    async run(
      words: string,
      ticketId: number | null,
      change: Omit<Partial<Acting>, 'mail'> & { mail?: Partial<Acting['mail']>; audience?: Audience; now?: Date } = {},
    ) {
      const { audience = 'public', now = MONDAY, ...others } = change
      const on = acting(ticketId, others)
      const out = read(words, ticketId, on.who, now)
      if (out.problems.length > 0) throw new Error(out.problems.map((one) => one.words.key).join(', '))
      const mail = { ...on.mail, text: readBlock(words).text }
      return await within((tx) => runBlock(tx, out, { on: { ...on, mail }, audience, files: [] }, now))
    },
  }
}
