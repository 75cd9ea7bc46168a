import type { z } from 'zod'
import type { Json, JsonObject } from '../../lib/json/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import type { InputCheck } from '../json-schema/index.ts'
import type { RetryPolicy } from './retry-policy.ts'

/** The handle that a block's plain outcome leaves by. */
export const DEFAULT_HANDLE = 'out'
/** The handle that a failed step leaves by when its node says `onError: "route"`. */
export const ERROR_HANDLE = 'error'

export const BLOCK_CATEGORIES = ['core', 'api', 'ai', 'custom'] as const
export type BlockCategory = (typeof BLOCK_CATEGORIES)[number]

/** What an execution does with blocks that would call out: it calls them, shows their samples, or answers from mocks. */
export const EXECUTION_MODES = ['production', 'demo', 'test'] as const
export type ExecutionMode = (typeof EXECUTION_MODES)[number]

/**
 * What an attempt came to. `completed` names the handles whose edges become live (default: `out`); `waiting` gives the
 * step back to the engine, which holds no worker slot meanwhile and completes it once what it waits for has come.
 */
export type BlockOutcome =
  | { readonly kind: 'completed'; readonly output: unknown; readonly handles?: readonly string[] }
  | ({ readonly kind: 'waiting' } & BlockWait)

/** What a step waits for, and with what it then completes. */
export type BlockWait =
  /** The instant `until`, in milliseconds since the epoch; completes with `output`. */
  | { readonly until: number; readonly output: unknown }
  /** A signal of that name; completes with its payload. */
  | { readonly signal: SignalWait }
  /** The end of another execution that this one has started; completes with its output. */
  | { readonly child: string }

/** A wait for somebody outside: a person's approval, a provider's call-back. */
export interface SignalWait {
  readonly name: string
  /** JSON Schema 2020-12 that the payload must satisfy; null: any payload. */
  readonly schema: JsonObject | boolean | null
  /** How long to wait, in milliseconds; null: for ever. */
  readonly timeoutMs: number | null
  /** The handle to leave by when nothing came in time, with the output null; null: the step fails with `SIGNAL_TIMEOUT`. */
  readonly timeoutHandle: string | null
}

/** The outcome of a block that did its work. */
export function completed(output: unknown, handles?: readonly string[]): BlockOutcome {
  return handles ? { kind: 'completed', output, handles } : { kind: 'completed', output }
}

/** The outcome of a block that has nothing to do until something comes. */
export function waiting(wait: BlockWait): BlockOutcome {
  return { kind: 'waiting', ...wait }
}

