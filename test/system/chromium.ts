/** Chromium for the suites. Where there is none, a suite that imports this ends at once (needs.ts). */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type BrowserContext, chromium } from 'playwright-core'
import { needs } from './needs.ts'

const [executablePath] = needs('chromium')

/** Without what it would ask of the world by itself. */
const FLAGS = [
  '--no-sandbox', // root in a container has no other way
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const profiles = new Map<BrowserContext, string>()

/** A browser that knows nobody yet, 1280 pixels wide. @param flags more for its command line */
export async function openBrowser(...flags: string[]): Promise<BrowserContext> {
  const profile = mkdtempSync(path.join(os.tmpdir(), 'postroom-chromium-'))
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: [...FLAGS, ...flags],
    viewport: { width: 1280, height: 860 },
    acceptDownloads: true,
  })
  browser.setDefaultTimeout(60_000)
  profiles.set(browser, profile)
  return browser
}

/** Ends all of them, and what they kept. */
export async function closeBrowsers(): Promise<void> {
  for (const [browser, profile] of profiles) {
    await browser.close()
    rmSync(profile, { recursive: true, force: true })
  }
  profiles.clear()
}
