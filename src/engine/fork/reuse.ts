import { ExpressionError, Meter, type Scope } from '../../cel/index.ts'
import { Slots } from '../../lib/async/index.ts'
import { isJsonObject, jsonHeapSize, sameJson, type Json } from '../../lib/json/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import { yieldToEventLoop } from '../../lib/turns/index.ts'
import { CONFIG_LIMITS, RenderedTooLargeError, RenderTotal } from '../block/index.ts'
import { inNode, inTemplate, renderConfig, type PlanNode } from '../definition/index.ts'
import { AttemptMemory, MEMORY_BUDGET_EXCEEDED, type ExecutionMemory } from '../memory/index.ts'
import { finalFailure, type RecordedState, type StepFailure } from '../record/index.ts'
import type { Original, OriginalLoop, OriginalStep } from './original.ts'
import { evaluateTheSame, readsTheSame, valueAt, type SourceReads } from './reads.ts'

/** A step as a retry has reached it, before its first attempt. */
export interface ReachedStep {
  readonly node: PlanNode
  readonly path: string
  readonly order: readonly number[]
  /** Aborts the comparison. */
  readonly signal: AbortSignal
  /** The steps whose outputs made the input. */
  readonly inputFrom: readonly string[]
  readonly input: Json
  readonly scope: Scope
  /** Filled in. */
  readonly config: Json
  /** The same as it is recorded. */
  readonly configText: string
}

export type ReachedLoop = Pick<ReachedStep, 'node' | 'path' | 'order' | 'signal' | 'scope'>

/** The values to compare do not fit into memory. */
export class ReuseUndecidedError extends Error {
  override readonly name = 'ReuseUndecidedError'
  readonly failure: StepFailure

  constructor(failure: StepFailure) {
    super(failure.message)
    this.failure = failure
  }
}

export interface ReuseOptions {
  readonly original: Original
  readonly recorded: Pick<RecordedState, 'steps'>
  /** For the value that is being compared. */
  readonly memory: ExecutionMemory
  readonly clock: Pick<Clock, 'after'>
}

/** Names that expressions read without any output. */
const FREE_NAMES: readonly string[] = ['input', 'variables', 'execution', 'secrets']

/** A comparison of more bytes gives the thread to others in between. */
const LARGE_HEAP_BYTES = 1024 * 1024

/**
 * Decides which steps and loop items of the source execution stand for those that a retry reaches. An output that was taken
 * over is the same as before without a look at it. Other outputs are read from the source execution one at a time, compared
 * within the memory budget, and let go.
 */
export class Reuse {
  readonly #original: Original
  readonly #memory: ExecutionMemory
  readonly #clock: Pick<Clock, 'after'>
  /** Steps whose outputs are those of the source execution. */
  readonly #taken: Set<string>
  readonly #comparing = new Slots(1)
  #small: ReturnType<Original['values']['small']> | null = null

  constructor({ original, recorded, memory, clock }: ReuseOptions) {
    this.#original = original
    this.#memory = memory
    this.#clock = clock
    const taken = [...recorded.steps.values()].filter(
      ({ status, reusedFrom }) => status === 'COMPLETED' && reusedFrom !== null,
    )
    this.#taken = new Set(taken.map(({ path }) => path))
  }

  /** The source execution's state of a step. */
  stepBefore(path: string): OriginalStep | undefined {
    return this.#original.steps.get(path)
  }

  /** The step's output is the one that the source execution recorded. */
  noteTaken(path: string): void {
    this.#taken.add(path)
  }

