/** Free space of the folder that must not fill up (1.2), asked at most once a second. */
import { statfs } from 'node:fs/promises'
import { SECOND } from '../../time.ts'

/** Bytes free for us; Infinity where the file system does not say. */
export function watchDisk(folder: string): () => Promise<number> {
  let free = Number.POSITIVE_INFINITY
  let asked = Number.NEGATIVE_INFINITY
  return async () => {
    const now = performance.now()
    if (now - asked < SECOND) return free
    asked = now
    const found = await statfs(folder).catch(() => null) // a file system that cannot say is not full
    free = found ? found.bavail * found.bsize : Number.POSITIVE_INFINITY
    return free
  }
}
