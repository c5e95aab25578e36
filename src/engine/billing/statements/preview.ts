/** A customer's month as it would be sent now, and the mail that would say so. Reads only. */
import type { Queryable } from '../../../database.ts'
import type { Days } from '../../../days.ts'
import type { Organization } from '../../desk.ts'
import type { Tools } from '../../tools.ts'
import { speaking } from '../statements.ts'
import { contentOf, type Draft, fingerprint, readContent } from './content.ts'
import { isOver } from './due.ts'
import { statementWords } from './words.ts'

/** `stopped`: why it cannot be sent now, in words; null: it can. `seen` is what `sendStatement` asks for. */
export type Preview = {
  draft: Draft
  seen: string
  words: { subject: string; text: string }
  stopped: string | null
}

/**
 * @param given.revision how often it was mailed so far
 * @throws Refusal `long_invoice`
 */
export async function previewStatement(
  sql: Queryable,
  given: { organization: Organization; days: Days; revision: number; tools: Tools },
  now: Date,
): Promise<Preview> {
  const { organization, days, tools } = given
  const { inbox, desk } = speaking(given)
  const period = { organizationId: organization.id, from: days.from, to: days.to }
  const draft = await readContent(sql, { organization, desk, inbox, period })
  const words = statementWords({
    templates: tools.templates,
    desk: inbox.name,
    customer: organization.name,
    from: days.from,
    locale: organization.locale ?? inbox.locale,
    content: contentOf(draft.rows),
    answers: inbox.reply_addresses === 'off' ? 'none' : 'approve',
    revision: given.revision + 1,
  })
  return { draft, seen: fingerprint(draft), words, stopped: stoppedBy({ ...given, draft }, now) }
}

function stoppedBy(
  {
    organization,
    days,
    draft,
    tools: { desk },
  }: { organization: Organization; days: Days; draft: Draft; tools: Tools },
  now: Date,
): string | null {
  if (organization.statement_to.length === 0)
    return 'Nobody is named who gets it: add statement_to to the organization in the desk file.'
  if (!isOver(desk, organization, days, now)) return 'The month is not over yet where the customer is.'
  return draft.rows.length === 0 ? 'There is no approved time of this month.' : null
}
