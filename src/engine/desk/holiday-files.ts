/** The iCalendar files that the calendars of a desk file name (`holidays_from`): which ones, and what is in them. */
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { wordsOf } from '../../errors.ts'
import { holidays as limits } from '../../limits.ts'
import { readTree } from '../../yaml.ts'
import { type HolidayReading, readHolidays } from './holidays.ts'

/** What is in each file, by the name that the desk file gives it. */
export type HolidayFiles = ReadonlyMap<string, HolidayReading>

export const NAME_REMEDY = 'write the path of an .ics file relative to the desk file, or a list of them'

/** The names in a calendar's `holidays_from`, one or a list; null where it is neither. */
export function namesOf(value: unknown): string[] | null {
  const names = [value ?? []].flat()
  const fits = (name: unknown) => typeof name === 'string' && name !== '' && name.length <= 300
  return names.length <= limits.files && names.every(fits) ? (names as string[]) : null
}

/** The files that a desk file names, as leniently as it can be read: those of a refused text are watched too. */
export function holidayFilesIn(text: string): string[] {
  const tree = readTree(text, 'desk.yml').value as { calendars?: unknown } | null
  const calendars = Array.isArray(tree?.calendars) ? (tree.calendars as ({ holidays_from?: unknown } | null)[]) : []
  return [...new Set(calendars.flatMap((one) => namesOf(one?.holidays_from) ?? []))]
}

/** Reads the files that the text of a desk file in `folder` names; of one that cannot be read the problem says why. */
export async function readHolidayFiles(text: string, folder: string): Promise<HolidayFiles> {
  const read = holidayFilesIn(text).map(async (name): Promise<[string, HolidayReading]> => {
    try {
      return [name, readHolidays(await textOf(name, folder), name)]
    } catch (error) {
      const problem = { file: name, line: 1, column: 1, path: '', cause: wordsOf(error), remedy: NAME_REMEDY }
      return [name, { days: null, problems: [problem] }]
    }
  })
  return new Map(await Promise.all(read))
}

async function textOf(name: string, folder: string): Promise<string> {
  if (/^[a-z]+:\/\//i.test(name))
    throw new Error('it is an address, and nothing is fetched: save the file and name that')
  const file = path.resolve(folder, name)
  if (!(await stat(file)).isFile()) throw new Error('it is no file')
  const bytes = await readFile(file)
  if (bytes.length > limits.bytes) throw new Error(`it is larger than ${limits.bytes} bytes`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Error('it is not in UTF-8: save it in that encoding')
  }
}