/** Values that the owner keeps apart from definitions: only those that the block declares, or its config names. */
export interface BlockSecrets {
  /** Throws `SECRET_MISSING` when the owner has none of that name, `SECRET_UNDECLARED` when the block did not ask for it. */
  get(name: string): string
  /** The same, null where the owner has none. */
  find(name: string): string | null
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Lines for whoever reads the timeline. Those under the level in force are dropped, long ones are cut. */
export type BlockLog = {
  readonly [Level in LogLevel]: (message: string, fields?: JsonObject) => void
}

/** What a call cost, as the provider told it; summed per attempt. */
export interface BlockUsage {
  /** In US dollars. */
  readonly costUsd?: number
  /** Whatever else is counted, by name, such as `{ inputTokens: 812, credits: 1 }`. */
  readonly quantities?: { readonly [name: string]: number }
}

export interface BlockHttpRequest {
  /** Default GET. */
  readonly method?: string
  /** Absolute, http or https. */
  readonly url: string
  readonly headers?: { readonly [name: string]: string }
  readonly body?: string | Uint8Array
  /** For everything together, in milliseconds; default 30,000. */
  readonly timeoutMs?: number
}

export interface BlockHttpResponse {
  readonly status: number
  /** By lower-case name; `set-cookie` is a list. */
  readonly headers: { readonly [name: string]: string | readonly string[] }
  /** Decompressed, at most 10 MB. */
  readonly bytes: Uint8Array
  text(): string
  /** Throws `HTTP_NOT_JSON`. */
  json(): Json
}

/** HTTP under this Lume's address policy: addresses that are not public are refused unless the settings allow them. */
export interface BlockHttp {
  /** Resolves with any status; throws `BlockError` (`HTTP_NETWORK`, `HTTP_TIMEOUT`…) or the signal's reason. */
  send(request: BlockHttpRequest): Promise<BlockHttpResponse>
}

/** Starting other workflows, for the block that does so. */
export interface BlockChildren {
  /** Starts a stored workflow as a child of this execution and gives its id; the same key gives the same child. */
  start(request: ChildRequest): Promise<string>
}

export interface ChildRequest {
  readonly key: string
  /** A stored workflow's id, global or bare. */
  readonly workflowId: string
  /** Null: the published version, or the draft where nothing is published. */
  readonly version: number | null
  readonly input: Json
  readonly variables: JsonObject
}

/** The memory for answers of one owner, outside of the heap. */
export interface BlockAnswers {
  /**
   * Begins to count an answer. `end` is called with a reason if the answer arrives so slowly that others need its memory. `mayWait`:
   * false where the answer is counted and does not wait; default true.
   */
  open(options: {
    readonly clock: Pick<Clock, 'after'>
    readonly end: (reason: BlockError) => void
    readonly mayWait?: boolean
  }): ArrivingAnswer
  /**
   * Waits for memory for a value of about this many bytes of heap, which is about to be made of an answer. The call has been paid for, so
   * it never fails: after the time that `reserveMemory` waits the memory is taken all the same. Rejects with the signal's reason.
   */
  claimMemory(bytes: number): Promise<void>
}

/** An answer while its bytes are in memory. */
export interface ArrivingAnswer {
  /** Resolves once the answer may hold this many more bytes, which have arrived. Nothing more is to be read before. */
  take(bytes: number): Promise<void>
  /** The answer is complete: it is not ended any more. */
  arrived(): void
  /** Its bytes are not in use any more. */
  close(): void
}

/** What a block may use while it works. It is dead once the attempt has ended: late calls change nothing. */
export interface BlockContext<Config = unknown> {
  /** The node's config: templates resolved, parsed by the block's config schema. */
  readonly config: Config
  /** E3: the output of the only live predecessor, an object by predecessor id, or the execution's input at a root. */
  readonly input: Json
  /** Aborts on cancel, time-out and a lost lease. Hand it to everything that waits. */
  readonly signal: AbortSignal
  /** From 1. */
  readonly attempt: number
  /** Stable across attempts and recoveries of this step: hand it to a provider that takes one. */
  readonly idempotencyKey: string
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly execution: { readonly id: string; readonly mode: ExecutionMode; readonly startedAt: string }
  /** The step's path, such as `enrich[3]/find`. */
  readonly path: string
  readonly secrets: BlockSecrets
  readonly log: BlockLog
  readonly http: BlockHttp
  readonly children: BlockChildren
  /**
   * What this step's attempts have recorded by `checkpoint`, by key: after a crash, the next attempt goes on from there
   * instead of buying again.
   */
  readonly checkpoints: { readonly [key: string]: Json }
  /**
   * Records a value under a key, in place of the one before; resolves once it is committed. A value is plain JSON of at most 64 KiB,
   * and one step records at most 50,000 values and 8 MiB together. Throws the `BlockError` `CHECKPOINT_INVALID` or `CHECKPOINTS_FULL`.
   */
  checkpoint(key: string, value: Json): Promise<void>
  /** Evaluates an expression that the block declares in `expressions`, with further names bound beside the scope. */
  evaluate(source: string, bindings?: JsonObject): Json
  /**
   * Checks a value against a JSON Schema that a user wrote, within the limits of such checks, and without keeping the
   * thread where that takes long.
   */
  checkJson(schema: JsonObject | boolean, value: Json): Promise<InputCheck>
  /** Reports how far this step is, from 0 to 1, and what it is at; told in the timeline at most once a second. */
  progress(fraction: number, message?: string): void
  /**
   * Waits until the process has room for a value of about this many bytes of memory, such as a large answer that is about to be
   * parsed; the room is given back when the attempt's outcome is recorded. An attempt asks for it once. Throws the `BlockError`
   * `MEMORY_BUDGET_EXCEEDED` when the value is too large, or when others use the memory for too long.
   */
  reserveMemory(bytes: number): Promise<void>
  /** Counts the bytes of answers that the attempt receives by another client than `http`, which counts its own. */
  readonly answers: BlockAnswers
  /**
   * Lets other work have the thread, at most every 20 ms; within that time it resolves at once. For work that waits for
   * nothing outside: call it between its pieces. It follows the real time, also in a simulation.
   */
  yieldToEventLoop(): Promise<void>
  /** Says that the attempt is alive, where the block or node sets `heartbeatMs`. Progress, logs and checkpoints say so, too. */
  heartbeat(): void
  /** Adds to what this attempt has cost. */
  usage(used: BlockUsage): void
  /** Hands out text as it comes, such as a model's tokens: events of their own, gathered, for those who ask for them. */
  stream(text: string): void
}

/** A place in a config that holds bare CEL instead of a template: a JSON pointer in which `*` stands for any list index. */
export interface ExpressionField {
  readonly pointer: string
  /** Names bound beside the scope when the block evaluates it. */
  readonly binds: readonly string[]
  /** A field of the config, such as `items`: the list whose items `item` is bound to, so that their type may be known. */
  readonly itemsOf?: string
}

/** A call that is not made. */
export interface SampleCall {
  /** Parsed by the block's config schema. */
  readonly config: unknown
  readonly input: Json
  /** In [0, 1); the same for the same step of the same execution. */
  readonly random: () => number
}

export interface BlockEstimate {
  readonly durationMs?: number
  readonly costUsd?: number
}

/** A kind of work a node can do. Made by `defineBlock`, which keeps config and `run` of one type. */
export interface Block {
  /** The name that definitions use: lower-case words in camel case, joined by dots, such as `api.http`. */
  readonly type: string
  /** The version of its code, recorded on each attempt that it makes: 1 to 64 characters, such as `2.1.0`. */
  readonly version: string
  readonly name: string
  readonly description: string
  readonly category: BlockCategory
  /** The name of an icon of the Lucide set, for canvases. */
  readonly icon: string
  /** What to use instead, when the block is going away; null while it stays. */
  readonly deprecated: string | null
  /** E12: a pure block's result depends only on recorded facts; an external one reaches out of the process. */
  readonly effect: 'pure' | 'external'
  /** E13, external blocks only: whether an attempt whose outcome is unknown may simply be made again. */
  readonly repeat: 'safe' | 'never'
  /**
   * The engine carries out what the block asks for and nothing outside is touched, though the block is not pure: waits,
   * loops, logs. Simulation, demo and test mode run such a block for real.
   */
  readonly isControl: boolean
  /** The names of the secrets that it reads by `context.secrets`. */
  readonly secrets: readonly string[]
  readonly config: z.ZodType
  /** What a step's input must satisfy before the block is called; null: it takes anything. The input is not changed by it. */
  readonly input: z.ZodType | null
  readonly output: z.ZodType
  /** A valid output, shown in the catalogue and used where the world must not be touched. */
  readonly sample: Json
  /** The same, shaped by what a call was given; null: `sample`, whatever the call. */
  readonly sampleFor: ((call: SampleCall) => Json) | null
  /** What a call is thought to take and cost, where that can be said before it; null: nothing can. */
  readonly estimate: ((call: SampleCall) => BlockEstimate) | null
  /** The handles that an outcome may name, given the raw config. */
  handles(config: Json): readonly string[]
  readonly expressions: readonly ExpressionField[]
  /** Fields of the config that hold JSON Schemas from users: looked at with the definition, and before every attempt. */
  readonly schemas: readonly string[]
  /** Used where the node says nothing. */
  readonly retry: RetryPolicy
  /** How long one attempt may take, in milliseconds, where the node says nothing. */
  readonly timeoutMs: number
  /** How long an attempt may go without a sign of life, in milliseconds; null: as long as it may take. */
  readonly heartbeatMs: number | null
  /** The block's work, or `loop` for the one block that the engine itself runs: a nested graph per item (E10). */
  readonly run: ((context: BlockContext) => Promise<BlockOutcome>) | 'loop'
}

/** How a block says that it failed. Anything else that it throws counts as `BLOCK_FAILED`, retryable. */
export class BlockError extends Error {
  readonly code: string
  /** False when trying again cannot help. */
  readonly retryable: boolean
  /** The provider's own wish: wins over the backoff. */
  readonly retryAfterMs: number | undefined
  /** Facts for whoever reads the timeline; never secrets. */
  readonly details: JsonObject | undefined

  constructor(
    code: string,
    message: string,
    options: { retryable?: boolean; retryAfterMs?: number; details?: JsonObject; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'BlockError'
    this.code = code
    this.retryable = options.retryable ?? false
    this.retryAfterMs = options.retryAfterMs
    this.details = options.details
  }
}
