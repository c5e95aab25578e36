/** Stored bytes on their way to a browser: streamed as fast as it reads, their type told by the bytes themselves. */
import { fileTypeFromBuffer } from 'file-type'

/** What a browser may show in place (MAIL 9.5). Never svg, html, xml or scripts. */
const SHOWN = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif'])

/** Types that help a person's computer choose a program and that no browser runs. */
const KNOWN = new Set([
  ...SHOWN,
  'application/pdf',
  'application/zip',
  'application/gzip',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  'application/vnd.oasis.opendocument.text',
  'application/vnd.oasis.opendocument.spreadsheet',
  'audio/mpeg',
  'video/mp4',
])

/** By magic, never by name or claim; `application/octet-stream` for all that is not known to be harmless. */
export async function typeOf(head: Uint8Array): Promise<string> {
  const found = await fileTypeFromBuffer(head).catch(() => undefined) // a broken file has no type, and no one to tell
  return found && KNOWN.has(found.mime) ? found.mime : 'application/octet-stream'
}

export const mayShow = (type: string): boolean => SHOWN.has(type)

/** The first chunk and a stream of all of them, that one included; pulled one by one, so memory stays constant. */
export async function openBytes(
  chunks: AsyncGenerator<Buffer, void, undefined>,
): Promise<{ head: Buffer; stream: ReadableStream<Uint8Array> }> {
  const first = await chunks.next()
  const head = first.done ? Buffer.alloc(0) : first.value
  let waiting: Buffer | null = head
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (waiting) {
          controller.enqueue(waiting)
          waiting = null
          return
        }
        const next = await chunks.next()
        if (next.done) controller.close()
        else controller.enqueue(next.value)
      },
      async cancel() {
        await chunks.return(undefined)
      },
    },
    { highWaterMark: 0 },
  )
  return { head, stream }
}