  /** An output of the source execution as JSON text, if it is small; undefined: it is read when it is needed. */
  async smallOutput(path: string): Promise<string | undefined> {
    return (await this.#smallValues()).outputs.get(path)
  }

  /** Whether the call that a step is about to make is the one of the source execution. */
  async isSameCall(
    before: Extract<OriginalStep, { kind: 'completed' | 'unknown' }>,
    step: ReachedStep,
  ): Promise<boolean> {
    const { path, inputFrom } = before
    const text = await this.#configText(path)
    if (text !== step.configText && !sameJson(JSON.parse(text) as Json, JSON.parse(step.configText) as Json))
      return false
    return inputFrom === null || this.#isSameInput(inputFrom, step)
  }

  /** Whether a completed step of the source execution stands for the one that was reached: its call would be the same. */
  async isReusable(
    before: Extract<OriginalStep, { kind: 'completed' }>,
    step: ReachedStep,
  ): Promise<boolean> {
    if (!(await this.isSameCall(before, step))) return false
    if (!(await readsTheSame(step.node, this.#readsFor(step), step.scope))) return false
    if (!step.node.body) return true
    const loop = this.#original.loops.get(step.path)
    if (!loop?.before) return false
    if (await this.#makesTheSameItems(loop, step)) return true
    const items = isJsonObject(step.config) ? step.config.items : undefined
    return this.#withItems(
      loop.before,
      step,
      (itemsBefore) => itemsBefore !== null && sameJson(itemsBefore, items),
    )
  }

  /** The items of a loop that need not run again, with the execution that holds each one's output. */
  async reusableItems(loop: ReachedLoop, items: readonly Json[]): Promise<ReadonlyMap<number, string>> {
    const before = this.#original.loops.get(loop.path)
    if (!before?.before || before.completed.size === 0) return new Map()
    if (!(await readsTheSame(loop.node, this.#readsFor(loop), loop.scope))) return new Map()
    const reusable = (isSame: (index: number) => boolean) =>
      new Map([...before.completed].filter(([index]) => index < items.length && isSame(index)))
    if (await this.#makesTheSameItems(before, loop)) return reusable(() => true)
    return this.#withItems(before.before, loop, (itemsBefore) =>
      itemsBefore
        ? reusable((index) => sameJson(itemsBefore[index], items[index]))
        : new Map<number, string>(),
    )
  }

  /** Whether a step can be compared with the completed one without the outputs that it reads: they were taken over. */
  needsNoOutput(
    { inputFrom }: Extract<OriginalStep, { kind: 'completed' }>,
    step: Pick<ReachedStep, 'node' | 'inputFrom'>,
  ): boolean {
    if (step.node.body || !this.#isTakenInput(inputFrom, step.inputFrom)) return false
    for (const { references } of inNode(step.node)) {
      if (references.some(({ path: [root = ''] }) => !FREE_NAMES.includes(root))) return false
    }
    return true
  }

  /** Whether an input is made of the same steps as before, all of which were taken over. */
  #isTakenInput(before: readonly string[], now: readonly string[]): boolean {
    if (before.length === 0 || before.length !== now.length) return false
    return before.every((path) => now.includes(path) && this.#taken.has(path))
  }

  /** E3, compared by where the input comes from as far as possible. */
  async #isSameInput(before: readonly string[], step: ReachedStep): Promise<boolean> {
    const { input, inputFrom } = step
    const [first] = before
    if (first === undefined) return sameJson(this.#original.scope.input, input)
    if (this.#isTakenInput(before, inputFrom)) return true
    if (before.length === 1) return this.#isSamePart(first, { part: [], now: input, step })
    if (!isJsonObject(input) || Object.keys(input).length !== before.length) return false
    const isByStep = inputFrom.length > 1
    for (const path of before) {
      if (!Object.hasOwn(input, path)) return false
      if (isByStep && inputFrom.includes(path) && this.#taken.has(path)) continue
      if (!(await this.#isSamePart(path, { part: [], now: input[path], step }))) return false
    }
    return true
  }

  #readsFor(step: ReachedLoop): SourceReads {
    const { scope, readable } = this.#original
    return {
      scope,
      readable,
      isSamePart: (path, part, now) => {
        const isHere = isJsonObject(step.scope.nodes) && Object.hasOwn(step.scope.nodes, path)
        return (isHere && this.#taken.has(path)) || this.#isSamePart(path, { part, now, step })
      },
    }
  }

  /** Reads one output of the source execution, compares a part of it, and lets it go. */
  async #isSamePart(
    path: string,
    {
      part,
      now,
      step,
    }: {
      readonly part: readonly string[]
      readonly now: Json | undefined
      readonly step: Pick<ReachedStep, 'order' | 'signal'>
    },
  ): Promise<boolean> {
    return this.#alone(step, async (memory) => {
      const text = await this.#outputText(path)
      step.signal.throwIfAborted()
      await memory.claim(jsonHeapSize(text).heapBytes)
      const isLarge = text.length > LARGE_HEAP_BYTES
      if (isLarge) await yieldToEventLoop()
      const value = JSON.parse(text) as Json
      if (isLarge) await yieldToEventLoop()
      return sameJson(valueAt(value, part), now)
    })
  }

  /**
   * Whether a loop's items are made of what did not change, by the same config. Compares no values of outputs: then it is as
   * well to make the items again.
   */
  async #makesTheSameItems({ isSame }: OriginalLoop, step: ReachedLoop): Promise<boolean> {
    if (!isSame) return false
    const reads = this.#readsFor(step)
    const takenOnly = { ...reads, isSamePart: (path: string) => this.#taken.has(path) }
    return evaluateTheSame(inTemplate(step.node.config), takenOnly, step.scope)
  }

  /**
   * A loop's items are not recorded: they are made again, of what the loop saw, and let go after `use`. Null where they cannot
   * be made any more. Throws `ReuseUndecidedError` where the outputs that they are made of do not fit into memory.
   */
  async #withItems<T>(
    node: PlanNode,
    step: ReachedLoop,
    use: (items: readonly Json[] | null) => T,
  ): Promise<T> {
    return this.#alone(step, async (memory) => {
      const texts = new Map<string, string>()
      let bytes = 0
      for (const path of this.#readBy(node)) {
        const text = await this.#outputText(path)
        step.signal.throwIfAborted()
        bytes += jsonHeapSize(text).heapBytes
        if (texts.size > 0 && bytes > this.#memory.maxBytes)
          throw tooMuchToCompare(bytes, this.#memory.maxBytes)
        texts.set(path, text)
      }
      await memory.claim(bytes)
      // Without a prototype: a node may be called `__proto__`.
      const nodes = Object.create(null) as { [id: string]: Json }
      for (const [path, text] of texts) {
        if (text.length > LARGE_HEAP_BYTES) await yieldToEventLoop()
        nodes[path] = { output: JSON.parse(text) as Json }
      }
      return use(itemsOf(node, { ...this.#original.scope, nodes }))
    })
  }

  /** The steps whose outputs a node's config reads. */
  #readBy({ config }: PlanNode): ReadonlySet<string> {
    const { readable } = this.#original
    const read = new Set<string>()
    for (const { references } of inTemplate(config)) {
      for (const { path } of references) {
        const [root, step] = path
        if (root !== 'nodes') continue
        if (step === undefined) return readable
        if (readable.has(step)) read.add(step)
      }
    }
    return read
  }

  /** One comparison of a run at a time holds a value of the source execution. */
  async #alone<T>(
    { order, signal }: Pick<ReachedStep, 'order' | 'signal'>,
    compare: (memory: AttemptMemory) => Promise<T>,
  ): Promise<T> {
    const release = await this.#comparing.acquire(order, signal)
    const memory = new AttemptMemory(this.#memory, { clock: this.#clock, signal })
    try {
      return await compare(memory)
    } finally {
      memory.close()
      release()
    }
  }

  async #outputText(path: string): Promise<string> {
    const small = await this.smallOutput(path)
    return small ?? (await this.#original.values.outputs([path])).get(path) ?? 'null'
  }

  async #configText(path: string): Promise<string> {
    const small = (await this.#smallValues()).configs.get(path)
    return small ?? (await this.#original.values.configs([path])).get(path) ?? 'null'
  }

  #smallValues(): ReturnType<Original['values']['small']> {
    return (this.#small ??= this.#original.values.small())
  }
}

function tooMuchToCompare(bytes: number, maxBytes: number): ReuseUndecidedError {
  return new ReuseUndecidedError(
    finalFailure(
      MEMORY_BUDGET_EXCEEDED,
      `To find the loop's items that need not run again, outputs of the retried execution are needed that take more than ${bytes} bytes of ` +
        `memory together; ${maxBytes} are allowed. Retry from the loop, so that all of its items run again, or give the process a larger heap.`,
    ),
  )
}

function itemsOf(node: PlanNode, scope: Scope): readonly Json[] | null {
  try {
    const config = renderConfig(node.config, {
      scope,
      total: new RenderTotal(CONFIG_LIMITS),
      meter: new Meter(),
    })
    const items = isJsonObject(config) ? config.items : null
    return Array.isArray(items) ? (items as readonly Json[]) : null
  } catch (fault) {
    if (fault instanceof ExpressionError || fault instanceof RenderedTooLargeError) return null
    throw fault
  }
}
