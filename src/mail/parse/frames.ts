/** How parent and parse child talk: length-prefixed frames over a pipe, in both directions. */
import type { ParsedMail } from '../../incoming.ts'

/** 'J' a job (JSON), 'D' bytes of its mail, 'E' their end; 'P' a part that needs no file, 'R' the answer (JSON). */
export type Frame = { type: 'J' | 'D' | 'E' | 'P' | 'R'; payload: Buffer }

const HEAD = 5

/** One frame as bytes to write; pieces are not copied. */
export function frameOf(type: Frame['type'], pieces: Buffer[]): Buffer[] {
  const head = Buffer.allocUnsafe(HEAD)
  head.write(type, 0, 'latin1')
  head.writeUInt32BE(
    pieces.reduce((sum, piece) => sum + piece.length, 0),
    1,
  )
  return [head, ...pieces]
}

/** Cuts a byte stream into frames; `push` gives those that are complete. Throws where a frame exceeds `largest`. */
export function startFrames(largest: number): (chunk: Buffer) => Frame[] {
  let held: Buffer[] = []
  let length = 0
  let wanted = HEAD // bytes that must be there before another look is worth it
  return (chunk) => {
    held.push(chunk)
    length += chunk.length
    if (length < wanted) return []
    let bytes = held.length === 1 ? held[0]! : Buffer.concat(held)
    const frames: Frame[] = []
    wanted = HEAD
    while (bytes.length >= HEAD) {
      const size = bytes.readUInt32BE(1)
      if (size > largest) throw new Error(`a frame of ${size} bytes`)
      wanted = HEAD + size
      if (bytes.length < wanted) break
      frames.push({ type: String.fromCharCode(bytes[0]!) as Frame['type'], payload: bytes.subarray(HEAD, wanted) })
      bytes = bytes.subarray(wanted)
      wanted = HEAD
    }
    held = bytes.length > 0 ? [bytes] : []
    length = bytes.length
    return frames
  }
}

/** The child's answer: parts that are bytes go ahead of it, in order. */
export function answerOf(mail: ParsedMail): Buffer[] {
  const carried: Buffer[] = []
  const told = mail.error !== null ? mail : { ...mail, parts: mail.parts.map((part) => ({ ...part })) }
  for (const part of told.error === null ? told.parts : []) {
    if (!Buffer.isBuffer(part.content)) continue
    carried.push(...frameOf('P', [part.content]))
    part.content = CARRIED
  }
  return [...carried, ...frameOf('R', [Buffer.from(JSON.stringify(told))])]
}

/** The other way round; takes from `carried` what is this mail's. */
export function mailOf(answer: Buffer, carried: Buffer[]): ParsedMail {
  const mail = JSON.parse(answer.toString()) as ParsedMail
  for (const part of mail.error === null ? mail.parts : [])
    if (!Buffer.isBuffer(part.content) && part.content.file === CARRIED.file) part.content = carried.shift()!
  return mail
}

const CARRIED = { file: '' }
