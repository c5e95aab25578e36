/** The data folder: made once, the same way by whoever comes first. Files in it are 0600, folders below it 0700. */
import { chmodSync, mkdirSync, realpathSync } from 'node:fs'

/**
 * Makes the folder where it is missing; one that stands keeps its mode. Root's private PostgreSQL runs as another
 * user, who must be able to pass through; listing it stays root's.
 * @returns its real path
 */
export function makeDataFolder(data: string): string {
  makeFolder(data, process.getuid?.() === 0 ? 0o711 : 0o700)
  return realpathSync(data)
}

/** mkdir's mode is cut by the umask, which may lock out a user who has to pass; chmod's is not. */
export function makeFolder(folder: string, mode: number): void {
  if (mkdirSync(folder, { recursive: true, mode }) !== undefined) chmodSync(folder, mode)
}
