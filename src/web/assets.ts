/**
 * The site's own files: one stylesheet, and one script for the pages that refresh themselves. The address of each
 * changes with its content, so browsers may keep them for ever.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Hono } from 'hono'
import type { Pages } from './context.ts'

const [css, queueScript] = [readAsset('postroom.css'), readAsset('queue.js')]

export const stylesheetPath = addressOf(css, 'css')
export const queueScriptPath = addressOf(queueScript, 'js')

export function assetPages(): Pages {
  const kept = { 'Cache-Control': 'public, max-age=31536000, immutable' }
  return new Hono()
    .get(stylesheetPath, (c) => c.body(css, 200, { ...kept, 'Content-Type': 'text/css; charset=utf-8' }))
    .get(queueScriptPath, (c) =>
      c.body(queueScript, 200, { ...kept, 'Content-Type': 'text/javascript; charset=utf-8' }),
    ) as unknown as Pages
}

function readAsset(name: string) {
  return readFileSync(path.join(import.meta.dirname, 'assets', name))
}

function addressOf(bytes: Buffer, ending: string): string {
  return `/assets/${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}.${ending}`
}
