/** Agents from the command line: `agent add`, `login`. */
import { notify, type Queryable, type Sql, transaction } from '../database.ts'
import { DESK_CHANNEL } from '../engine/desk/apply.ts'
import { toAddress } from '../engine/desk/values.ts'
import { addAgent, findAgent } from '../engine/people.ts'
import { Refusal } from '../errors.ts'
import { web as limits } from '../limits.ts'
import { createLoginLink } from '../web/session.ts'
import type { Print } from './show.ts'

/** `agent add ADDRESS [--name] [--admin]`: creates or re-enables, and prints a sign-in link. */
export async function agentAdd(
  sql: Sql,
  print: Print,
  agent: { address: string; name: string; admin: boolean; base: string; json: boolean },
  now: Date,
): Promise<void> {
  const address = toAddress(agent.address)
  if (!address) throw new Refusal('bad_address', `"${agent.address}" is no address: write name@domain.`)
  const secret = await transaction(sql, async (tx) => {
    const agentId = await addAgent(tx, { ...agent, address }, now)
    await notify(tx, DESK_CHANNEL, 'agent')
    return await createLoginLink(tx, { agentId, lifetime: limits.printedLink }, now)
  })
  printLink(print, { address, secret, base: agent.base, json: agent.json })
}

/** `login ADDRESS`: a sign-in link, 24 h, once. @throws Refusal `unknown_agent` */
export async function login(
  sql: Sql,
  print: Print,
  given: { address: string; base: string; json: boolean },
  now: Date,
): Promise<void> {
  const agent = await findAgent(sql, given.address)
  if (!agent)
    throw new Refusal('unknown_agent', `${given.address} is no agent here: bin/postroom agent add ${given.address}`)
  const secret = await transaction(sql, (tx) =>
    createLoginLink(tx, { agentId: agent.id, lifetime: limits.printedLink }, now),
  )
  printLink(print, { address: agent.address, secret, base: given.base, json: given.json })
}

/** The admin who came first, or null. */
export async function firstAdmin(sql: Queryable): Promise<{ id: number; address: string } | null> {
  const [row] = await sql<{ id: number; address: string }[]>`
    select id, address from agents where admin and disabled_at is null order by id limit 1`
  return row ?? null
}

function printLink(print: Print, given: { address: string; secret: string; base: string; json: boolean }): void {
  const link = `${given.base}/sign-in/${given.secret}`
  print(
    given.json
      ? JSON.stringify({ address: given.address, link })
      : `Sign in as ${given.address}, once, within 24 hours:\n${link}`,
  )
}
