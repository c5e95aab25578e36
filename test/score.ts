/**
 * Compares what Postroom makes of labelled mails with what other software's tests expect of them.
 *
 *     node test/score.ts FOLDER [--source NAME] [--show] [--known]
 *
 * FOLDER holds a folder a source (test/score/labels.ts). Every label is judged exact, near (0.95 similarity without
 * white space) or different; every difference is listed, and said to be new where docs/known-differences.md does not
 * name it. Ends with exit code 1 when a mail crashed, took over two seconds or lost words that its author wrote; with
 * `--known` also when a difference is new, or one that is named is none.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { parseBuffer } from '../src/mail/parse/read.ts'
import { extractReply } from '../src/mail/reply-text.ts'
import { compare, type Finding, lostWords } from './score/compare.ts'
import { type KnownDifference, knows, readKnown } from './score/known.ts'
import { type Labelled, readLabelled } from './score/labels.ts'

type Row = { source: string; file: string; findings: Finding[]; milliseconds: number; lost: string[]; crash: string }
type Difference = Finding & { row: Row }

const SLOW = 2000

async function scoreAll(root: string, only: string | null): Promise<Row[]> {
  const rows: Row[] = []
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'postroom-score-'))
  try {
    for (const mail of readLabelled(root, only)) rows.push(await scoreOne(mail, path.join(scratch, 'parts')))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  return rows
}

async function scoreOne({ source, label, bytes }: Labelled, folder: string): Promise<Row> {
  const row: Row = { source, file: label.file, findings: [], milliseconds: 0, lost: [], crash: '' }
  const started = performance.now()
  try {
    const mail = await parseBuffer(bytes, folder)
    if (mail.error !== null) row.crash = `${mail.error.code}: ${mail.error.words}`
    else {
      const reply = extractReply({ ...mail, hasFiles: mail.parts.length > 0 ? 'yes' : 'no' })
      row.milliseconds = performance.now() - started
      row.findings = compare(label, mail, reply)
      if (label.max_parse_seconds !== undefined) row.findings.push(timeOf(row.milliseconds, label.max_parse_seconds))
      row.lost = lostWords(label, mail, reply)
    }
  } catch (error) {
    row.crash = String(error)
  }
  rmSync(folder, { recursive: true, force: true })
  return row
}

const timeOf = (milliseconds: number, seconds: number): Finding => ({
  field: 'time',
  verdict: milliseconds <= 1000 * seconds ? 'exact' : 'different',
  wanted: `${seconds} s`,
  got: `${Math.round(milliseconds)} ms`,
})

function printTable(rows: Row[]): void {
  console.log('source                    field          exact  near  different')
  for (const [source, own] of Map.groupBy(rows, (row) => row.source)) {
    const findings = own.flatMap((row) => row.findings)
    for (const [field, list] of Map.groupBy(findings, (finding) => finding.field)) {
      const count = (verdict: string) => String(list.filter((finding) => finding.verdict === verdict).length)
      const share = Math.round((100 * Number(count('exact'))) / list.length)
      console.log(
        `${source.padEnd(26)}${field.padEnd(14)}${count('exact').padStart(6)}${count('near').padStart(6)}` +
          `${count('different').padStart(11)}  ${share} %`,
      )
    }
    const slowest = own.reduce((worst, row) => (row.milliseconds > worst.milliseconds ? row : worst))
    console.log(`${source.padEnd(26)}slowest: ${slowest.file}, ${Math.round(slowest.milliseconds)} ms`)
  }
}

function printDifferences(differences: Difference[], known: KnownDifference[], show: boolean): void {
  const shortened = (text: string) => JSON.stringify(show || text.length <= 300 ? text : `${text.slice(0, 300)}…`)
  for (const { row, field, verdict, wanted, got } of differences) {
    const id = `${row.source}/${row.file}`
    const isKnown = known.some((one) => knows(one, id, field))
    console.log(`\n${verdict}${isKnown ? '' : ', NEW'}: ${id}, ${field}`)
    console.log(`  wanted ${shortened(wanted)}\n  got    ${shortened(got)}`)
  }
}

/** Mails that must not be: a crash, a slow one, one with words lost. */
function printFaults(rows: Row[]): number {
  const crashed = rows.filter((row) => row.crash !== '')
  const slow = rows.filter((row) => row.milliseconds > SLOW)
  const lost = rows.filter((row) => row.lost.length > 0)
  for (const row of crashed) console.log(`crash: ${row.source}/${row.file}: ${row.crash}`)
  for (const row of slow) console.log(`slow: ${row.source}/${row.file}: ${Math.round(row.milliseconds)} ms`)
  for (const row of lost) console.log(`lost words: ${row.source}/${row.file}: ${row.lost.slice(0, 10).join(' ')}`)
  console.log(`\n${rows.length} mails, ${crashed.length} crashes, ${slow.length} slow, ${lost.length} with lost words`)
  return crashed.length + slow.length + lost.length
}

/** What docs/known-differences.md does not say, or says and is not so (of the sources that were read). */
function printNews(rows: Row[], differences: Difference[], known: KnownDifference[]): number {
  const sources = new Set(rows.map(({ source }) => source))
  const isNew = ({ row, field }: Difference) => !known.some((one) => knows(one, `${row.source}/${row.file}`, field))
  const news = differences.filter(isNew)
  const gone = known
    .filter(({ id }) => sources.has(id.slice(0, id.indexOf('/'))))
    .filter((one) => !differences.some(({ row, field }) => knows(one, `${row.source}/${row.file}`, field)))
  for (const { id, field } of gone)
    console.log(`named in docs/known-differences.md, and no difference: ${id}, ${field}`)
  console.log(`${differences.length} differences, ${news.length} of them not in docs/known-differences.md`)
  return news.length + gone.length
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { source: { type: 'string' }, show: { type: 'boolean' }, known: { type: 'boolean' } },
})
if (positionals.length !== 1) {
  console.log('node test/score.ts FOLDER [--source NAME] [--show] [--known]')
  process.exit(2)
}
const rows = await scoreAll(positionals[0]!, values.source ?? null)
const known = readKnown()
const differences = rows.flatMap((row) =>
  row.findings.filter(({ verdict }) => verdict !== 'exact').map((finding) => ({ ...finding, row })),
)
printTable(rows)
printDifferences(differences, known, values.show ?? false)
const faults = printFaults(rows)
const news = printNews(rows, differences, known)
process.exitCode = rows.length > 0 && faults === 0 && !(values.known && news > 0) ? 0 : 1
