/** The site's own files: one stylesheet. Its address changes with its content, so browsers may keep it for ever. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Hono } from 'hono'
import type { Pages } from './context.ts'

const css = readFileSync(path.join(import.meta.dirname, 'assets', 'postroom.css'))

export const stylesheetPath = `/assets/${createHash('sha256').update(css).digest('hex').slice(0, 12)}.css`

export function assetPages(): Pages {
  return new Hono().get(stylesheetPath, (c) => {
    c.header('Cache-Control', 'public, max-age=31536000, immutable')
    return c.body(css, 200, { 'Content-Type': 'text/css; charset=utf-8' })
  }) as unknown as Pages
}
