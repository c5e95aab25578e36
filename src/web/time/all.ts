/**
 * One button for all drafts of a list, and one for all that wait for a decision: exactly the entries that were seen, as
 * they were seen, all of them or none.
 */
import { html } from 'hono/html'
import { transaction } from '../../database.ts'
import { approveEntry, submitEntry } from '../../engine/time-entries/approval.ts'
import type { Warning } from '../../engine/time-entries/conflicts.ts'
import type { ListedEntry } from '../../engine/time-entries/list.ts'
import { Refusal } from '../../errors.ts'
import { timesheets as limits } from '../../limits.ts'
import type { SignedIn, Web } from '../context.ts'
import { type Form, parseId } from '../form.ts'
import type { Html } from '../page.ts'
import { type Looking, mayDecide, maySubmit } from './list.ts'
import { clockText } from './words.ts'

export const ALL_VERBS = ['submission', 'approval'] as const
export type AllVerb = (typeof ALL_VERBS)[number]

/** Nothing for a single entry, which has a button of its own. */
export function allForms(rows: readonly ListedEntry[], looking: Looking): Html {
  const form = (verb: AllVerb, label: string, some: readonly ListedEntry[]) =>
    some.length > 1 &&
    html`<form method="post" action="/time/all/${verb}" class="one">
      <input type="hidden" name="back" value="${looking.back}">
      <input type="hidden" name="entries" value="${some.map(({ id, rev }) => `${id}.${rev}`).join(' ')}">
      <button class="small">${label} ${some.length}<span class="sub">, ${clockText(some.reduce((sum, { raw_s }) => sum + raw_s, 0))}</span></button>
    </form>`
  const forms = [
    form(
      'submission',
      'Submit all',
      rows.filter((row) => row.agent_id === looking.agent.id && maySubmit(row, looking)),
    ),
    form(
      'approval',
      'Approve all',
      rows.filter((row) => mayDecide(row, looking)),
    ),
  ].filter((one) => one !== false)
  return forms.length === 0
    ? html``
    : html`<div class="buttons" role="group" aria-label="For all entries shown">${forms}</div>`
}

/**
 * Does it for the entries of the form.
 * @throws Refusal of the first that cannot be done, with which one it is; then none was done
 */
export async function doAll(
  web: Web,
  { verb, form, agent }: { verb: AllVerb; form: Form; agent: SignedIn },
): Promise<Warning[]> {
  const seen = readSeen(form.text('entries'))
  const tools = web.tools()
  return await transaction(web.sql, async (tx) => {
    const warnings: Warning[] = []
    for (const { entryId, rev } of seen) {
      const given = { entryId, rev, agent, tools }
      try {
        if (verb === 'approval') await approveEntry(tx, given, web.now())
        else warnings.push(...(await submitEntry(tx, given, web.now())).warnings)
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        throw new Refusal(error.code, `Entry ${entryId}: ${error.message} None of the ${seen.length} was changed.`)
      }
    }
    return warnings
  })
}

/** `12.3 14.1`, by number: whoever does the same at once waits for the same row first. */
function readSeen(text: string): { entryId: number; rev: number }[] {
  const parts = text.split(' ').map((part) => part.split('.').map(parseId))
  const seen = parts.map(([entryId = null, rev = null]) => ({ entryId, rev }))
  if (seen.length > limits.page || !seen.every(isWhole))
    throw new Refusal('no_entries', 'Choose what is to be done from the list of entries.')
  return seen.filter(isWhole).sort((a, b) => a.entryId - b.entryId)
}

const isWhole = (one: { entryId: number | null; rev: number | null }): one is { entryId: number; rev: number } =>
  one.entryId !== null && one.rev !== null
