import type { z } from 'zod'
import { BUILD_VERSION } from '../../lib/index.ts'
import type { Json } from '../../lib/json/index.ts'
import {
  DEFAULT_HANDLE,
  type Block,
  type BlockCategory,
  type BlockContext,
  type BlockEstimate,
  type BlockOutcome,
  type ExpressionField,
  type SampleCall,
} from './block.ts'
import { NO_RETRY, RETRY_TRANSIENT, type RetryPolicy } from './retry-policy.ts'

const DEFAULT_TIMEOUT_MS = 5 * 60_000
const ICONS: Readonly<Record<BlockCategory, string>> = {
  core: 'workflow',
  api: 'plug',
  ai: 'sparkles',
  custom: 'puzzle',
}

/** What a block's author writes down; everything optional has the stated default. */
export interface BlockSpec<Config, Output> {
  type: string
  /**
   * The version of its code, recorded on each attempt that it makes: 1 to 64 characters. Set it for a block whose code changes without Lume's.
   * Default: that of Lume's package.
   */
  version?: string
  name: string
  description: string
  /** Default: the first word of `type` where that is a category, else `custom`. */
  category?: BlockCategory
  /** Default: one for the category. */
  icon?: string
  /** What to use instead. Default: the block stays. */
  deprecated?: string
  /** Default: `external`, the careful choice. */
  effect?: 'pure' | 'external'
  /** Default: `safe`. */
  repeat?: 'safe' | 'never'
  /** Default: false. */
  isControl?: boolean
  /** Default: none. */
  secrets?: readonly string[]
  config: z.ZodType<Config>
  /** What it takes as input: anything else fails the step with `BLOCK_INPUT_INVALID`. Default: anything. */
  input?: z.ZodType
  output: z.ZodType<Output>
  sample: Json
  sampleFor?: (call: SampleCall & { readonly config: Config }) => Json
  estimate?: (call: SampleCall & { readonly config: Config }) => BlockEstimate
  /** Default: only `out`. */
  handles?: (config: Json) => readonly string[]
  expressions?: readonly ExpressionField[]
  /** Default: none. */
  schemas?: readonly string[]
  /** Default: pure blocks are not retried, external ones three times in all. */
  retry?: RetryPolicy
  /** Default: five minutes an attempt. */
  timeoutMs?: number
  /** Default: no sign of life is asked for. */
  heartbeatMs?: number
  run: ((context: BlockContext<Config>) => Promise<BlockOutcome>) | 'loop'
}

/** Makes a block of its description. */
export function defineBlock<Config, Output>(spec: BlockSpec<Config, Output>): Block {
  const effect = spec.effect ?? 'external'
  const category = spec.category ?? categoryOf(spec.type)
  return {
    ...spec,
    version: spec.version ?? BUILD_VERSION,
    effect,
    category,
    icon: spec.icon ?? ICONS[category],
    deprecated: spec.deprecated ?? null,
    repeat: spec.repeat ?? 'safe',
    isControl: spec.isControl ?? false,
    secrets: spec.secrets ?? [],
    input: spec.input ?? null,
    sampleFor: (spec.sampleFor as Block['sampleFor'] | undefined) ?? null,
    estimate: (spec.estimate as Block['estimate'] | undefined) ?? null,
    handles: spec.handles ?? (() => [DEFAULT_HANDLE]),
    expressions: spec.expressions ?? [],
    schemas: spec.schemas ?? [],
    retry: spec.retry ?? (effect === 'pure' ? NO_RETRY : RETRY_TRANSIENT),
    timeoutMs: spec.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    heartbeatMs: spec.heartbeatMs ?? null,
    // Whoever calls `run` hands it what `config` parsed; that the two fit is what BlockSpec's type says.
    run: spec.run as Block['run'],
  }
}

function categoryOf(type: string): BlockCategory {
  const word = type.slice(0, type.indexOf('.'))
  return word === 'core' || word === 'api' || word === 'ai' ? word : 'custom'
}
