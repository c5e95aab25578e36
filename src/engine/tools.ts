/** What the engine's doors need besides a transaction and the time. Made once in main.ts, replaced when the desk changes. */
import type { Templates } from '../render.ts'
import type { Keys } from '../tokens.ts'
import type { Desk } from './desk.ts'

export type Tools = { desk: Desk; keys: Keys; templates: Templates }
