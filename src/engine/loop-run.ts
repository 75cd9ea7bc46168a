import { z } from 'zod'
import { followingController } from '../lib/abort.ts'
import type { Json } from '../lib/json.ts'
import { event } from './event.ts'
import type { Frame, GraphEnd, StepSite } from './frame.ts'
import type { EndedLoopItem } from './journal.ts'
import type { PlanNode } from './plan.ts'
import { RunStop } from './run-stop.ts'
import { itemPath, type RecordedError, type StepFailure } from './step.ts'

export const ON_ITEM_ERROR = ['fail', 'skip', 'collect'] as const

/** The config of a loop, its body aside: that is compiled into the plan. */
export const loopConfigSchema = z.strictObject({
  items: z
    .array(z.json())
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

/** E10: runs the body once per item, with one record per ended item. Items that are recorded already are not run again. */
export async function runLoop(node: PlanNode, site: StepSite, config: unknown): Promise<LoopEnd> {
  const loop = new LoopRun(node, site, loopConfigSchema.parse(config))
  return loop.run()
}

class LoopRun {
  readonly #node: PlanNode
  readonly #site: StepSite
  readonly #config: LoopConfig
  #next = 0
  #ended = 0
  #failure: RecordedError | null = null

  constructor(node: PlanNode, site: StepSite, config: LoopConfig) {
    this.#node = node
    this.#site = site
    this.#config = config
  }

  async run(): Promise<LoopEnd> {
    const { items, concurrency } = this.#config
    const { controller, unfollow } = followingController(this.#site.signal)
    const lanes = Array.from({ length: Math.min(concurrency, items.length) }, () => this.#lane(controller))
    try {
      await Promise.all(lanes)
    } finally {
      unfollow()
    }
    if (this.#site.signal.aborted) return { kind: 'stopped' }
    if (this.#failure) {
      const { code, message, path } = this.#failure
      return {
        kind: 'failed',
        failure: {
          code: 'LOOP_ITEM_FAILED',
          message: `${path}: ${message}`,
          retryable: false,
          details: { code, path: path ?? '' },
        },
      }
    }
    return { kind: 'completed', output: await this.#collect() }
  }

  /** Takes one item after the other until none is left or the loop stops. */
  async #lane(loop: AbortController): Promise<void> {
    const recorded = this.#site.run.request.recorded.items.get(this.#site.path)
    while (this.#next < this.#config.items.length && !loop.signal.aborted) {
      const index = this.#next++
      const status = recorded?.get(index)
      if (status === undefined) await this.#runItem(index, loop)
      else if (status === 'FAILED' && this.#config.onItemError === 'fail')
        this.#failure = await this.#recordedFailure(index)
      if (this.#failure) loop.abort(new RunStop({ kind: 'fail', error: this.#failure }))
      else this.#report()
    }
  }

  async #runItem(index: number, loop: AbortController): Promise<void> {
    const frame: Frame = {
      prefix: itemPath(this.#site.path, index),
      input: this.#config.items[index] ?? null,
      scope: { ...this.#site.scope, item: this.#config.items[index] ?? null, index },
      order: [...this.#site.order, index],
      signal: loop.signal,
    }
    const end = await this.#site.runBody(this.#body, frame)
    if (end.kind === 'stopped') return
    try {
      await this.#recordItem(index, end)
    } catch (fault) {
      if (RunStop.of(fault).stopCause.kind === 'fault') throw fault
    }
  }

  async #recordItem(index: number, end: Exclude<GraphEnd, { kind: 'stopped' }>): Promise<void> {
    const { path, run } = this.#site
    const at = run.ports.clock.now()
    const about = { path: itemPath(path, index), nodeId: this.#node.id, index }
    if (end.kind === 'completed') {
      const output = this.#config.output === 'none' ? null : JSON.stringify(end.output)
      await run.append(
        {
          events: [event('LOOP_ITEM_COMPLETED', at, about)],
          items: [{ path, index, status: 'COMPLETED', output, error: null, finishedAt: at }],
        },
        { endsStep: true },
      )
      return
    }
    const error = { ...end.error, path: end.error.path ?? about.path }
    await run.append(
      {
        events: [event('LOOP_ITEM_FAILED', at, { ...about, error })],
        items: [{ path, index, status: 'FAILED', output: null, error, finishedAt: at }],
      },
      { endsStep: true },
    )
    if (this.#config.onItemError === 'fail') this.#failure ??= error
  }

  #report(): void {
    this.#ended++
    const fraction = this.#ended / this.#config.items.length
    // The loop itself ends only when its output is recorded.
    if (this.#site.isTopLevel) this.#site.run.progress.report(this.#node.index, Math.min(fraction, 0.99))
  }

  async #collect(): Promise<Json> {
    const { items, output, onItemError } = this.#config
    if (output === 'none') return items.length
    const ended = items.length === 0 ? [] : await this.#site.run.loopItems(this.#site.path)
    switch (onItemError) {
      case 'fail':
        return ended.map((item) => item.output)
      case 'skip':
        return ended.filter(({ status }) => status === 'COMPLETED').map((item) => item.output)
      case 'collect':
        return ended.map(collected)
    }
  }

  async #recordedFailure(index: number): Promise<RecordedError> {
    const items = await this.#site.run.loopItems(this.#site.path)
    const item = items.find((ended) => ended.index === index)
    return (
      item?.error ?? {
        code: 'LOOP_ITEM_FAILED',
        message: 'The item failed.',
        path: itemPath(this.#site.path, index),
      }
    )
  }

  get #body() {
    if (!this.#node.body) throw new Error(`the node ${this.#node.id} is not a loop`)
    return this.#node.body
  }
}

function collected({ index, status, output, error }: EndedLoopItem): Json {
  return status === 'COMPLETED' ? { index, status, output } : { index, status, error }
}
