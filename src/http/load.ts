import type { BlockedTime } from '../watchdog/index.ts'

/** What runs in this process. */
export interface Load {
  /** Jobs that it holds, by status; a status without jobs is left out. */
  readonly heldByStatus: Readonly<Record<string, number>>
  /** Whether statements have failed just now because the database is not available: then `heldByStatus` may be empty. */
  readonly hasOutage: boolean
  /** How many more it could run now. */
  readonly freePlaces: number
  /** Errors that user code left unhandled since the start, by block type; `(handler)`, `(callback)`, `(module)`, `(unattributed)`. */
  readonly unhandledErrors: ReadonlyMap<string, number>
  /** Blocks of the event loop of over a second since the start, labelled the same way. */
  readonly blockedLoops: ReadonlyMap<string, BlockedTime>
  /** How far the machine's clock is ahead of the database's, in milliseconds; negative: behind. */
  readonly clockOffsetMs: number
}
