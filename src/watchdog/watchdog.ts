import { url as inspectorUrl } from 'node:inspector'
import { Worker } from 'node:worker_threads'
import { GIVE_BACK_NEIGHBOURS, RENEW_HELD, type Lease } from '../db/jobs/index.ts'
import { HEARTBEAT, heartbeatTimes } from '../db/processes/index.ts'
import { currentUserCode } from '../engine/block/index.ts'
import type { Logger } from '../lib/log/index.ts'
import type { BlockedLoop, WatchdogData } from './watchdog-messages.ts'

/** An event loop that is blocked for longer than this is logged and counted, in milliseconds. */
export const BLOCKED_LOOP_REPORT_MS = 1_000

/** How often the main thread beats and the thread looks, in milliseconds; more often only for leases under four seconds. */
const LOOK_EVERY_MS = 250
const LOOK_EVERY_MIN_MS = 20
const USER_CODE_KEY = 'lume.userCode'
const UNATTRIBUTED = '(unattributed)'

export interface WatchdogOptions {
  readonly lease: Lease
  /** Null on the embedded database. */
  readonly databaseUrl: string | null
  /** Beyond this the jobs beside the one that blocks are given back, in milliseconds. */
  readonly maxBlockedMs: number
  /** Whether the process then ends. */
  readonly endsProcess: boolean
  readonly notePath: string | null
  /** Receives the execution whose code has blocked the event loop for longer than heartbeats are apart. */
  readonly onBlocked: (executionId: string) => void
  readonly logger: Pick<Logger, 'warn' | 'isLevelEnabled'>
  /** Whether the logger writes JSON lines to standard output, as the thread does while the main thread is blocked. */
  readonly logsToStdout: boolean
}

/** How often, and for how long in all, a block has kept the event loop blocked. */
export interface BlockedTime {
  readonly count: number
  readonly ms: number
}

/** Watches the event loop of this thread from another one, which also writes the heartbeat of the process to a server's database. */
export class Watchdog {
  readonly #options: WatchdogOptions
  readonly #blocked = new Map<string, BlockedTime>()
  #thread: Worker | null = null
  #beat: NodeJS.Timeout | null = null

  constructor(options: WatchdogOptions) {
    this.#options = options
  }

  /** Blocks of over a second, by block type; what belongs to no block is in parentheses. */
  get blocked(): ReadonlyMap<string, BlockedTime> {
    return this.#blocked
  }

  start(): void {
    const { leaseMs } = this.#options.lease
    answerUserCode()
    const lookEveryMs = Math.max(LOOK_EVERY_MIN_MS, Math.min(LOOK_EVERY_MS, Math.floor(leaseMs / 16)))
    const shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
    const beats = new Int32Array(shared)
    this.#beat = setInterval(() => Atomics.add(beats, 0, 1), lookEveryMs).unref()
    const thread = new Worker(new URL('./watchdog-thread.js', import.meta.url), {
      workerData: this.#threadData(shared, lookEveryMs),
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 },
    })
    thread.unref()
    thread.on('message', (blocked: BlockedLoop) => this.#report(blocked))
    thread.on('error', (fault) => {
      this.#options.logger.warn(
        { err: fault },
        'the watchdog has failed; blocked event loops are not noticed, and this process has no heartbeat',
      )
    })
    this.#thread = thread
  }

  async close(): Promise<void> {
    if (this.#beat) clearInterval(this.#beat)
    await this.#thread?.terminate()
  }

  #threadData(shared: SharedArrayBuffer, lookEveryMs: number): WatchdogData {
    const { lease, databaseUrl, maxBlockedMs, endsProcess, notePath, logger, logsToStdout } = this.#options
    const { workerId, leaseMs } = lease
    const isDebugged = inspectorUrl() !== undefined
    return {
      shared,
      lookEveryMs,
      // A lease is renewed every third of it, so at least two thirds are left when the main thread is blocked.
      keepAfterMs: Math.max(leaseMs / 4, 3 * lookEveryMs),
      renewEveryMs: leaseMs / 3,
      reportAfterMs: BLOCKED_LOOP_REPORT_MS,
      maxBlockedMs,
      workerId,
      leaseMs,
      databaseUrl,
      renewStatement: RENEW_HELD,
      giveBackStatement: GIVE_BACK_NEIGHBOURS,
      heartbeatStatement: HEARTBEAT,
      heartbeat: heartbeatTimes(leaseMs),
      notePath,
      endsProcess: endsProcess && !isDebugged,
      isDebugged,
      userCodeKey: USER_CODE_KEY,
      logLevels: (['error', 'fatal'] as const).filter(
        (level) => logsToStdout && logger.isLevelEnabled(level),
      ),
    }
  }

  #report({ blockedMs, blame }: BlockedLoop): void {
    const code = blame?.code ?? null
    const label = code === null ? UNATTRIBUTED : code.kind === 'block' ? code.name : `(${code.kind})`
    const { count, ms } = this.#blocked.get(label) ?? { count: 0, ms: 0 }
    this.#blocked.set(label, { count: count + 1, ms: ms + blockedMs })
    if (code?.executionId && blockedMs >= this.#options.lease.leaseMs / 3)
      this.#options.onBlocked(code.executionId)
    const place = code
      ? { [code.kind]: code.name, executionId: code.executionId, path: code.path, attempt: code.attempt }
      : {}
    this.#options.logger.warn(
      { blockedMs, ...place, at: blame?.at ?? null },
      `the event loop was blocked for ${blockedMs} ms${code ? ` by the ${code.kind} ${code.name}` : ''}`,
    )
  }
}

/** The thread asks through the inspector, by the name of a registered symbol: it shares no object with this one. */
function answerUserCode(): void {
  const answer = (): string | null => {
    const code = currentUserCode()
    if (!code) return null
    const { kind, name, executionId, path, attempt } = code
    return JSON.stringify({ kind, name, executionId, path, attempt })
  }
  Object.defineProperty(globalThis, Symbol.for(USER_CODE_KEY), { value: answer, configurable: true })
}
