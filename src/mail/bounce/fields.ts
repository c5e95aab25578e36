/** Groups of header-like fields, as reports hold them: unfolded, names in lower case, without NUL, charset as it comes. */

export type Fields = {
  /** First value, null when absent. */
  first(key: string): string | null
  all(key: string): string[]
}

/** The first group: all there is up to a blank line behind a field. */
export const readFields = (bytes: Buffer): Fields => fieldsOf(groupsOf(bytes)[0] ?? [])

/** Every group. A second Final-Recipient begins one too: some leave the blank line out. */
export function readGroups(bytes: Buffer): Fields[] {
  return groupsOf(bytes)
    .flatMap((group) => {
      const split: [string, string][][] = [[]]
      for (const field of group) {
        const current = split.at(-1)!
        if (field[0] === 'final-recipient' && current.some(([key]) => key === 'final-recipient')) split.push([field])
        else current.push(field)
      }
      return split
    })
    .map(fieldsOf)
}

function groupsOf(bytes: Buffer): [string, string][][] {
  const groups: [string, string][][] = [[]]
  for (const line of bytes
    .toString('utf8')
    .replaceAll('\0', '')
    .split(/\r\n|\n|\r/)) {
    const group = groups.at(-1)!
    if (/^\s*$/.test(line)) {
      if (group.length > 0) groups.push([])
    } else if (/^[ \t]/.test(line) && group.length > 0) group.at(-1)![1] += ` ${line.trim()}`
    else {
      const at = line.indexOf(':')
      if (at > 0) group.push([line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim()])
    }
  }
  return groups.filter((group) => group.length > 0)
}

function fieldsOf(group: [string, string][]): Fields {
  const all = (key: string) => group.filter(([name]) => name === key).map(([, value]) => value)
  return { all, first: (key) => all(key)[0] ?? null }
}
