/** A desk with files of its own, as people run it, in a folder that other users can enter: for sockets and Postfix. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { listed, startDaemon } from '../daemon.ts'

export type Desk = {
  /** Runs a command with --json; its lines as objects. */
  json<T>(...command: string[]): Promise<T[]>
  stop(): Promise<void>
}

/** Removed by the caller. */
export function makeHome(): string {
  const home = mkdtempSync(path.join(os.tmpdir(), 'postroom-system-'))
  chmodSync(home, 0o755)
  return home
}

export const removeHome = (home: string): void => rmSync(home, { recursive: true, force: true })

/**
 * Starts a desk in `home` and resolves when it is ready.
 * @param files name -> text; `postroom.yml` is the configuration
 */
export async function startDesk(home: string, files: Record<string, string>): Promise<Desk> {
  const folder = path.join(home, 'desk')
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text)
  const setting = { data: path.join(folder, 'data'), config: path.join(folder, 'postroom.yml') }
  const daemon = await startDaemon(setting)
  return {
    json: async <T>(...command: string[]) => (await listed(setting, ...command)) as T[],
    async stop() {
      await daemon.terminate()
    },
  }
}
