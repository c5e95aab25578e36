/** The words of receipts, in English: the keys that every other language has too. */
export const en = {
  unknown_command: 'There is no command {name}.',
} as const

export type PhraseKey = keyof typeof en
