import {
  ExpressionError,
  MAX_VISITS as EXPRESSION_MAX_VISITS,
  Meter,
  type Scope,
} from '../../../../cel/index.ts'
import { inOneGo, PIECE_MS, withPauses, type Awaitable, type Pieces } from '../../../../lib/turns/index.ts'
import { LumeError } from '../../../../lib/index.ts'
import {
  deepFreeze,
  deepFreezePieces,
  isJsonObject,
  jsonHeapSize,
  type Json,
} from '../../../../lib/json/index.ts'
import {
  checkConfigHeap,
  CONFIG_LIMITS,
  CONFIG_TOO_LARGE,
  configTextOf,
  configTooLargeMessage,
  issuesText,
  readConfig,
  RenderedTooLargeError,
  RenderTotal,
  type ConfigReading,
  type Issue,
  type RenderLimits,
} from '../../../block/index.ts'
import { readsFrom, renderConfig, renderConfigPieces, type PlanNode } from '../../../definition/index.ts'
import { isSchemaLike } from '../../../json-schema/index.ts'
import { ConfigMemory } from '../../../memory/index.ts'
import { finalFailure, type StepFailure } from '../../../record/index.ts'
import { MASK } from '../../../scrub/index.ts'
import type { GraphScope, StepSite } from '../../context/index.ts'
import { recordedConfigPieces, shortConfigText } from './recorded-config.ts'

/** A config of at most about this many bytes of memory is kept for all attempts of its step. */
const SMALL_BYTES = 64 * 1024
/** Texts of a config whose evaluations visit more than this many elements may be parts of much larger texts, which they keep in memory. */
const SMALL_VISITS = 64
/** A config that exceeds this, or takes long to evaluate, is made in its owner's turn and in several turns of the event loop. */
const UNLESS_LARGE: RenderLimits = {
  maxBytes: 256 * 1024,
  maxHeapBytes: 512 * 1024,
  maxValues: 8_192,
}
const LARGE_VISITS = 16_384

export type ResolvedConfig =
  | { readonly kind: 'ok'; readonly config: unknown }
  | { readonly kind: 'failed'; readonly failure: StepFailure }

type Failed = Extract<ResolvedConfig, { kind: 'failed' }>

/** A config with its templates filled in. */
interface Filled {
  readonly kind: 'filled'
  /** Before the block's schema parsed it. */
  readonly filled: Json
  readonly read: ConfigReading
}

/** A rendered config, and what is recorded of it. */
interface Rendered {
  readonly value: Json
  readonly shown: Json
  readonly isSmall: boolean
}

/** The config cannot be made before there is memory for it. */
interface NeedsMemory {
  readonly kind: 'needsMemory'
  readonly bytes: number
}

interface Made {
  readonly kind: string
}

/** Makes something of a rendered config, in pieces. */
type Use<T extends Made> = (rendered: Rendered) => Pieces<T | NeedsMemory>

/** Receives the text to record of a config, in which secrets are masked. */
interface ConfigRecord {
  configIs(text: string): void
}

/**
 * A step's config with its templates filled in. What a config is made of does not change while its step runs, secrets aside.
 * So a small config is rendered once; a larger one is rendered again for every attempt, and kept only while the attempt runs.
 */
export class StepConfig {
  readonly #node: PlanNode
  readonly #site: StepSite
  readonly #record: ConfigRecord
  readonly #memory: ConfigMemory
  /** Frozen, since parts of it are the plan's, which all executions share. */
  #small: Rendered | null = null

  constructor(node: PlanNode, site: StepSite, record: ConfigRecord) {
    this.#node = node
    this.#site = site
    this.#record = record
    const { run } = site
    this.#memory = new ConfigMemory(node.body ? run.loopMemory : run.configMemory, run.ports.clock)
  }

  /** What the step's templates and expressions see. */
  get scope(): GraphScope {
    const { values, run } = this.#site
    const { scope } = values
    const { secretNames } = this.#node
    return secretNames.length === 0 ? scope : { ...scope, secrets: run.secrets.scope(secretNames) }
  }

