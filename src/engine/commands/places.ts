/** Commands that make sense in a mail that names no ticket. */
import type { Name } from './names.ts'

export const TICKETLESS: ReadonlySet<Name> = new Set<Name>([
  'new', 'accept', 'contact', 'follow', 'block', 'stop', 'submit', 'macros', 'types', 'list', 'help', 'dry', 'undo',
]) // biome-ignore format: a list to be read
