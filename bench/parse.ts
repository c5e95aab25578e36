/**
 * What reading a mail costs: parse, classify, extract, sanitise, against mailparser, sanitize-html and html-to-text on
 * the same mails. In one process, mail by mail in turns; by processor time, since the machine may be busy otherwise.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { htmlToText } from 'html-to-text'
import { simpleParser } from 'mailparser'
import sanitizeHtml from 'sanitize-html'
import { classify } from '../src/mail/classify.ts'
import { parseBuffer } from '../src/mail/parse/read.ts'
import { asMail } from '../test/score/labels.ts'
import { type Figure, median } from './figures.ts'

type Mail = { name: string; bytes: Buffer; ours: number[]; theirs: number[] }

const AT_MOST = 1.6
const WARM = 4 // rounds that are not counted
const ROUNDS = 9
const NAMED = 10
const MEMORY = '/dev/shm' // decoded parts go here: how busy the disk is says nothing about a parser

/** Mails of a folder and the folders in it: .eml, and .txt and .html as mails of such a text. */
export async function measureParse(folder: string, tell: (words: string) => void): Promise<Figure[]> {
  const mails = mailsOf(folder)
  if (mails.length === 0) throw new Error(`There are no mails in ${folder}.`)
  const temp = mkdtempSync(path.join(existsSync(MEMORY) ? MEMORY : os.tmpdir(), 'postroom-bench-parse-'))
  const rounds: number[] = []
  try {
    for (let round = 0; round < WARM + ROUNDS; round++) {
      const { ours, theirs } = await readAll(mails, { temp, round })
      tell(`${mails.length} mails: ours ${ours.toFixed(0)} ms, theirs ${theirs.toFixed(0)} ms`)
      if (round >= WARM) rounds.push(ours / theirs)
    }
  } finally {
    rmSync(temp, { recursive: true, force: true })
  }
  const sum = (of: 'ours' | 'theirs') => mails.reduce((all, mail) => all + median(mail[of].slice(WARM)), 0)
  const slowest = mails
    .map(({ name, ours, theirs }) => ({ name, ours: median(ours.slice(WARM)), theirs: median(theirs.slice(WARM)) }))
    .sort((a, b) => b.ours - a.ours)
    .slice(0, NAMED)
  return [
    {
      what: 'reading a mail, to mailparser + sanitize-html + html-to-text',
      value: sum('ours') / sum('theirs'), // each mail by its median: a round that was disturbed spoils none of them
      unit: 'ratio',
      bar: { atMost: AT_MOST },
      all: rounds,
      beside: {
        'ms a mail': sum('ours') / mails.length,
        'ms a mail, the libraries': sum('theirs') / mails.length,
        ...Object.fromEntries(
          slowest.map(({ name, ours, theirs }, n) => [`ms, slowest ${n + 1}: ${name} (${theirs.toFixed(1)})`, ours]),
        ),
      },
    },
  ]
}

/** One round over all mails; who is first changes from mail to mail and from round to round. */
async function readAll(mails: Mail[], { temp, round }: { temp: string; round: number }) {
  const total = { ours: 0, theirs: 0 }
  for (const [n, mail] of mails.entries()) {
    const turns = (n + round) % 2 === 0 ? (['ours', 'theirs'] as const) : (['theirs', 'ours'] as const)
    for (const turn of turns) {
      const spent = await cost(() => (turn === 'ours' ? ours(mail.bytes, path.join(temp, `${n}`)) : theirs(mail.bytes)))
      mail[turn].push(spent)
      total[turn] += spent
    }
  }
  rmSync(temp, { recursive: true, force: true })
  return total
}

/** Everything up to the decision; decoded parts are written to files, which go at the end of the round. */
async function ours(bytes: Buffer, folder: string): Promise<void> {
  const mail = await parseBuffer(bytes, folder)
  if (mail.error === null) classify(mail, { from: null, nullSender: false })
}

/** No more of the libraries than anybody needs: their text is made once, of the HTML. */
async function theirs(bytes: Buffer): Promise<void> {
  const mail = await simpleParser(bytes, { skipHtmlToText: true, skipTextToHtml: true, skipTextLinks: true })
  if (mail.html === false) return
  sanitizeHtml(mail.html)
  htmlToText(mail.html)
}

async function cost(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await work().catch(() => {}) // one that the libraries cannot read costs what it costs
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

function mailsOf(folder: string): Mail[] {
  const files = statSync(folder).isDirectory() ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : ['']
  return files
    .filter((name) => /\.(?:eml|txt|html)$/.test(path.join(folder, name)))
    .sort()
    .map((name) => ({ name, bytes: asMail(readFileSync(path.join(folder, name)), name), ours: [], theirs: [] }))
}