  /**
   * The config as the block's schema parsed it, without a promise where it is small and needs no secret: the attempt owns it, and `release` gives its memory back. A config
   * that exceeds its limits fails the step with `CONFIG_TOO_LARGE`, one that does not fit the block with `CONFIG_INVALID`.
   */
  resolve(): Awaitable<ResolvedConfig> {
    const made = this.#fill((rendered) => this.#attemptPieces(rendered))
    const parse = (filled: Filled | Failed) => (filled.kind === 'failed' ? filled : this.#parsed(filled))
    return made instanceof Promise ? made.then(parse) : parse(made)
  }

  /** The same, and the config before the block's schema parsed it. */
  async resolveBoth(): Promise<
    { readonly kind: 'ok'; readonly config: unknown; readonly filled: Json } | Failed
  > {
    const made = await this.#fill((rendered) => this.#attemptPieces(rendered))
    if (made.kind === 'failed') return made
    const parsed = await this.#parsed(made)
    return parsed.kind === 'failed' ? parsed : { ...parsed, filled: made.filled }
  }

  /** Resolves the config only so that it is recorded: keeps nothing of it, and needs no memory for it. Returns why it fails. */
  async resolveForRecord(): Promise<StepFailure | null> {
    const made = await this.#fill((rendered) => this.#recordPieces(rendered))
    this.forget()
    return made.kind === 'failed' ? made.failure : null
  }

  /** The attempt is over: gives the memory of its config back. */
  release(): void {
    this.#memory.release()
  }

  /** The same for a step that waits: nothing of its config is kept. */
  forget(): void {
    this.#memory.release()
    this.#small = null
  }

  #fill<T extends Made>(use: Use<T>): Awaitable<T | Failed> {
    const { run } = this.#site
    const pause = run.yieldIfOver()
    if (pause || this.#node.secretNames.length > 0) return this.#fillLater(pause, use)
    try {
      const made = this.#makeUnlessLarge(use)
      return made === null || needsMemory(made) ? this.#makeLarge(use, made).catch(failureOf) : made
    } catch (fault) {
      return failureOf(fault)
    }
  }

  async #fillLater<T extends Made>(pause: null | Promise<void>, use: Use<T>): Promise<T | Failed> {
    await pause
    try {
      await this.#site.run.secrets.open(this.#node.secretNames)
      const made = this.#makeUnlessLarge(use)
      return made === null || needsMemory(made) ? await this.#makeLarge(use, made) : made
    } catch (fault) {
      return failureOf(fault)
    }
  }

  #parsed({ filled, read }: Filled): Awaitable<ResolvedConfig> {
    if (!read.ok) return invalid(read.issues)
    if (this.#node.block.schemas.length === 0) return { kind: 'ok', config: read.config }
    return this.#schemaProblems(filled).then((issues) =>
      issues.length === 0 ? { kind: 'ok', config: read.config } : invalid(issues),
    )
  }

  /** Apart from its caller, which would keep the rendered config while it waits. */
  #makeUnlessLarge<T extends Made>(use: Use<T>): T | NeedsMemory | null {
    const rendered = this.#small ?? this.#renderUnlessLarge()
    if (!rendered) return null
    if (rendered.isSmall) this.#small = rendered
    return inOneGo(use(rendered))
  }

  /** Renders a config that turns out to be not large. Null: it is large, or takes long, and what was made of it is dropped. */
  #renderUnlessLarge(): Rendered | null {
    const { config } = this.#node
    const rendered = renderUnlessLarge(config, this.scope)
    if (!rendered) return null
    const { value, isSmall } = rendered
    const masked = this.#maskedScope
    if (!masked) {
      return { value: isSmall ? deepFreeze(value) : value, shown: this.#recorded(value), isSmall }
    }
    const shown = renderUnlessLarge(config, masked)
    return (
      shown && {
        value: isSmall ? deepFreeze(value) : value,
        shown: this.#recorded(shown.value),
        isSmall: isSmall && shown.isSmall,
      }
    )
  }

  /** Makes a large config in the owner's turn, once there is memory for it. Nothing of it is kept while it waits for either. */
  async #makeLarge<T extends Made>(use: Use<T>, first: NeedsMemory | null): Promise<T | Failed> {
    const { run, signal } = this.#site
    const make = () => run.inTurn(signal, () => withPauses(this.#largePieces(use)))
    let made = first ?? (await make())
    while (needsMemory(made)) {
      const failure = await this.#memory.take(made.bytes, signal)
      if (failure) return { kind: 'failed', failure }
      made = await make()
    }
    return made
  }

  *#largePieces<T extends Made>(use: Use<T>): Pieces<T | NeedsMemory> {
    const { config } = this.#node
    const render = (scope: Scope) =>
      renderConfigPieces(config, { scope, total: new RenderTotal(CONFIG_LIMITS), meter: new Meter() })
    const value = yield* render(this.scope)
    const masked = this.#maskedScope
    const shown = masked ? yield* render(masked) : value
    return yield* use({ value, shown: this.#recorded(shown), isSmall: false })
  }

  *#recordPieces({ shown, isSmall }: Rendered): Pieces<{ readonly kind: 'recorded' }> {
    const { scrubber } = this.#site.run.secrets
    const text = isSmall ? shortConfigText(shown, scrubber) : null
    this.#record.configIs(text ?? (yield* recordedConfigPieces(shown, scrubber)))
    return { kind: 'recorded' }
  }

  /**
   * Copies a config that is not small by way of its text, so that its size is known and it shares no memory with anything else: a
   * text that is cut out of another one keeps the whole of that in memory.
   */
  *#attemptPieces(rendered: Rendered): Pieces<Filled | NeedsMemory> {
    const { block, body } = this.#node
    const { value, isSmall } = rendered
    if (isSmall) {
      yield* this.#recordPieces(rendered)
      return { kind: 'filled', filled: value, read: readConfig(block, value) }
    }
    const text = configTextOf(value)
    yield
    const size = jsonHeapSize(text)
    checkConfigHeap(size)
    if (!this.#memory.tryTake(size.heapBytes)) return { kind: 'needsMemory', bytes: size.heapBytes }
    yield
    yield* this.#recordPieces(rendered)
    yield
    const filled = JSON.parse(text) as Json
    yield
    if (body) yield* deepFreezePieces(filled)
    return { kind: 'filled', filled, read: readConfig(block, filled) }
  }

  /** What is wrong with the JSON Schemas that the filled config holds: templates may have made them. */
  async #schemaProblems(config: Json): Promise<readonly Issue[]> {
    const issues: Issue[] = []
    for (const field of this.#node.block.schemas) {
      const schema = isJsonObject(config) ? config[field] : undefined
      if (!isSchemaLike(schema)) continue
      const { answer } = await this.#site.run.schemas.compile(schema)
      if (answer.kind === 'refused') issues.push({ path: [field], message: `The schema ${answer.reason}.` })
    }
    return issues
  }

  /** What the recorded config is rendered with, in which secrets are masked whatever their values are (P7); null where none is read. */
  get #maskedScope(): GraphScope | null {
    const { config, secretNames } = this.#node
    if (secretNames.length === 0 || !readsFrom(config, 'secrets')) return null
    const known = Object.keys(this.#site.run.secrets.scope(secretNames))
    const secrets = Object.fromEntries(known.map((name) => [name, MASK]))
    return { ...this.#site.values.scope, secrets }
  }

  /** A loop's items are its input, not its config. */
  #recorded(shown: Json): Json {
    return this.#node.body && isJsonObject(shown) ? omit(shown, ['items', 'body']) : shown
  }

  /** What the node's `retryIf` says of a failure; true when it has none. */
  wantsRetry(failure: StepFailure, attempt: number): boolean {
    const { retryIf } = this.#node.retry
    const expression = retryIf === undefined ? undefined : this.#node.expressions.get(retryIf)
    if (!expression) return true
    const { code, message, retryable, details } = failure
    try {
      const error = { code, message, retryable, details: details ?? {} }
      return expression.evaluate({ ...this.scope, error, attempt }) === true
    } catch (fault) {
      if (fault instanceof ExpressionError) return false
      throw fault
    }
  }
}

