/** What the engine's doors need besides a transaction and the time. Made once in main.ts, replaced when the desk changes. */
import type { Templates } from '../render.ts'
import type { Keys } from '../tokens.ts'
import type { Desk } from './desk.ts'

/** `url`: of the web view; where nobody knows it nothing can be fetched from there. */
export type Tools = { desk: Desk; keys: Keys; templates: Templates; url?: string }
