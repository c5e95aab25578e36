/** How a decision begins and ends: the empty plan, and the plans that put a mail aside. Pure. */
import { type Arrival, type Facts, hasAuthor } from './facts.ts'
import type { Plan, Reason, ReasonCode } from './plan.ts'

/** The plan before anything is decided: who wrote, where to, in which language. */
export function blank(arrival: Arrival, facts: Facts): Plan {
  const author = facts.from
  return {
    kind: null,
    noAck: false,
    state: 'recorded',
    held: null,
    auth: arrival.auth,
    author: {
      role: author === null || !hasAuthor(arrival) ? 'unknown' : 'contact',
      address: author?.address ?? null,
      name: author?.name ?? '',
      organization: facts.organization?.name ?? null,
    },
    inbox: facts.inboxes[0]!.key,
    alsoTo: facts.inboxes.slice(1).map((inbox) => inbox.key),
    locale: localeOf(arrival, facts),
    zone: facts.contact?.zone ?? facts.organization?.zone ?? facts.inboxes[0]!.zone,
    thread: { ticket: null, by: null, refused: [] },
    route: null,
    sla: null,
    dsn: [],
    signals: [],
    commands: [],
    actions: [],
    reasons: identityReasons(arrival, facts),
  }
}

/** Kept and shown, and nothing follows (0.2). */
export const recorded = (plan: Plan, code: ReasonCode, words: string): Plan => ({
  ...plan,
  noAck: true,
  state: 'recorded',
  actions: [{ action: 'record' }],
  reasons: [...plan.reasons, reason(code, words)],
})

/** Kept until a person releases or discards it (4a.28). */
export const hold = (plan: Plan, code: ReasonCode, words: string): Plan => ({
  ...plan,
  noAck: true,
  state: 'held',
  held: { reason: code, words },
  actions: [{ action: 'hold' }],
  reasons: [...plan.reasons, reason(code, words)],
})

/** Words in a ticket that only agents see: nothing is relayed, nobody is added, no status changes. */
export const forAgents = (plan: Plan, ticket: number, reasons: Reason[]): Plan => ({
  ...plan,
  noAck: true,
  state: 'commented',
  actions: [{ action: 'comment', ticket, visibility: 'internal', automatic: plan.kind !== 'human', reopens: false }],
  reasons: [...plan.reasons, ...reasons],
})

/** One reason, by its code from the closed list. */
export const reason = (code: ReasonCode, words: string): Reason => ({ code, words })

/** SLA D2: contact, organization, what the mail is written in, inbox. */
function localeOf(arrival: Arrival, facts: Facts): string {
  const detected = arrival.mail.error === null ? arrival.mail.language : null
  const has = (locale: string | null | undefined) =>
    locale && facts.locales.some((one) => one === locale || one === locale.split('-')[0]) ? locale : null
  const { contact, organization, inboxes } = facts
  return has(contact?.locale) ?? has(organization?.locale) ?? has(detected) ?? has(inboxes[0]!.locale) ?? 'en'
}

/** What a reader must know of the sender (4.11, 4.13, 5.1). */
function identityReasons({ mail, auth }: Arrival, { identity }: Facts): Reason[] {
  const reasons: Reason[] = []
  const from = mail.from?.address ?? ''
  if (identity.via === 'form')
    reasons.push(reason('via_form', `written in the form of ${from}: its address is not proven`))
  if (identity.via === 'list') reasons.push(reason('via_list', `${from} passed it on for ${identity.author!.address}`))
  if (identity.strayReplyTo !== null)
    reasons.push(reason('reply_to', `it asks for answers to ${identity.strayReplyTo}: they go to ${from} all the same`))
  const unknown = auth.reasons.find((one) => one.code === 'unknown_domain')
  if (unknown) reasons.push(reason('unknown_domain', unknown.words))
  return reasons
}
