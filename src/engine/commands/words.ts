/**
 * Commands about what the mail's text is: a note, an answer, a private note, a question to an outsider, a macro. The
 * text itself is posted by whoever runs the block (receive/), once; here it is only said to whom it goes.
 */
import { after, SECOND } from '../../time.ts'
import type { Macro } from '../desk.ts'
import { ask } from '../tickets/ask.ts'
import { agentOn, missing, ticketOn, unexpected } from './acting.ts'
import { type Answer, type Audience, type Effect, type Problem, problem, type Read, type Sets } from './command.ts'
import type { Arg } from './grammar.ts'
import type { Name } from './names.ts'
import type { PhraseKey } from './phrases/en.ts'
import { momentText } from './said.ts'
import { addressOf, oneOf, textOf } from './values.ts'

export const note: Read = (args) => audience('note', args, 'internal')
export const privately: Read = (args) => audience('private', args, 'private')
export const reply: Read = (args) => audience('reply', args, 'public')

const SAID: Record<Audience, PhraseKey> = { internal: 'as_note', public: 'as_reply', private: 'as_private' }

/** `#note internal only` on one line is no note yet: what was meant is not sent anywhere. */
function audience(_name: Name, args: Arg[], to: Audience): Answer {
  if (args[0]) return problem('text_goes_below', {}, { column: args[0].column })
  const sets: Sets = { audience: to, ...(to === 'public' && { releases: true as const }) }
  return { ok: async () => ({ key: SAID[to], data: {}, inverse: null }), sets }
}

/** `#dry`: the plan of the block comes back, and nothing is done. */
export const dry: Read = (args) =>
  unexpected('dry', args) ?? { ok: async () => ({ key: 'planned', data: {}, inverse: null }), sets: { dry: true } }

export const askOutside: Read = (args) => {
  const [first, ...rest] = args
  if (!first) return missing('ask')
  const address = addressOf(textOf(first), first.column)
  if (address.problem) return address
  const words = rest.map((arg) => textOf(arg)).join(' ')
  const takesText = words === ''
  return {
    ok: async (tx, on, now): Promise<Effect> => {
      const agent = agentOn(on)
      const ticketId = ticketOn(on)
      const text = takesText ? on.mail.text : words
      const given = { ticketId, agent, address: address.ok, text, channel: on.channel, tools: on.tools }
      const { commentId } = await ask(tx, given, now)
      const leaves = after(now, on.tools.desk.settings.undo_seconds * SECOND)
      return {
        key: 'asked',
        data: { to: address.ok, leaves: momentText(leaves, on) },
        inverse: { verb: 'recall', args: { ticketId, commentId } },
      }
    },
    ...(takesText && { sets: { takesText: true as const } }),
  }
}

/** A macro's text and commands, with the values that the line gives; its text's own names are filled in when it runs. */
export const macro: Read = (args, on) => {
  const [first, ...rest] = args
  if (!first) return missing('macro')
  const key = oneOf(first, [...on.desk.macros.keys()])
  if (key.problem) return key
  const found = on.desk.macros.get(key.ok)!
  const values = valuesOf(found, rest)
  if (values.problem) return values
  const lines = found.commands.map((line) => filled(line, values.ok))
  const hasText = Object.keys(found.text).length > 0
  return {
    ok: async () => ({ key: 'macro_text', data: { name: found.name }, inverse: null }),
    sets: { macro: lines, ...(hasText && { text: { key: key.ok, values: Object.fromEntries(values.ok) } }) },
  }
}

function valuesOf(
  found: Macro,
  args: Arg[],
): { ok: Map<string, string>; problem?: undefined } | { problem: Problem; ok?: undefined } {
  const values = new Map<string, string>()
  for (const arg of args) {
    if (arg.kind !== 'pair') return unexpected('macro', [arg])!
    if (!found.values.includes(arg.key))
      return problem(
        'macro_value',
        { name: found.key, value: arg.key },
        { column: arg.column, allowed: [...found.values] },
      )
    values.set(arg.key, arg.value)
  }
  const absent = found.values.find((value) => !values.has(value))
  return absent ? problem('macro_missing', { name: found.key, value: absent }) : { ok: values }
}

/** Once: what a value holds is never looked through for names again. */
export const filled = (text: string, values: ReadonlyMap<string, string>): string =>
  text.replace(/\{\{\s*([^{}]*?)\s*\}\}/g, (place, name: string) => values.get(name) ?? place)
