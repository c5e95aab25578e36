/** Mails grown from nothing: MIME trees with a word in every leaf, damaged in ways that must not lose one (4.17). */
import type { Random } from './random.ts'

/** `words` are in the decoded leaves; each must come out as text, HTML or part. */
export type Grown = { bytes: Buffer; words: string[] }

type Growth = { random: Random; words: string[]; boundaries: number; seed: number }

export function grow(seed: number, random: Random): Grown {
  const growth: Growth = { random, words: [], boundaries: 0, seed }
  const head = `From: Ann <ann@example.org>\r\nTo: support@desk.example\r\nSubject: grown ${seed}\r\nMIME-Version: 1.0\r\n`
  const body = entity(growth, 0)
  return { bytes: Buffer.concat([Buffer.from(head), body]), words: growth.words }
}

function entity(growth: Growth, depth: number): Buffer {
  const isLeaf = depth > 5 || growth.random.chance(depth === 0 ? 0.15 : 0.55)
  return isLeaf ? leaf(growth) : multipart(growth, depth)
}

function multipart(growth: Growth, depth: number): Buffer {
  const { random } = growth
  const boundary = `=_${random.pick(['a', 'Part', '-'])}${growth.seed}.${++growth.boundaries}`
  const type = random.pick(['mixed', 'alternative', 'related', 'mixed', 'signed', 'report', 'x-own', 'parallel'])
  const children = Array.from({ length: 1 + random.below(4) }, () => entity(growth, depth + 1))
  // a wrong boundary can be repaired only where the right one is seen twice
  const damage =
    children.length > 1 ? random.pick(['none', 'none', 'none', 'missing', 'wrong', 'unclosed', 'blanks']) : 'none'
  const declared = damage === 'missing' ? '' : `; boundary="${damage === 'wrong' ? `${boundary}-not` : boundary}"`
  const end = damage === 'blanks' ? ' \t\r\n' : '\r\n'
  return Buffer.concat([
    Buffer.from(`Content-Type: multipart/${type}${declared}\r\n\r\n`),
    ...children.flatMap((child) => [Buffer.from(`--${boundary}${end}`), child, Buffer.from('\r\n')]),
    Buffer.from(damage === 'unclosed' ? '' : `--${boundary}--${end}`),
  ])
}

const CHARSETS: [string, BufferEncoding][] = [
  ['utf-8', 'utf8'],
  ['us-ascii', 'latin1'],
  ['iso-8859-1', 'latin1'],
  ['', 'latin1'],
  ['nobody-8', 'utf8'],
]
const DISPOSITIONS = [
  '',
  '',
  'Content-Disposition: inline\r\n',
  'Content-Disposition: attachment; filename="a.txt"\r\n',
]

function leaf(growth: Growth): Buffer {
  const { random } = growth
  const word = `word${growth.seed}x${growth.words.length}x`
  growth.words.push(word)
  const type = random.pick([
    'text/plain',
    'text/html',
    'text/plain',
    'text/html',
    'image/png',
    'message/rfc822',
    'text/csv',
    'plain',
    '',
  ])
  const [charset, encoding] = random.pick(CHARSETS)
  const lines = `Some text äöü\r\n${word} = and more \r\n`
  const flowed = type === 'text/plain' && random.chance(0.3) ? '; format=flowed' : ''
  const content =
    type === 'text/html' ? `<p>${lines}</p>` : type === 'message/rfc822' ? `Subject: inner\r\n\r\n${lines}` : lines
  const parameter = charset === '' ? '' : `; charset=${charset}`
  const declared = type === '' ? '' : `Content-Type: ${type}${parameter}${flowed}\r\n`
  const [code, bytes] = coded(Buffer.from(content, encoding), random)
  return Buffer.concat([Buffer.from(`${declared}${random.pick(DISPOSITIONS)}${code}\r\n`), bytes])
}

function coded(bytes: Buffer, random: Random): [string, Buffer] {
  const name = random.pick([
    '',
    '8bit',
    '8bits',
    'x-unknown',
    'base64',
    'BASE64 ',
    'quoted-printable',
    'Quoted-Printable;',
  ])
  const header = name === '' ? '' : `Content-Transfer-Encoding: ${name}\r\n`
  if (/^base64/i.test(name)) {
    const text = bytes.toString('base64').replace(/=+$/, random.chance(0.5) ? '' : '$&')
    return [header, Buffer.from(text.replace(/.{60}/g, random.pick(['$&\r\n', '$&', '$& *\r\n'])))]
  }
  if (!/^quoted/i.test(name)) return [header, bytes]
  const text = bytes
    .toString('latin1')
    .replace(/[=\x80-\xff]/g, (char) => `=${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
  return [header, Buffer.from(text, 'latin1')]
}
