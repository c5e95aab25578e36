/** What each agent wants to be told of: what they chose, else what the desk file says of them, else the same for all. */
import type { Queryable, Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import type { Agent } from '../desk.ts'
import { type Choices, REGULAR, type Regular, TOPICS, type Topic, WAYS } from './kinds.ts'

/** Reads what was chosen once, and answers for any agent. */
export async function loadChoices(sql: Queryable): Promise<(agent: Agent) => Choices> {
  const rows = await sql<{ agent_id: number; topic: Topic | Regular; choice: string }[]>`
    select agent_id, topic, choice from agent_choices`
  const chosen = Map.groupBy(rows, (row) => row.agent_id)
  return (agent) => ({
    ...givenTo(agent),
    ...(Object.fromEntries((chosen.get(agent.id) ?? []).map((row) => [row.topic, row.choice])) as Partial<Choices>),
  })
}

/**
 * Keeps what an agent chose about some topics; the others stay as they are.
 * @throws Refusal `unknown_choice`
 */
export async function choose(tx: Tx, input: { agentId: number; choices: Record<string, string> }): Promise<void> {
  const rows = Object.entries(input.choices).map(([topic, choice]) => ({
    agent_id: input.agentId,
    topic: checked(topic, choice),
    choice,
  }))
  if (rows.length === 0) return
  await tx`
    insert into agent_choices ${tx(rows)} on conflict (agent_id, topic) do update set choice = excluded.choice`
}

/** Before they chose anything: told of all that concerns them; the regular mails go to admins. */
export function givenTo({ admin, notify }: Pick<Agent, 'admin' | 'notify'>): Choices {
  const regular = admin ? 'on' : 'off'
  const all = { assigned: 'instant', new: 'instant', reply: 'instant', note: 'instant' } as const
  return { ...all, answered: 'instant', warning: 'instant', digest: regular, timesheet: regular, ...notify }
}

function checked(topic: string, choice: string): string {
  const allowed: readonly string[] = TOPICS.includes(topic as Topic)
    ? WAYS
    : REGULAR.includes(topic as Regular)
      ? ['on', 'off']
      : []
  if (!allowed.includes(choice))
    throw new Refusal(
      'unknown_choice',
      `"${choice}" is no choice for ${topic}: choose ${allowed.join(', ') || 'another'}.`,
    )
  return topic
}
