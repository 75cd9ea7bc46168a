import { z } from 'zod'
import { followingController, Slots } from '../../../lib/async/index.ts'
import { anyJson, deepFreeze, type Json } from '../../../lib/json/index.ts'
import { OUTPUT_MAX_BYTES, readLargeOutput } from '../../block/index.ts'
import type { PlanNode } from '../../definition/index.ts'
import { ReuseUndecidedError, type Reuse } from '../../fork/index.ts'
import {
  event,
  finalFailure,
  itemPath,
  type EndedLoopItem,
  type EventDraft,
  type JournalEntry,
  type LoopItemPart,
  type LoopItemRecord,
  type RecordedError,
  type StepFailure,
} from '../../record/index.ts'
import { ItemActivity, RunStop, type Activity, type GraphEnd, type StepSite } from '../context/index.ts'

/** Items that wait hold no lane; so many of them are open at most. */
const MAX_OPEN_ITEMS = 1_000

/** So many items that need not run again are recorded together. */
const TAKEN_AT_ONCE = 500

const TOO_MUCH_OUTPUT =
  `The outputs of the items have more than ${OUTPUT_MAX_BYTES} bytes together, which is the limit. ` +
  'Give the body an `output` that is smaller, or set `output: "none"` on the loop.'

const LOOP_ITEM_FAILED = 'LOOP_ITEM_FAILED'

export const ON_ITEM_ERROR = ['fail', 'skip', 'collect'] as const

/** The config of a loop, its body aside: that is compiled into the plan. */
export const loopConfigSchema = z.strictObject({
  items: z
    .array(anyJson())
    .max(100_000)
    .describe('One run of the body per item; in the body `item` and `index` name them.'),
  concurrency: z.int().min(1).max(100).default(5).describe('How many items may be in work at the same time.'),
  onItemError: z
    .enum(ON_ITEM_ERROR)
    .default('fail')
    .describe(
      '`fail`: the first failed item fails the loop. `skip`: left out of the output. `collect`: told in the output.',
    ),
  output: z
    .literal('none')
    .optional()
    .describe('"none": keep no outputs; the loop’s output is the number of its items.'),
  body: z.looseObject({}).describe('The graph to run per item: `{ nodes, edges, output }`.'),
})
type LoopConfig = z.output<typeof loopConfigSchema>

type LoopEnd =
  | { readonly kind: 'completed'; readonly output: Json }
  | { readonly kind: 'failed'; readonly failure: StepFailure }
  | { readonly kind: 'stopped' }

/**
 * E10: runs the body once per item, with one record per ended item. Items that are recorded already are not run again.
 * The config is parsed by the loop's own schema.
 */
export async function runLoop(node: PlanNode, site: StepSite, config: unknown): Promise<LoopEnd> {
  const loop = new LoopRun(node, site, config as LoopConfig)
  return loop.run()
}

class LoopRun {
  readonly #node: PlanNode
  readonly #site: StepSite
  readonly #config: LoopConfig
  /** The ends of items on record. */
  #recorded: ReadonlyMap<number, 'COMPLETED' | 'FAILED'>
  #ended = 0
  /** The number of items whose ends are noted and not committed yet. */
  #owed = 0
  #failure: RecordedError | null = null
  /** The characters of JSON of what `collect` reads, of the items that ended here. */
  #collectedLength = 0

  constructor(node: PlanNode, site: StepSite, config: LoopConfig) {
    this.#node = node
    this.#site = site
    this.#config = config
    this.#recorded = site.run.request.recorded.items.get(site.path) ?? new Map()
    deepFreeze(config.items)
  }

