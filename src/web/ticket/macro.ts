/**
 * A macro that is chosen beside the text: read by the reader of mails, as `#macro` is, so that its commands are run by
 * the same code and its text is the customer's language's.
 */
import { html } from 'hono/html'
import type { Tx } from '../../database.ts'
import { macroText } from '../../engine/commands/macros.ts'
import { say } from '../../engine/commands/phrases.ts'
import { type Readout, readBlock, readCommands } from '../../engine/commands.ts'
import type { Desk } from '../../engine/desk.ts'
import { Refusal } from '../../errors.ts'
import type { SignedIn, Web } from '../context.ts'
import type { Form } from '../form.ts'
import type { Html } from '../page.ts'
import { actingOn } from './acting.ts'

/** Nothing where the desk has no macros. */
export function macroChoice(desk: Desk, draft: Form | null): Html {
  const macros = [...desk.macros.values()]
  if (macros.length === 0) return html``
  const chosen = draft?.text('macro') ?? ''
  const takesValues = macros.some((one) => one.values.length > 0)
  return html`<div class="fields macros">
    <div><label for="macro">Macro</label>
      <select id="macro" name="macro" aria-describedby="macro-hint"><option value="">None</option>
        ${macros.map(({ key, name, values }) => html`<option value="${key}"${key === chosen && html` selected`}>${name}${values.length > 0 && ` (${values.join(', ')})`}</option>`)}
      </select></div>
    ${
      takesValues &&
      html`<div><label for="macro_values">Its values</label>
      <input id="macro_values" name="macro_values" value="${draft?.text('macro_values') ?? ''}" placeholder="name:value" autocomplete="off"></div>`
    }
    <p class="sub" id="macro-hint">Its text goes before yours, in the customer’s language; its commands are run.</p>
  </div>`
}

/** What a macro is to do. */
export type ChosenMacro = Pick<Readout, 'acts' | 'audience'> & {
  /** Its words and the agent's; '' where a command of its own takes them. */
  text: string
}

/**
 * Reads what was chosen; null: no macro.
 * @throws Refusal `bad_macro` with what the reader says
 */
export async function readMacro(
  tx: Tx,
  web: Web,
  { ticketId, agent, form }: { ticketId: number; agent: SignedIn; form: Form },
  now: Date,
): Promise<ChosenMacro | null> {
  const key = form.text('macro')
  if (key === '') return null
  const { desk } = web.tools()
  const given = form.text('macro_values').replaceAll(/\s+/g, ' ').trim()
  const text = form.text('text').trim()
  const { reading } = await actingOn(tx, web, { ticketId, agent }, now)
  const { given: lines } = readBlock(`#macro ${key.replaceAll(/\s/g, '')} ${given}`)
  const read = readCommands({ given: lines, text, stray: [] }, reading)
  const [problem] = read.problems
  if (problem || lines.length !== 1)
    throw new Refusal('bad_macro', `The macro cannot be used: ${problem ? say('en', problem.words) : 'there is none'}.`)
  const parts: string[] = []
  for (const macro of read.macros) parts.push(await macroText(tx, { macro, ticketId, agent, desk }))
  return { acts: read.acts, audience: read.audience, text: [...parts, read.text].filter(Boolean).join('\n\n') }
}
