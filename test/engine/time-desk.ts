/** A desk for tests of time and money: the demo desk in a real database, its people as workers, tickets that promise nothing. */
import { type Sql, type Tx, transaction } from '../../src/database.ts'
import { applyDesk } from '../../src/engine/desk/apply.ts'
import { loadDesk } from '../../src/engine/desk/load.ts'
import { system } from '../../src/engine/events.ts'
import type { Priority } from '../../src/engine/tables.ts'
import { createTicket, reserveTicket } from '../../src/engine/tickets/rows.ts'
import { approveEntry, submitEntry } from '../../src/engine/time-entries/approval.ts'
import type { Details } from '../../src/engine/time-entries/details.ts'
import type { Worker } from '../../src/engine/time-entries/rows.ts'
import { enterTime, type When } from '../../src/engine/time-entries.ts'
import type { Tools } from '../../src/engine/tools.ts'
import { Refusal } from '../../src/errors.ts'
import { demoDesk, keys, templates } from '../desk.ts'

/** Tuesday, 14:00 in Berlin. */
export const NOON = new Date('2026-03-03T13:00:00Z')

export const at = (instant: string): Date => new Date(instant)

export type TimeDesk = Awaited<ReturnType<typeof timeDesk>>

/** @param settings YAML lines that stand under `settings:` of the demo desk */
export async function timeDesk(sql: Sql, settings = '', change: (text: string) => string = (text) => text) {
  const text = change(`${demoDesk.trimEnd()}\n${settings}\n`)
  await transaction(sql, (tx) => applyDesk(tx, { text, author: 'test' }, NOON))
  const desk = await loadDesk(sql)
  const tools: Tools = { desk, keys, templates }
  const worker = (address: string): Worker => {
    const { id, name, admin, zone } = desk.agents.get(address)!
    return { id, name, address, admin, zone: zone ?? 'Europe/Berlin' }
  }
  const [ada, bo] = [worker('ada@desk.example'), worker('bo@desk.example')]
  const act = <T>(work: (tx: Tx) => Promise<T>) => transaction(sql, work)

  async function addTicket(wish: { subject?: string; priority?: Priority; organization?: string | null } = {}) {
    const organization = wish.organization === undefined ? 'acme' : wish.organization
    const subject = wish.subject ?? 'The printer is down'
    return act(async (tx) => {
      const { ticketId } = await reserveTicket(tx)
      const ticket = {
        id: ticketId,
        subject,
        baseSubject: subject,
        status: 'open',
        priority: wish.priority ?? 'normal',
        type: 'question',
        tags: [],
        automatic: false,
        inboxId: null,
        projectId: desk.projects.get(organization === null ? 'triage' : `${organization}/incoming`)!.id,
        organizationId: organization === null ? null : desk.organizations.get(organization)!.id,
        teamId: null,
        assigneeId: null,
        requester: { contactId: null, address: 'eva@acme.example', name: 'Eva' },
        locale: 'en',
        zone: 'Europe/Berlin',
        sla: null,
        ackPromise: null,
      } as const
      await createTicket(tx, { ...ticket, tags: [] }, { actor: system('test'), why: 'test' }, NOON)
      return ticketId
    })
  }

  /** One entry, entered by Bo and approved by Ada. */
  async function approved(ticketId: number, when: When, details: Details = {}): Promise<number> {
    return act(async (tx) => {
      const { entryIds } = await enterTime(tx, { agent: bo, place: { ticketId }, when, details, tools }, NOON)
      await submitEntry(tx, { entryId: entryIds[0]!, agent: bo, tools }, NOON)
      await approveEntry(tx, { entryId: entryIds[0]!, agent: ada, tools }, NOON)
      return entryIds[0]!
    })
  }

  return { desk, tools, ada, bo, act, addTicket, approved }
}

/** The code of the refusal, or that there was none. */
export const refusal = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'nothing was refused',
    (error) => (error instanceof Refusal ? error.code : String(error)),
  )
