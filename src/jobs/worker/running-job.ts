import type { ExecutionMode } from '../../engine/block/index.ts'
import type { Mocks } from '../../engine/mocks/index.ts'
import type { JobId, OwnerId } from '../../lib/index.ts'

/** A job as what it may reach depends on it. */
export interface RunningJob {
  readonly id: JobId
  readonly ownerId: OwnerId
  readonly mode: ExecutionMode
  /** Test mode only: what comes of its calls. */
  readonly mocks: Mocks | null
  /** Number of its ancestors. */
  readonly depth: number
  /** The topmost of its ancestors; itself where it has none. */
  readonly rootId: JobId
  /** Aborts when the run is not to continue here: then nothing is repeated for it any more. */
  readonly yielded: AbortSignal
}
