/** Form fields as text: a missing field is '', line ends are LF, and NUL, which PostgreSQL has no place for, is gone. */
import type { Context } from 'hono'

export type Form = { text(name: string): string }

export async function readForm(c: Context): Promise<Form> {
  const fields = await c.req.parseBody()
  return {
    text(name) {
      const value = Object.hasOwn(fields, name) ? fields[name] : ''
      return typeof value === 'string' ? value.replaceAll('\0', '').replace(/\r\n?/g, '\n') : ''
    },
  }
}

/** The number of a row in a path, or null when it is none. */
export const parseId = (text: string | undefined): number | null =>
  text !== undefined && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : null
