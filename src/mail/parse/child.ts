/**
 * The parse child: reads jobs on stdin, answers on descriptor 3, one at a time. It touches nothing but the job's
 * folder. Ends when its parent does, even in the middle of a runaway mail.
 */
import { Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import * as limits from '../../limits.ts'
import { answerOf, type Frame, startFrames } from './frames.ts'
import { readMail } from './read.ts'

const output = new Socket({ fd: 3, readable: false, writable: true })
output.on('error', () => process.exit(0))

// A parser that spins never sees its stdin close; this thread does not depend on it.
new Worker(
  `const parent = process.ppid; setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL') }, 2000)`,
  { eval: true, resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 } },
).unref()

async function* framesOf(input: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  const push = startFrames(limits.parse.response)
  for await (const chunk of input) yield* push(chunk)
}

async function* bytesOf(frames: AsyncGenerator<Frame>): AsyncGenerator<Buffer> {
  for (;;) {
    const { value, done } = await frames.next()
    if (done) process.exit(0)
    if (value.type === 'E') return
    yield value.payload
  }
}

const frames = framesOf(process.stdin)
for (;;) {
  const { value: job, done } = await frames.next()
  if (done) process.exit(0)
  const { folder } = JSON.parse(job.payload.toString()) as { folder: string }
  const mail = await readMail(bytesOf(frames), folder)
  output.write(Buffer.concat(answerOf(mail)))
  if (output.writableNeedDrain) await new Promise((resolve) => output.once('drain', resolve))
}
