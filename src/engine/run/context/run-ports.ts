import type { Json } from '../../../lib/json/index.ts'
import type { Clock } from '../../../lib/time/index.ts'
import type { TimeSlice } from '../../../lib/turns/index.ts'
import type {
  BlockContext,
  BlockHttpRequest,
  BlockHttpResponse,
  BlockOutcome,
  ChildRequest,
  LogLevel,
} from '../../block/index.ts'
import type { PlanNode } from '../../definition/index.ts'
import type { SchemaChecker } from '../../json-schema/index.ts'
import type { RunMemory } from '../../memory/index.ts'
import type { OnUnhandledError, RecordedError, RunJournal } from '../../record/index.ts'
import type { SecretSource } from './secrets.ts'

/** What the run loop needs of the world (the same loop runs in production, in simulation and in property tests). */
export interface RunPorts {
  readonly journal: RunJournal
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly secrets: SecretSource
  readonly http: HttpPort
  readonly children: ChildExecutions
  /** Lines of blocks under this level are dropped. */
  readonly logLevel: LogLevel
  /** What is done in place of blocks that would touch the world; null: they touch it. */
  readonly standIn: StandIn | null
  /** Checks values against JSON Schemas of users. Default: a checker that keeps the thread for as long as a check takes. */
  readonly schemas?: SchemaChecker
  /** Shares turns of the event loop with other work that belongs to the run. Default: the run has its own. */
  readonly timeSlice?: TimeSlice
  /** What the run's values may take; closed with the run. Default: as if nothing else ran here. */
  readonly memory?: RunMemory
  /**
   * Asked before a block that acts on the outside is called (E7). Null: it may be. Otherwise resolves once it may, because the job is held
   * for certain; rejects with the signal's reason. Not given: it always may.
   */
  readonly untilHeld?: (signal: AbortSignal) => null | Promise<void>
  /** Receives the errors that blocks neither catch nor return. Not given: only the timeline shows them. */
  readonly onUnhandledError?: OnUnhandledError
}

/** HTTP for blocks, under the address policy; the signal is the attempt's. */
export interface HttpPort {
  send(
    request: BlockHttpRequest,
    attempt: Pick<BlockContext, 'signal' | 'clock' | 'reserveMemory' | 'answers'>,
  ): Promise<BlockHttpResponse>
}

/** The executions that a run starts and waits for. */
export interface ChildExecutions {
  start(request: ChildRequest & { readonly parentId: string; readonly path: string }): Promise<string>
  /**
   * How a child has ended; null while it has not. `takeMemory` is awaited before a stored output is read, with the length of its
   * JSON text in bytes.
   */
  endOf(childId: string, takeMemory: (textBytes: number) => Promise<void>): Promise<ChildEnd | null>
  /** Sends a cancel, which changes nothing when the child has ended. */
  cancel(childId: string): Promise<void>
  /** Sends one to every child that has not ended, those included of which no step knows. */
  cancelAll(): Promise<void>
}

export type ChildEnd =
  | { readonly status: 'COMPLETED'; readonly output: Json }
  | { readonly status: 'FAILED' | 'CANCELED'; readonly error: RecordedError }

/** Says what is done in a block's place at one attempt; null: the block itself works. */
export type StandIn = (attempt: StandInCall) => Promise<BlockOutcome>

export interface StandInCall {
  readonly node: PlanNode
  readonly path: string
  readonly attempt: number
  readonly context: BlockContext
}
