/**
 * Mail under load, written down: clients that send new mails, replies, copies and large attachments by real SMTP, and a
 * ledger of what was promised with a 250. What got no answer is sent again later, byte for byte, as a relay would.
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { greet, type Place } from '../smtp-client.ts'

export type Sent = {
  /** Without angle brackets. */
  id: string
  from: string
  /** The id of the mail that opened the conversation; its own for a new one. */
  root: string
  raw: Buffer
  /** Of the attachment, where it has one. */
  sha256: string | null
  via: 'smtp' | 'imap'
  /** How many 250 it got. */
  promised: number
  /** How often it was handed over whole, answered or not. */
  handed: number
}

export type Ledger = { mails: Map<string, Sent>; doubtful: Sent[]; refused: Map<string, number> }

export type Random = () => number

export const makeLedger = (): Ledger => ({ mails: new Map(), doubtful: [], refused: new Map() })

/** What is sent next: 20% what got no answer before, 10% a copy, 30% a reply, else new; one in eight with 300 KB. */
export function nextMail(ledger: Ledger, random: Random, options: { large?: number } = {}): Sent {
  const dice = random()
  const again = dice < 0.2 ? ledger.doubtful.shift() : undefined
  if (again) return again
  const promised = [...ledger.mails.values()].filter((one) => one.promised > 0 && one.via === 'smtp')
  const pick = promised[Math.floor(random() * promised.length)]
  if (pick && dice < 0.3) return pick
  const large = random() < (options.large ?? 0.125) ? 300 * 1024 : 0
  return writeMail(ledger, random, { root: pick && dice < 0.6 ? pick.root : null, via: 'smtp', large })
}

/** A mail of a sender of its own, or of the conversation's, and its line in the ledger. */
export function writeMail(
  ledger: Ledger,
  random: Random,
  given: { root: string | null; via: Sent['via']; large: number },
): Sent {
  const number = ledger.mails.size + 1
  const id = `load-${number}-${Math.floor(random() * 1e9).toString(36)}@load.example`
  const parent = given.root === null ? null : ledger.mails.get(given.root)!
  const from = parent?.from ?? `c${number}@${['acme.example', 'borealis.example', `d${number}.example`][number % 3]}`
  const file = given.large ? Buffer.from(Array.from({ length: given.large }, () => Math.floor(random() * 256))) : null
  const sent: Sent = {
    id,
    from,
    root: parent?.root ?? id,
    raw: rawOf({ id, from, number, parent, file }),
    sha256: file && createHash('sha256').update(file).digest('hex'),
    via: given.via,
    promised: 0,
    handed: 0,
  }
  ledger.mails.set(id, sent)
  return sent
}

/**
 * Clients that send one mail after the other until told to stop. A 4xx and a lost connection put the mail among the
 * doubtful; who is connected stays for some mails, as relays do.
 */
export function startLoad(given: {
  place: Place
  ledger: Ledger
  random: Random
  clients: number
  large?: number
  /** Milliseconds between two mails of a client. */
  pause?: number
}): { stop(): Promise<void> } {
  const { place, ledger, random, pause = 0 } = given
  const stopping = new AbortController()
  const client = async () => {
    while (!stopping.signal.aborted) {
      await session(place, ledger, () => (stopping.signal.aborted ? null : nextMail(ledger, random, given)), pause)
      await sleep(20)
    }
  }
  const clients = Array.from({ length: given.clients }, client)
  return {
    async stop() {
      stopping.abort()
      await Promise.all(clients)
    },
  }
}

/** Sends one mail and writes the answer down; the answer, or '' when the connection was lost. */
export async function sendOne(place: Place, ledger: Ledger, sent: Sent): Promise<string> {
  let given: Sent | null = sent
  let answer = ''
  await session(
    place,
    ledger,
    () => {
      const next = given
      given = null
      return next
    },
    0,
    (words) => {
      answer = words
    },
  )
  return answer
}

async function session(
  place: Place,
  ledger: Ledger,
  next: () => Sent | null,
  pause: number,
  hear: (answer: string) => void = () => {},
): Promise<void> {
  let open: Sent | null = null
  const client = await greet(place).catch(() => null)
  if (!client) return
  try {
    for (let sent = next(); sent; sent = next()) {
      open = sent
      const replies = await client.begin(sent.from, 'support@desk.example')
      const refusal = replies.find((reply) => !/^[23]/.test(reply))
      const answer = refusal ?? (await handOver(client, sent))
      hear(answer)
      open = null
      if (/^2/.test(answer)) sent.promised++
      else {
        count(ledger, answer)
        ledger.doubtful.push(sent)
        if (refusal) return
        await sleep(50)
      }
      if (pause) await sleep(pause)
    }
    await client.ask('QUIT')
  } catch {
    if (open) ledger.doubtful.push(open) // nobody knows whether it was taken
  } finally {
    client.leave()
  }
}

async function handOver(client: Awaited<ReturnType<typeof greet>>, sent: Sent): Promise<string> {
  sent.handed++
  return await client.body(sent.raw)
}

const count = (ledger: Ledger, answer: string) => {
  const code = answer.slice(0, 3)
  ledger.refused.set(code, (ledger.refused.get(code) ?? 0) + 1)
}

function rawOf(mail: { id: string; from: string; number: number; parent: Sent | null; file: Buffer | null }): Buffer {
  const { id, from, number, parent, file } = mail
  const head = [
    `From: Customer ${number} <${from}>`,
    'To: support@desk.example',
    `Subject: ${parent ? 'Re: ' : ''}Load ${number}`,
    'Date: Mon, 23 Nov 2026 09:29:00 +0100',
    `Message-ID: <${id}>`,
    ...(parent ? [`In-Reply-To: <${parent.id}>`, `References: <${parent.id}>`] : []),
    'MIME-Version: 1.0',
  ]
  const text = `This is mail ${number}.\r\nPlease help.\r\n`
  if (!file) return Buffer.from([...head, 'Content-Type: text/plain; charset=utf-8', '', text].join('\r\n'))
  return Buffer.from(
    [
      ...head,
      'Content-Type: multipart/mixed; boundary="b"',
      '',
      '--b',
      'Content-Type: text/plain; charset=utf-8',
      '',
      text,
      '--b',
      'Content-Type: application/octet-stream',
      'Content-Disposition: attachment; filename="data.bin"',
      'Content-Transfer-Encoding: base64',
      '',
      file.toString('base64').replace(/.{76}/g, '$&\r\n'),
      '--b--',
      '',
    ].join('\r\n'),
  )
}
