import type { Json, JsonObject } from '../../../lib/json/index.ts'
import type { ExecutionMode } from '../../block/index.ts'
import type { Plan } from '../../definition/index.ts'
import type { Original } from '../../fork/index.ts'
import { NOTHING_RECORDED, type RecordedState } from '../../record/index.ts'

/** One execution as a worker takes it up. */
export interface RunRequest {
  readonly executionId: string
  readonly plan: Plan
  readonly input: Json
  /** The definition's defaults with the start's own on top. */
  readonly variables: JsonObject
  readonly mode: ExecutionMode
  /** When the execution first started; null when it starts now. */
  readonly startedAt: number | null
  /** The percentage recorded so far. */
  readonly progress: number
  /** What its calls have cost so far, in US dollars. */
  readonly costUsd: number
  /** It was paused when it was taken up. */
  readonly wasPaused: boolean
  /** When its starter wanted it to begin; null: at once. */
  readonly runAt: number | null
  readonly recorded: RecordedState
  /** The execution that this one retries, as far as it stands for what this one would do; null: it is no retry. */
  readonly original: Original | null
  /** How often a worker was lost in a row; 0 for a first start and after a park. */
  readonly recoveries: number
}

/** The rest of a request whose run has not begun, retries nothing and is to begin at once. */
export const NEW_RUN = {
  startedAt: null,
  progress: 0,
  costUsd: 0,
  wasPaused: false,
  runAt: null,
  recorded: NOTHING_RECORDED,
  original: null,
  recoveries: 0,
} as const satisfies Partial<RunRequest>
