/**
 * The load, in a process of its own: makes the mails of a run ahead of time, then sends them over a number of
 * connections, in order. Asked by lines of JSON (ground.ts): `prepare`, then `send`, which answers with the moments
 * (Unix milliseconds) of the first byte and of the last 250.
 */
import { createInterface } from 'node:readline'
import { type BenchMail, makeMails } from './mails.ts'
import { type Address, openLine } from './smtp.ts'

export type Prepare = { prepare: { run: string; count: number } }
export type Send = { send: Address & { connections: number } }
export type Sent = { startedAt: number; endedAt: number }

let mails: BenchMail[] = []

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line) as Partial<Prepare & Send>
  if (question.prepare) mails = [...makeMails(question.prepare)]
  const answer = question.send
    ? await send(question.send)
    : { bytes: mails.reduce((sum, mail) => sum + mail.raw.length, 0) }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

async function send({ connections, ...address }: Send['send']): Promise<Sent> {
  const lines = await Promise.all(Array.from({ length: connections }, () => openLine(address)))
  const startedAt = Date.now()
  let next = 0
  await Promise.all(
    lines.map(async (line) => {
      for (let mail = mails[next++]; mail; mail = mails[next++])
        await line.send({ from: mail.from, to: mail.to, pieces: [mail.raw] })
    }),
  )
  const endedAt = Date.now()
  for (const line of lines) line.close()
  return { startedAt, endedAt }
}