/** Stops the rendering of a config that turns out to be large. */
const LARGE = new Error('the config is large')

/** Null: the value is large, or takes long to render. */
function renderUnlessLarge(
  config: PlanNode['config'],
  scope: Scope,
): { readonly value: Json; readonly isSmall: boolean } | null {
  const total = new RenderTotal(UNLESS_LARGE)
  const meter = new Meter()
  const startedAt = performance.now()
  const visits = () => EXPRESSION_MAX_VISITS - meter.left
  const onTemplate = () => {
    if (visits() > LARGE_VISITS || performance.now() - startedAt > PIECE_MS) throw LARGE
  }
  try {
    const value = renderConfig(config, { scope, total, meter, onTemplate })
    return { value, isSmall: total.roughBytes <= SMALL_BYTES && visits() <= SMALL_VISITS }
  } catch (thrown) {
    if (thrown === LARGE || thrown instanceof RenderedTooLargeError) return null
    throw thrown
  }
}

function needsMemory(made: Made | NeedsMemory): made is NeedsMemory {
  return made.kind === 'needsMemory'
}

/** Why no config can be made; throws a fault that is none of the definition or its secrets. */
function failureOf(fault: unknown): Failed {
  if (fault instanceof RenderedTooLargeError) return failed(CONFIG_TOO_LARGE, configTooLargeMessage(fault))
  // Besides expressions, a secret that is there and cannot be read.
  if (!(fault instanceof ExpressionError || fault instanceof LumeError)) throw fault
  return failed(fault.code, fault.message)
}

function invalid(issues: readonly Issue[]): Failed {
  const text = issuesText(issues, 'config')
  return failed('CONFIG_INVALID', `The config, filled in, does not fit the block: ${text}`)
}

function failed(code: string, message: string): Failed {
  return { kind: 'failed', failure: finalFailure(code, message) }
}

function omit(object: { readonly [key: string]: Json }, keys: readonly string[]): Json {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)))
}
