/** Mails that the desk writes about a mail it has: an answer to that one, of plain words in both forms. Pure. */
import { escapeHtml } from '../../html.ts'
import { isMessageId } from '../outbox/address.ts'

/** What makes it an answer to the mail of this id; nothing where that has none that can be written. */
export const answerTo = (messageId: string | null): [string, string][] =>
  messageId && isMessageId(messageId)
    ? [
        ['In-Reply-To', `<${messageId}>`],
        ['References', `<${messageId}>`],
      ]
    : []

/** The words as text and as HTML. */
export const inBothForms = (text: string, language: string): { text: string; html: string } => ({
  text: `${text}\n`,
  html: `<!doctype html>\n<html lang="${language}"><head><meta charset="utf-8"></head><body><div>${escapeHtml(text).replaceAll('\n', '<br>\n')}</div></body></html>\n`,
})