  async run(): Promise<LoopEnd> {
    this.#failure = await this.#recordedFailure()
    const { reuse } = this.#site.run
    if (!this.#failure && reuse) {
      const undecided = await this.#takeOverItems(reuse)
      if (undecided) return { kind: 'failed', failure: undecided }
    }
    if (!this.#failure) await this.#site.activity.waitFor(this.#runItems())
    if (this.#site.signal.aborted) return { kind: 'stopped' }
    if (this.#failure) {
      const { code, message, path = '' } = this.#failure
      return {
        kind: 'failed',
        failure: finalFailure(LOOP_ITEM_FAILED, `${path}: ${message}`, { code, path }),
      }
    }
    if (await this.#isTooMuch())
      return { kind: 'failed', failure: finalFailure('OUTPUT_TOO_LARGE', TOO_MUCH_OUTPUT) }
    return { kind: 'completed', output: await this.#collect() }
  }

  /**
   * A retry: items that would go the same way as before are recorded as they ended then, without being run. Returns why it is
   * impossible to find out which these are; null on success.
   */
  async #takeOverItems(reuse: Reuse): Promise<StepFailure | null> {
    const { run, path, order, signal } = this.#site
    const { scope } = this.#site.values
    let reusable: ReadonlyMap<number, string>
    try {
      const loop = { node: this.#node, path, order, signal, scope }
      reusable = await reuse.reusableItems(loop, this.#config.items)
    } catch (thrown) {
      if (thrown instanceof ReuseUndecidedError) return thrown.failure
      throw thrown
    }
    const taken = [...reusable].filter(([index]) => !this.#recorded.has(index))
    const at = run.ports.clock.now()
    for (let done = 0; done < taken.length; done += TAKEN_AT_ONCE) {
      const some = taken.slice(done, done + TAKEN_AT_ONCE)
      const events = some.map(([index]) =>
        event('LOOP_ITEM_COMPLETED', at, {
          path: itemPath(path, index),
          nodeId: this.#node.id,
          index,
          reused: true,
        }),
      )
      const items = some.map(([index, reusedFrom]): LoopItemRecord => {
        const ended = { status: 'COMPLETED', output: null, error: null, reusedFrom, finishedAt: at } as const
        return { path, order: [...order, index], index, ...ended }
      })
      await run.commit({ events, items }, { endsStep: true })
    }
    this.#recorded = new Map([...this.#recorded, ...taken.map(([index]) => [index, 'COMPLETED'] as const)])
    return null
  }

  /** Starts one item after the other, as places allow, until none is left or the loop stops; resolves when all have ended. */
  async #runItems(): Promise<void> {
    const { items, concurrency } = this.#config
    const { run, activity, signal } = this.#site
    const { controller: loop, unfollow } = followingController(signal)
    const lanes = new Slots(concurrency)
    const places = new Slots(MAX_OPEN_ITEMS)
    const open = new Set<Promise<void>>()
    for (const index of items.keys()) {
      if (this.#recorded.has(index)) {
        this.#report()
        continue
      }
      const turn = run.yieldIfOver(activity)
      if (turn) await turn
      const order = [index]
      const takeLane = () => lanes.acquire(order, loop.signal)
      const leave = await places.acquire(order, loop.signal).catch(ignoreStop)
      const lane = leave && (await takeLane().catch(ignoreStop))
      if (!lane || loop.signal.aborted) break
      const ownActivity = new ItemActivity({ outer: activity, lane, takeLane })
      const ended = this.#runItem(index, { loop, activity: ownActivity }).then(() => {
        ownActivity.close()
        leave()
        open.delete(ended)
      })
      open.add(ended)
    }
    await Promise.all(open)
    unfollow()
  }

  async #runItem(
    index: number,
    { loop, activity }: { loop: AbortController; activity: Activity },
  ): Promise<void> {
    const item = this.#config.items[index] ?? null
    try {
      const end = await this.#site.runBody(this.#body, {
        prefix: itemPath(this.#site.path, index),
        input: item,
        scope: { ...this.#site.values.scope, item, index },
        order: [...this.#site.order, index],
        // Items do not follow from each other.
        follows: this.#site.follows,
        signal: loop.signal,
        activity,
      })
      if (end.kind === 'stopped') return
      const close = activity.openWork()
      await this.#recordItem(index, end).finally(close)
      if (this.#failure) loop.abort(new RunStop({ kind: 'fail', error: this.#failure }))
    } catch (fault) {
      this.#site.run.stop(RunStop.of(fault))
    }
  }

  async #recordItem(index: number, end: Exclude<GraphEnd, { kind: 'stopped' }>): Promise<void> {
    const { path, order, run } = this.#site
    // Before the end is recorded, so that its own event shows the progress that it makes.
    this.#report()
    const at = run.ports.clock.now()
    const about = { path: itemPath(path, index), nodeId: this.#node.id, index }
    // A step that a lost worker left open in an item that has failed meanwhile.
    const cut = run.steps.closeInside(`${about.path}/`, at)
    const record = (ended: EventDraft, item: Pick<LoopItemRecord, 'status' | 'output' | 'error'>) =>
      this.#note({
        events: [...cut.events, ended],
        steps: cut.steps,
        items: [{ path, order: [...order, index], index, ...item, reusedFrom: null, finishedAt: at }],
      })
    const read = end.kind === 'completed' ? await this.#readOutput(end.output) : end.error
    if (typeof read === 'string' || read === null) {
      this.#collectedLength += read?.length ?? 0
      const ended = event('LOOP_ITEM_COMPLETED', at, about)
      return record(ended, { status: 'COMPLETED', output: read, error: null })
    }
    const error = { ...read, path: read.path ?? about.path }
    if (this.#config.onItemError === 'collect') this.#collectedLength += JSON.stringify(error).length
    const ended = event('LOOP_ITEM_FAILED', at, { ...about, error })
    await record(ended, { status: 'FAILED', output: null, error })
    if (this.#config.onItemError === 'fail') this.#failure ??= error
  }

  /** Waits for the commit while the ends of more than `concurrency` items are owed: a crash repeats no more than these. */
  async #note(entry: Omit<JournalEntry, 'job'>): Promise<void> {
    const { run } = this.#site
    const { isStored } = await run.noteValues(entry, { endsStep: true })
    if (isStored === true) return
    this.#owed++
    isStored.onDecided(() => this.#owed--)
    if (this.#owed > this.#config.concurrency) await run.barrier()
  }

  /** The text to record of an item's output, or why there is none. */
  async #readOutput(output: Json): Promise<string | null | RecordedError> {
    if (this.#config.output === 'none') return null
    const { scrubber } = this.#site.run.secrets
    const read = await readLargeOutput(output, {
      hint: 'Give the body an `output` that is smaller.',
      scrubber,
    })
    return read.kind === 'output' ? read.text : { code: read.code, message: read.message }
  }

  #report(): void {
    this.#ended++
    const fraction = this.#ended / this.#config.items.length
    if (this.#site.isTopLevel) this.#site.run.reportProgress(this.#node.index, fraction)
  }

  /** Whether the items' outputs are more than the loop's own may be: then they are not read. */
  async #isTooMuch(): Promise<boolean> {
    if (this.#config.output === 'none') return false
    if (this.#collectedLength > OUTPUT_MAX_BYTES) return true
    // What ended elsewhere has to be asked for.
    if (this.#recorded.size === 0) return false
    return (await this.#site.run.loopItemsBytes(this.#site.path, this.#collects)) > OUTPUT_MAX_BYTES
  }

  get #collects(): LoopItemPart {
    return this.#config.onItemError === 'collect' ? 'both' : 'outputs'
  }

  async #collect(): Promise<Json> {
    const { items, output, onItemError } = this.#config
    if (output === 'none') return items.length
    const { run, path } = this.#site
    const ended = items.length === 0 ? [] : await run.loopItems(path, this.#collects)
    switch (onItemError) {
      case 'fail':
        return ended.map((item) => item.output)
      case 'skip':
        return ended.filter(({ status }) => status === 'COMPLETED').map((item) => item.output)
      case 'collect':
        return ended.map(collected)
    }
  }

  /** The failure on record that fails the loop, if there is one: then nothing of it is run again. */
  async #recordedFailure(): Promise<RecordedError | null> {
    if (this.#config.onItemError !== 'fail') return null
    if (![...this.#recorded.values()].includes('FAILED')) return null
    const items = await this.#site.run.loopItems(this.#site.path, 'errors')
    return items.find(({ status }) => status === 'FAILED')?.error ?? null
  }

  get #body() {
    if (!this.#node.body) throw new Error(`the node ${this.#node.id} is not a loop`)
    return this.#node.body
  }
}

/** The loop has stopped: its signal tells why. */
function ignoreStop(): null {
  return null
}

function collected({ index, status, output, error }: EndedLoopItem): Json {
  return status === 'COMPLETED' ? { index, status, output } : { index, status, error }
}
