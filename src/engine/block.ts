import type { z } from 'zod'
import type { Clock } from '../lib/clock.ts'
import type { Json, JsonObject } from '../lib/json.ts'
import type { RetryPolicy } from './retry-policy.ts'

/** The handle that a block's plain outcome leaves by. */
export const DEFAULT_HANDLE = 'out'
/** The handle that a failed step leaves by when its node says `onError: "route"`. */
export const ERROR_HANDLE = 'error'

export const BLOCK_CATEGORIES = ['core', 'api', 'ai', 'custom'] as const
export type BlockCategory = (typeof BLOCK_CATEGORIES)[number]

/**
 * What an attempt came to. `completed` names the handles whose edges become live (default: `out`); `waiting` gives the
 * step back to the engine until the instant `until` (milliseconds since the epoch), holding no worker slot meanwhile,
 * and completes it with `output` then.
 */
export type BlockOutcome =
  | { readonly kind: 'completed'; readonly output: unknown; readonly handles?: readonly string[] }
  | { readonly kind: 'waiting'; readonly until: number; readonly output: unknown }

/** The outcome of a block that did its work. */
export function completed(output: unknown, handles?: readonly string[]): BlockOutcome {
  return handles ? { kind: 'completed', output, handles } : { kind: 'completed', output }
}

/** The outcome of a block that has nothing to do until an instant. */
export function waiting(wait: { until: number; output: unknown }): BlockOutcome {
  return { kind: 'waiting', ...wait }
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
  /** Evaluates an expression that the block declares in `expressions`, with further names bound beside the scope. */
  evaluate(source: string, bindings?: JsonObject): Json
  /** Reports how far this step is, from 0 to 1. */
  progress(fraction: number): void
}

/** A place in a config that holds bare CEL instead of a template: a JSON pointer in which `*` stands for any list index. */
export interface ExpressionField {
  readonly pointer: string
  /** Names bound beside the scope when the block evaluates it. */
  readonly binds: readonly string[]
}

/** A kind of work a node can do. Made by `defineBlock`, which keeps config and `run` of one type. */
export interface Block {
  /** The name that definitions use: lower-case words in camel case, joined by dots, such as `api.http`. */
  readonly type: string
  readonly name: string
  readonly description: string
  readonly category: BlockCategory
  /** E12: a pure block's result depends only on recorded facts; an external one reaches out of the process. */
  readonly effect: 'pure' | 'external'
  /** E13, external blocks only: whether an attempt whose outcome is unknown may simply be made again. */
  readonly repeat: 'safe' | 'never'
  readonly config: z.ZodType
  readonly output: z.ZodType
  /** A valid output, shown in the catalogue and used where the world must not be touched. */
  readonly sample: Json
  /** The handles that an outcome may name, given the raw config. */
  handles(config: Json): readonly string[]
  readonly expressions: readonly ExpressionField[]
  /** Used where the node says nothing. */
  readonly retry: RetryPolicy
  /** How long one attempt may take, in milliseconds, where the node says nothing. */
  readonly timeoutMs: number
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
