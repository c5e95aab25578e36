/** What a system suite needs from the machine. `bin/setup` installs all of it from Debian packages. */
import { accessSync, constants } from 'node:fs'
import path from 'node:path'

/**
 * Called at the top of a suite. Where a program is missing the whole file ends here, loudly: skipped on a developer's
 * machine, failed when CI=true.
 * @returns the full path of each program, in order
 */
export function needs<const Programs extends string[]>(...programs: Programs): { [N in keyof Programs]: string } {
  const found = programs.map(findProgram)
  const missing = programs.filter((_, n) => found[n] === null)
  if (missing.length === 0) return found as { [N in keyof Programs]: string }
  const words = `${path.basename(process.argv[1] ?? '')} needs ${missing.join(' and ')}: run bin/setup`
  if (process.env.CI === 'true') throw new Error(words)
  console.log(`SKIPPED ${words}`)
  process.exit(0)
}

/** Daemons live in sbin, which is not on everybody's PATH. */
function findProgram(program: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin']
  for (const folder of folders.filter(Boolean)) {
    const file = path.join(folder, program)
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {
      // not here
    }
  }
  return null
}
