import type { HeartbeatTimes } from '../db/processes/index.ts'
import type { UserCode } from '../engine/block/index.ts'

/** What the thread is started with. */
export interface WatchdogData {
  /** One 32-bit number that the main thread counts up at every beat. */
  readonly shared: SharedArrayBuffer
  readonly lookEveryMs: number
  /** Leases are kept by the thread once the main thread has been blocked for this long. */
  readonly keepAfterMs: number
  readonly renewEveryMs: number
  readonly reportAfterMs: number
  /** Beyond this the neighbours are given back. */
  readonly maxBlockedMs: number
  readonly workerId: string
  readonly leaseMs: number
  /** Null on the embedded database, which only the main thread reaches. */
  readonly databaseUrl: string | null
  /** Takes a worker's id and a lease in milliseconds. */
  readonly renewStatement: string
  /** Takes a worker's id and the id of the job that is not given back. */
  readonly giveBackStatement: string
  /** Takes a worker's id, and whether an outage came before. */
  readonly heartbeatStatement: string
  readonly heartbeat: HeartbeatTimes
  /** Where the id of the blocking execution is written before the process ends. Null: nowhere. */
  readonly notePath: string | null
  readonly endsProcess: boolean
  /** The inspector is in use: the main thread may stand at a breakpoint. */
  readonly isDebugged: boolean
  /** The registered symbol under which the main thread answers which user code it is in. */
  readonly userCodeKey: string
  /** The levels at which the thread writes lines to standard output. */
  readonly logLevels: readonly ('error' | 'fatal')[]
}

/** What the main thread was doing. */
export interface Blame {
  /** The function, file and line. */
  readonly at: string
  /** Null: Lume's own code, or the host program's. */
  readonly code: Pick<UserCode, 'kind' | 'name' | 'executionId' | 'path' | 'attempt'> | null
}

/** The thread's report, once the main thread is no longer blocked. */
export interface BlockedLoop {
  readonly blockedMs: number
  /** Null: it is not known. */
  readonly blame: Blame | null
}
