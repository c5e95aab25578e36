/**
 * A week's time as lines that a person can change in any mail program and send back, written and read. Pure. A line names
 * its entry and the state that was shown, so what somebody changed meanwhile is not overwritten; the note stands last,
 * because mail programs break long lines.
 */
import { timesheets as limits } from '../../limits.ts'
import { parseDuration } from '../../time.ts'

export type SheetEntry = {
  id: number
  rev: number
  raw_s: number
  local_date: string
  billable: boolean
  note: string
  /** `#412`, or the key of a project. */
  place: string
}

export type SheetLine = {
  /** From 1, in the text. */
  line: number
  source: string
  /** Null: `new`. */
  entryId: number | null
  rev: number | null
  date: string
  seconds: number | null
  billable: boolean | null
  place: string
  note: string
}

/** `e15.3 | 2026-11-23 | 1:30 | billable | #412 | migrated db` */
export function sheetLine(entry: SheetEntry): string {
  const { id, rev, raw_s, local_date, billable, place } = entry
  return [`e${id}.${rev}`, local_date, clock(raw_s), billable ? 'billable' : 'free', place, shownNote(entry.note)].join(
    ' | ',
  )
}

/** The lines of a sheet anywhere in a text, quoted or not; one that is there twice counts where it differs from itself. */
export function readSheet(text: string): SheetLine[] {
  const found = text.split('\n').flatMap((line, n) => readLine(line, n + 1) ?? [])
  return found.filter((one, n) => !found.slice(0, n).some((other) => other.source === one.source)).slice(0, limits.page)
}

/** What a line says otherwise than the entry is; null: nothing. What was cut for showing is as it was. */
export function differenceOf(
  line: SheetLine,
  entry: SheetEntry,
): { date?: string; seconds?: number; billable?: boolean; note?: string } | null {
  const shown = shownNote(entry.note)
  const isBroken = line.note.length >= BROKEN && shown.startsWith(line.note)
  const differs = {
    ...(line.date !== entry.local_date && { date: line.date }),
    ...(line.seconds !== null && clock(line.seconds) !== clock(entry.raw_s) && { seconds: line.seconds }),
    ...(line.billable !== null && line.billable !== entry.billable && { billable: line.billable }),
    ...(line.note !== shown && !isBroken && { note: line.note }),
  }
  return Object.keys(differs).length > 0 ? differs : null
}

/** Shown whole up to here. */
const NOTE = 60
/** A note that is this long and the beginning of what was shown was broken by a mail program. */
const BROKEN = 15

const shownNote = (note: string): string => {
  const line = note.replace(/[\s|]+/g, ' ').trim()
  return line.length > NOTE ? `${line.slice(0, NOTE - 1).trimEnd()}…` : line
}

const LINE =
  /^[\s>|]*(?:e(\d{1,12})\.(\d{1,9})|(new))\s*\|\s*(\S{1,20})\s*\|\s*([^|\s][^|]{0,20}?)\s*\|\s*(\p{L}{1,20})\s*\|\s*([^|]{1,120}?)\s*(?:\|\s*(.{0,2000}))?$/iu

function readLine(source: string, line: number): SheetLine | null {
  const match = LINE.exec(source.replace(/[\u00a0\u200b\ufeff]/g, ' ').trimEnd())
  if (!match) return null
  const [, id, rev, , date, length, word, place, note = ''] = match
  return {
    line,
    source: source.replace(/^[\s>|]+/, '').trimEnd(),
    entryId: id === undefined ? null : Number(id),
    rev: rev === undefined ? null : Number(rev),
    date: date!,
    seconds: lengthIn(length!),
    billable: /^billable$/i.test(word!) ? true : /^free$/i.test(word!) ? false : null,
    place: place!,
    note: note.replace(/\s+/g, ' ').trim(),
  }
}

function lengthIn(text: string): number | null {
  const [, hours, minutes] = /^(\d{1,3}):([0-5]\d)$/.exec(text) ?? []
  if (hours !== undefined) return Number(hours) * 3600 + Number(minutes) * 60
  const tenths = /^(\d{1,3})[.,](\d{1,2})h$/.exec(text)
  if (tenths) return Math.round(Number(`${tenths[1]}.${tenths[2]}`) * 3600)
  return text === '0' ? 0 : parseDuration(text)
}

/** To the minute, rounded down. */
const clock = (length: number): string =>
  `${Math.floor(length / 3600)}:${String(Math.floor(length / 60) % 60).padStart(2, '0')}`
