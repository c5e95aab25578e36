/** Commands about people: who takes part, whose ticket it is, contacts, followers, spam and blocks. */
import type { Tx } from '../../database.ts'
import { Refusal } from '../../errors.ts'
import { toAddress, toDomain } from '../desk/values.ts'
import { blockSender } from '../people/blocks.ts'
import { createContact } from '../people/contacts.ts'
import { addCc, removeCc, type Standing } from '../tickets/cc.ts'
import { follow } from '../tickets/follow.ts'
import { admit } from '../tickets/people.ts'
import { changeRequester } from '../tickets/requester.ts'
import { markSpam } from '../tickets.ts'
import { agentOn, changing, missing, ticketOn, unexpected } from './acting.ts'
import { type Act, type Effect, problem, type Read } from './command.ts'
import { heldBeside, letInHeld, mailNumber } from './held.ts'
import { say } from './phrases.ts'
import { projectOf } from './routing.ts'
import { numbered } from './said.ts'
import { addressOf, agentOf, textOf } from './values.ts'

/** `+a@b -c@d`; a bare address is added. */
export const cc: Read = (args) => {
  if (args.length === 0) return missing('cc')
  const wanted: Wanted[] = []
  const isMeant = textOf(args.at(-1)!).toLowerCase() === 'anyway'
  for (const arg of isMeant ? args.slice(0, -1) : args) {
    if (arg.kind === 'pair' || (arg.kind === 'list' && arg.op === '=')) return unexpected('cc', [arg])!
    const text = (arg.kind === 'list' ? arg.text : textOf(arg)).replace(/[,;]$/, '')
    const address = addressOf(text, arg.column)
    if (address.problem) return address
    wanted.push({ address: address.ok, op: arg.kind === 'list' && arg.op === '-' ? '-' : '+' })
  }
  return wanted.length === 0 ? missing('cc') : { ok: ccAct(wanted, isMeant ? 'allow' : 'refuse') }
}

type Wanted = { address: string; op: '+' | '-' }

/** `foreign`: people of another customer are let in only where an agent says so. */
const ccAct =
  (wanted: Wanted[], said: 'allow' | 'refuse'): Act =>
  async (tx, on, now): Promise<Effect> => {
    const ticketId = ticketOn(on)
    const { actor, tools } = on
    const changed: { address: string; was: Standing | null }[] = []
    const foreign = on.who.kind === 'agent' ? said : 'refuse'
    for (const { address, op } of wanted) {
      const { was } =
        op === '+'
          ? await addCc(tx, { ticketId, address, actor, tools, foreign }, now).catch(sayAnyway)
          : await removeCc(tx, { ticketId, address, actor }, now)
      if (op === '+' ? was?.role !== 'participant' : was !== null) changed.push({ address, was })
    }
    const there = await tx<{ address: string }[]>`
      select address from ticket_participants where ticket_id = ${ticketId} and role = 'participant' order by added_at`
    const to = there.map((one) => one.address).join(', ')
    return {
      ...(to ? { key: 'people_now', data: { to } } : { key: 'people_none', data: {} }),
      inverse: changed.length > 0 ? { verb: 'people_back', args: { ticketId, changed } } : null,
    } as Effect
  }

