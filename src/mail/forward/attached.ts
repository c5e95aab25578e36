/** What a mail forwards, with an attached original parsed as any mail is (7.11). Writes nothing. */
import { createReadStream } from 'node:fs'
import type { Forwarded, IncomingMail, IncomingPart, ParsedMail } from '../../incoming.ts'
import { readForward } from '../forward.ts'
import type { Parser } from '../parse.ts'

/** An original that is attached says who wrote first; its files must still be there. */
export async function forwardIn(parser: Parser, mail: IncomingMail): Promise<Forwarded | null> {
  const [original, ...others] = mail.parts.filter((part) => part.type === 'message/rfc822')
  const attached: ParsedMail[] = []
  if (original && others.length === 0) {
    // one that cannot be parsed says nothing: its carrier can be
    const inner = await parser.parse(sourceOf(original)).catch(() => null)
    if (inner) attached.push(inner.mail)
    await inner?.dispose()
  }
  return readForward({ subject: mail.subject, text: mail.text, html: mail.html, attached })
}

async function* sourceOf({ content }: IncomingPart): AsyncGenerator<Buffer> {
  if (Buffer.isBuffer(content)) yield content
  else yield* createReadStream(content.file)
}
