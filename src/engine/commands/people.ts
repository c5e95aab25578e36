/** Commands about people: who takes part, whose ticket it is, contacts, followers, spam and blocks. */

import { Refusal } from '../../errors.ts'
import { addCc, removeCc, type Standing } from '../tickets/cc.ts'
import { admit } from '../tickets/people.ts'
import { changeRequester } from '../tickets/requester.ts'
import { markSpam } from '../tickets.ts'
import { changing, missing, ticketOn, unexpected } from './acting.ts'
import { type Act, type Effect, problem, type Read } from './command.ts'
import { addressOf, textOf } from './values.ts'

/** `+a@b -c@d`; a bare address is added. */
export const cc: Read = (args) => {
  if (args.length === 0) return missing('cc')
  const wanted: { address: string; op: '+' | '-' }[] = []
  for (const arg of args) {
    if (arg.kind === 'pair' || (arg.kind === 'list' && arg.op === '=')) return unexpected('cc', [arg])!
    const text = (arg.kind === 'list' ? arg.text : textOf(arg)).replace(/[,;]$/, '')
    const address = addressOf(text, arg.column)
    if (address.problem) return address
    wanted.push({ address: address.ok, op: arg.kind === 'list' && arg.op === '-' ? '-' : '+' })
  }
  return { ok: ccAct(wanted) }
}

const ccAct =
  (wanted: { address: string; op: '+' | '-' }[]): Act =>
  async (tx, on, now): Promise<Effect> => {
    const ticketId = ticketOn(on)
    const { actor, tools } = on
    const changed: { address: string; was: Standing | null }[] = []
    for (const { address, op } of wanted) {
      const foreign = on.who.kind === 'agent' ? 'allow' : 'refuse'
      const { was } =
        op === '+'
          ? await addCc(tx, { ticketId, address, actor, tools, foreign }, now)
          : await removeCc(tx, { ticketId, address, actor }, now)
      if ((op === '+') !== (was?.role === 'participant')) changed.push({ address, was })
    }
    const there = await tx<{ address: string }[]>`
      select address from ticket_participants where ticket_id = ${ticketId} and role = 'participant' order by added_at`
    const to = there.map((one) => one.address).join(', ')
    return {
      ...(to ? { key: 'people_now', data: { to } } : { key: 'people_none', data: {} }),
      inverse: changed.length > 0 ? { verb: 'people_back', args: { ticketId, changed } } : null,
    } as Effect
  }

export const customer: Read = (args) => {
  const [first, second, ...rest] = args
  if (!first) return missing('customer')
  const name = second?.kind === 'quoted' ? textOf(second) : undefined
  const wrong = unexpected('customer', second && name === undefined ? [second] : rest)
  if (wrong) return wrong
  if (textOf(first).toLowerCase() === 'parsed')
    return {
      ok: changing(async (tx, on, now) => {
        const from = on.mail.forward?.from
        if (!from)
          throw new Refusal('nobody_parsed', 'The mail does not say clearly whom it forwards: write the address.')
        await changeRequester(tx, { ...on, address: from.address, name: name ?? from.name }, now)
        return { key: 'customer_now', data: { to: from.address } }
      }),
    }
  const address = addressOf(textOf(first), first.column)
  if (address.problem) return address
  return {
    ok: changing(async (tx, { ticketId, actor, tools }, now) => {
      await changeRequester(tx, { ticketId, actor, tools, address: address.ok, ...(name && { name }) }, now)
      return { key: 'customer_now', data: { to: address.ok } }
    }),
  }
}

/** Lets in who waits; without an address the one person who does. */
export const accept: Read = (args) => {
  const [first, ...rest] = args
  const given = first ? addressOf(textOf(first), first.column) : null
  if (given?.problem) return given
  return (
    unexpected('accept', rest) ?? {
      ok: async (tx, on, now) => {
        const ticketId = ticketOn(on)
        const waiting = await tx<{ address: string }[]>`
          select address from ticket_participants where ticket_id = ${ticketId} and role in ('pending', 'suggested')
          order by added_at`
        const address = given?.ok ?? (waiting.length === 1 ? waiting[0]!.address : null)
        if (address === null)
          throw new Refusal(
            'who_waits',
            waiting.length === 0
              ? `Nobody waits in ticket #${ticketId}.`
              : `Several people wait in ticket #${ticketId}: ${waiting.map((one) => one.address).join(', ')}.`,
          )
        await admit(tx, { ticketId, address, actor: on.actor, tools: on.tools }, now)
        return { key: 'accepted', data: { to: address }, inverse: null }
      },
    }
  )
}

export const spam: Read = (args) =>
  unexpected('spam', args) ?? {
    ok: async (tx, on, now) => {
      const ticketId = ticketOn(on)
      await markSpam(tx, { ticketId, actor: on.actor }, now)
      return { key: 'spam_now', data: {}, inverse: { verb: 'unspam', args: { ticketId } } }
    },
  }

export const notYet: Read = () => problem('refused', { words: 'not available' })
