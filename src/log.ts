/** Logs: one JSON object a line on stderr. No bodies, no tokens, no secrets; addresses only at `debug`. */

export type Level = 'debug' | 'info' | 'warn' | 'error'
export type Fields = Record<string, string | number | boolean | null | undefined>
export type Log = Record<Level, (event: string, fields?: Fields) => void> & { with(fields: Fields): Log }

const order: Level[] = ['debug', 'info', 'warn', 'error']

/** CR and LF never reach a log line raw (MAIL 9.9); JSON escapes them, and long values are cut. */
const tame = (value: Fields[string]) =>
  typeof value === 'string' && value.length > 1000 ? `${value.slice(0, 1000)}…` : value

/**
 * A log that writes to `write` (stderr by default) all lines at or above `least`.
 * The clock is read here and only here: a log line says when it was written.
 */
export function startLog(
  least: Level = 'info',
  write: (line: string) => void = (line) => void process.stderr.write(line),
  base: Fields = {},
): Log {
  const line =
    (level: Level) =>
    (event: string, fields: Fields = {}) => {
      if (order.indexOf(level) < order.indexOf(least)) return
      const all = Object.entries({ ...base, ...fields }).map(([key, value]) => [key, tame(value)])
      write(`${JSON.stringify({ at: new Date().toISOString(), level, event, ...Object.fromEntries(all) })}\n`)
    }
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    with: (fields) => startLog(least, write, { ...base, ...fields }),
  }
}

/** For tests and one-shot commands that have nobody to tell. */
export const silent: Log = startLog('error', () => {})
