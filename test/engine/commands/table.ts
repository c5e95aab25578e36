/** The table of docs/commands.md, out of the registry. */
import { LOCALE_ALIASES } from '../../../src/engine/commands/aliases.ts'
import { SPECS } from '../../../src/engine/commands/names.ts'

const WHO: Record<string, string> = {
  agent: 'agents',
  both: 'agents, customers',
  customer: 'customers',
  strong: 'agents, confirmed',
}

export function commandTable(): string {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const others = (name: string) =>
    Object.entries(LOCALE_ALIASES)
      .flatMap(([language, words]) => {
        const own = Object.entries(words).flatMap(([word, command]) => (command === name ? [word] : []))
        return own.length > 0 ? [`${language} ${own.join(' ')}`] : []
      })
      .join(', ')
  const rows = SPECS.map(({ name, aliases, usage, level, reversal }) =>
    [`\`#${name}${usage && ` ${cell(usage)}`}\``, aliases.join(', '), others(name), WHO[level], reversal].join(' | '),
  )
  return [
    '| command | or | in other languages | who | taken back |',
    '|---|---|---|---|---|',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n')
}