/** How to do it all the same stands in the receipt. */
function sayAnyway(error: unknown): never {
  if (!(error instanceof Refusal) || error.code !== 'other_organization') throw error
  throw new Refusal(error.code, `${error.message} If you mean it, write "anyway" behind the addresses.`)
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

/** Lets in who waits, or a held mail by its number; without either the one person or mail that waits here. */
export const accept: Read = (args) => {
  const [first, ...rest] = args
  const mail = first ? mailNumber(first) : null
  const given = first && mail === null ? addressOf(textOf(first), first.column) : null
  if (given?.problem) return given
  return (
    unexpected('accept', rest) ?? {
      ok: async (tx, on, now): Promise<Effect> => {
        if (mail !== null) return await letInHeld(tx, on, { mail, as: null })
        const ticketId = ticketOn(on)
        const one = given ? { address: given.ok } : await onlyOneWaiting(tx, ticketId)
        if ('mail' in one) return await letInHeld(tx, on, { mail: one.mail, as: null })
        await admit(tx, { ticketId, address: one.address, actor: on.actor, tools: on.tools }, now)
        return { key: 'accepted', data: { to: one.address }, inverse: null }
      },
    }
  )
}

async function onlyOneWaiting(tx: Tx, ticketId: number): Promise<{ address: string } | { mail: number }> {
  const people = await tx<{ address: string }[]>`
    select address from ticket_participants where ticket_id = ${ticketId} and role in ('pending', 'suggested')
    order by added_at`
  const mails = await heldBeside(tx, ticketId)
  const all = [...people, ...mails.map((mail) => ({ mail }))]
  if (all.length === 1) return all[0]!
  const names = all.map((one) => ('mail' in one ? `mail ${one.mail}` : one.address)).join(', ')
  throw new Refusal(
    'who_waits',
    all.length === 0 ? `Nobody waits in ticket #${ticketId}.` : `Several wait in ticket #${ticketId}: ${names}.`,
  )
}

export const spam: Read = (args) =>
  unexpected('spam', args) ?? {
    ok: async (tx, on, now) => {
      const ticketId = ticketOn(on)
      const { changed } = await markSpam(tx, { ticketId, actor: on.actor }, now)
      const inverse = changed ? { verb: 'unspam', args: { ticketId } } : null
      return { key: 'spam_now', data: {}, inverse }
    },
  }

export const contact: Read = (args) => {
  const [first, second, ...rest] = args
  if (!first) return missing('contact')
  const address = addressOf(textOf(first), first.column)
  if (address.problem) return address
  const wrong = unexpected('contact', second && second.kind !== 'quoted' ? [second] : rest)
  if (wrong) return wrong
  const name = second ? textOf(second) : ''
  return {
    ok: async (tx, on, now): Promise<Effect> => {
      const given = { address: address.ok, name, desk: on.tools.desk }
      const { contactId, created, similar } = await createContact(tx, given, now)
      const to = similar.map((one) => (one.name ? `${one.name} (${one.address})` : one.address)).join(', ')
      return {
        key: created ? 'contact_made' : 'contact_there',
        data: { to: address.ok },
        inverse: created ? { verb: 'forget_contact', args: { contactId } } : null,
        ...(to && { lines: [say(on.locale, { key: 'contact_similar', data: { to } })] }),
      }
    },
  }
}

/** An agent follows the ticket, or a project; one's own following, or a colleague's by their address. */
export const followIt: Read = (args, on) => {
  const [first, second, ...rest] = args
  const project = first ? projectOf(first, on.desk) : null
  if (project?.problem) return project
  const who = second ? agentOf(second, on) : null
  if (who?.problem) return who
  return (
    unexpected('follow', rest) ?? {
      ok: async (tx, acting, now): Promise<Effect> => {
        const agent = who?.ok ?? agentOn(acting)
        const key = project?.ok.key ?? null
        const place = key
          ? { project: key, desk: acting.tools.desk }
          : { ticketId: ticketOn(acting), actor: acting.actor }
        const { changed } = await follow(tx, { agentId: agent.id, ...place }, now)
        const data = { who: agent.name || agent.address, to: key ?? numbered(ticketOn(acting)) }
        const inverse = { agentId: agent.id, project: key, ticketId: key ? null : acting.ticketId }
        return {
          key: changed ? 'follows' : 'follows_already',
          data,
          inverse: changed ? { verb: 'unfollow', args: inverse } : null,
        }
      },
    }
  )
}

/** An address, or `domain:` and a name. */
export const block: Read = (args) => {
  const [first, ...rest] = args
  if (!first) return missing('block')
  const isDomain = first.kind === 'pair' && first.key === 'domain'
  const sender = isDomain ? toDomain(first.value) : toAddress(textOf(first))
  if (sender === null) return problem('no_address', { value: textOf(first) }, { column: first.column })
  return (
    unexpected('block', rest) ?? {
      ok: async (tx, on, now): Promise<Effect> => {
        const { actor, ticketId, tools } = on
        const { pattern, was } = await blockSender(tx, { sender, ticketId, actor, desk: tools.desk }, now)
        const inverse = was ? null : { verb: 'unblock', args: { sender: pattern, ticketId } }
        return { key: 'blocked', data: { to: pattern }, inverse }
      },
    }
  )
}
