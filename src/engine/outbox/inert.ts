/**
 * No line of an outgoing mail may run as a command when it comes back quoted in whatever style, or not quoted at all
 * (COMMANDS E5.6). A line that would be one is shown behind a dot, judged by the very grammar that reads commands.
 */
import { readLine } from '../commands/grammar.ts'

/** The text with such lines made harmless; quotation marks before them are looked through. */
export const inertText = (text: string): string =>
  BEGUN.test(text) ? text.replace(LINE, (line, before, rest) => (isCommand(rest) ? `${before}· ${rest}` : line)) : text

/** The same for HTML that this program wrote: text between two tags or line ends is a line for somebody. */
export const inertHtml = (html: string): string =>
  SIGIL.test(html)
    ? html.replace(PIECE, (piece, before, rest) => (isCommand(decoded(rest)) ? `${before}· ${rest}` : piece))
    : html

const SIGIL = /[#＃﹟]/u
const BEGUN = /[#＃﹟](?![0-9])/u // a ticket's number, which most mails name, begins no command
const LINE = /^((?:[^\S\n]|[>|\u0085])*)(.*[#＃﹟].*)$/gmu
const PIECE = /((?:^|>|\n)(?:\s|&nbsp;|&#160;|&gt;)*)([^<>\n]*[#＃﹟][^<>\n]*)/gu

const isCommand = (line: string): boolean => readLine(line.trimStart()) !== null || readLine(bare(line)) !== null

/** Invisible characters before the line begins. */
const bare = (line: string): string => line.replace(/^[\p{Cf}\p{Z}\p{Cc}>|]+/u, '')

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ', num: '#' }

const decoded = (text: string): string =>
  text.replace(/&(?:#(\d{1,6})|#x([0-9a-f]{1,5})|([a-z]{2,6}));/gi, (whole, decimal, hex, name) =>
    name
      ? (ENTITIES[name.toLowerCase()] ?? whole)
      : String.fromCodePoint(Number.parseInt(hex ?? decimal, hex ? 16 : 10)),
  )
