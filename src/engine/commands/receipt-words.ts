/**
 * The text of a receipt: each line with its effect and how to take that back, or what is wrong with it, with a caret under
 * the place, the nearest names and what may be written there. Pure. No line of it begins as a command does.
 */
import { escapeHtml } from '../../html.ts'
import { commands as limits } from '../../limits.ts'
import type { PhraseKey } from './phrases/en.ts'
import { say } from './phrases.ts'
import { correctionOf, type Receipt } from './receipt.ts'
import { momentText } from './said.ts'

type Given = { receiptId: number; ticket: { id: number; next_due_at: Date | null } | null; prefix: string }

export function receiptWords(receipt: Receipt, given: Given): { subject: string; text: string; html: string } {
  const lines = receipt.outcome === 'error' ? failed(receipt) : done(receipt, given)
  const text = `${[...lines, '', receipt.inbox.name].join('\n')}\n`
  const tag = given.ticket ? `[${given.prefix}#${given.ticket.id}] ` : ''
  return {
    subject: `${tag}${subjectOf(receipt)}`,
    text,
    html: `<!doctype html>\n<html lang="${escapeHtml(receipt.locale)}"><head><meta charset="utf-8"></head><body><pre style="white-space: pre-wrap">${escapeHtml(text)}</pre></body></html>\n`,
  }
}

const SUBJECT = 150 // characters, of which a mail program shows half

function subjectOf(receipt: Receipt): string {
  const word = (key: PhraseKey, data = {}) => say(receipt.locale, { key, data })
  if (receipt.outcome === 'error') return word('subject_error')
  if (receipt.who.kind === 'customer') return word('subject_customer')
  const all = receipt.ran.map((one) => say(receipt.locale, one)).join(' · ')
  const what = all.length > SUBJECT ? `${all.slice(0, SUBJECT - 1)}…` : all
  return word(receipt.outcome === 'dry' ? 'subject_dry' : 'subject_done', { what })
}

function done(receipt: Receipt, { receiptId, ticket }: Given): string[] {
  const { locale, ran, who, outcome } = receipt
  const word = (key: PhraseKey, data = {}) => say(locale, { key, data })
  const isMany = new Set(ran.map((one) => one.ticket)).size > 1
  const lines = who.kind === 'agent' ? [word(outcome === 'dry' ? 'dry_head' : 'done_head'), ''] : []
  let shown: number | null = null
  const isPosted = ran.some((one) => one.line === null)
  for (const one of ran) {
    if (isPosted && SAYS.has(one.key)) continue // the text's own line says it
    if (one.line !== null && one.line !== shown && who.kind === 'agent') lines.push(numberedLine(one.line, one.source))
    shown = one.line // a line for several tickets, or a macro, stands there once
    const place = isMany && one.ticket !== null ? `#${one.ticket}: ` : ''
    lines.push(`   ${place}${say(locale, one)}`)
    lines.push(...(one.lines ?? []).map((line) => `   ${line}`))
    const correction =
      outcome === 'done' && who.kind === 'agent' && one.inverse === null ? correctionOf(one.command) : null
    if (correction) lines.push(`   ${word(correction)}`)
  }
  if (who.kind === 'customer' || outcome === 'dry') return lines
  if (ticket && !isMany)
    lines.push(
      '',
      ticket.next_due_at ? word('due_next', { due: momentText(ticket.next_due_at, receipt) }) : word('due_paused'),
    )
  if (ran.some((one) => one.inverse !== null)) lines.push('', word('undo_how', { receipt: receiptId }))
  return lines
}

const SAYS: ReadonlySet<PhraseKey> = new Set<PhraseKey>(['as_note', 'as_reply', 'as_private'])

function failed(receipt: Receipt): string[] {
  const { locale, problems, mail, answers, ticketId } = receipt
  const word = (key: PhraseKey, data = {}) => say(locale, { key, data })
  const lines = [word('error_head')]
  for (const { words, line, source, column, nearest, allowed } of problems.slice(0, limits.mail)) {
    lines.push('', say(locale, words))
    if (source) lines.push(numberedLine(line, source))
    if (source && column !== null) lines.push(`${' '.repeat(`${line}: `.length + column - 1)}^`)
    const sign = words.key === 'unknown_command' ? '#' : ''
    if (nearest.length > 0)
      lines.push(word('did_you_mean', { names: nearest.map((name) => `"${sign}${name}"`).join(', ') }))
    if (allowed.length > 0) lines.push(word('allowed', { names: allowed.slice(0, 30).join(', ') }))
  }
  if (answers) lines.push('', word(ticketId === null ? 'error_remedy_batch' : 'error_remedy'))
  lines.push('', word('your_text'), ...barred(mail.text))
  return lines
}

const numberedLine = (line: number, source: string): string => `${line}: ${source}`

/** Marked on each line as theirs. */
const barred = (text: string): string[] =>
  text
    .trim()
    .slice(0, limits.shown)
    .split('\n')
    .map((line) => `| ${line}`.trimEnd())
