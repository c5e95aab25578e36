/** stub */
import type { Inverse, Values } from './command.ts'
import type { Name } from './names.ts'
import type { PhraseKey } from './phrases/en.ts'
export type Kept = {
  line: number | null
  source: string
  command: Name | null
  ticket: number | null
  key: PhraseKey
  data: Values
  inverse: Inverse | null
}
