import { ExpressionError, Meter } from '../../cel/index.ts'
import { followingController, type FollowingController } from '../../lib/async/index.ts'
import type { Json } from '../../lib/json/index.ts'
import { inPieces } from '../../lib/turns/index.ts'
import { ERROR_HANDLE, RENDERED_OUTPUT_LIMITS, RenderedTooLargeError, RenderTotal } from '../block/index.ts'
import {
  readsOf,
  renderConfigPieces,
  type GraphReads,
  type PlanGraph,
  type PlanNode,
} from '../definition/index.ts'
import {
  endedUnbegun,
  event,
  recordedError,
  stepPath,
  type RecordedError,
  type StepFailure,
} from '../record/index.ts'
import { Frontier, type Advance } from './advance.ts'
import {
  recordedEnd,
  RunStop,
  StepValues,
  type Frame,
  type GraphEnd,
  type GraphScope,
  type RunContext,
  type StepEnd,
  type StepSite,
} from './context/index.ts'
import { runStep } from './step/index.ts'

/** Runs one graph to its end: starts what is ready, skips what is dead, and stops the rest when a step fails it (E1–E5). */
export async function runGraph(graph: PlanGraph, frame: Frame, run: RunContext): Promise<GraphEnd> {
  return new GraphRun(graph, frame, run).end
}

const NOTHING: Advance = { ready: [], skipped: [] }

class GraphRun {
  readonly end: Promise<GraphEnd>
  readonly #graph: PlanGraph
  readonly #frame: Frame
  readonly #run: RunContext
  readonly #frontier: Frontier
  readonly #siblings: FollowingController
  readonly #reads: GraphReads
  /** By node: how many readers of its output have not ended. */
  readonly #readersLeft: number[]
  /** The nodes that have an output. */
  readonly #reached = new Set<number>()
  /** The nodes that failed and continue. An error itself is in the output of its node, if the node is left by its error handle. */
  readonly #failed = new Set<number>()
  /** Nodes that are ready and have not started, the first one last. They count as running. */
  #toStart: number[] = []
  #running = 0
  /** A step of this graph was cut off. */
  #isCut = false
  readonly #runBody = (body: PlanGraph, frame: Frame) => runGraph(body, frame, this.#run)
  #finish: (end: GraphEnd) => void = () => {}
  #break: (fault: unknown) => void = () => {}

  constructor(graph: PlanGraph, frame: Frame, run: RunContext) {
    this.#graph = graph
    this.#frame = frame
    this.#run = run
    this.#reads = readsOf(graph)
    this.#readersLeft = [...this.#reads.readers]
    this.#frontier = new Frontier(graph)
    this.#siblings = followingController(frame.signal)
    this.end = new Promise<GraphEnd>((resolve, reject) => {
      this.#finish = resolve
      this.#break = reject
    }).finally(() => {
      for (const index of this.#reached) run.outputs.forget(this.#pathOf(index))
    })
    this.#advance(this.#frontier.start())
    this.#checkEnd()
  }

  /** Ends on record are settled before anything starts: one of them may be what stops the rest. */
  #advance(first: Advance): void {
    const toStart: number[] = []
    const decided = [first]
    for (let next = decided.pop(); next; next = decided.pop()) {
      for (const index of next.skipped) this.#skip(this.#node(index))
      for (const index of next.ready) {
        const recorded = this.#run.request.recorded.steps.get(this.#pathOf(index))
        const end = recordedEnd(recorded)
        if (end) decided.push(this.#settle(this.#node(index), end))
        else toStart.push(index)
      }
    }
    if (toStart.length > 0) this.#startAll(toStart)
  }

  /** E4: what is ready starts in the definition's order, also where the starts take more than one turn of the event loop. */
  #startAll(indexes: readonly number[]): void {
    this.#running += indexes.length
    const isStarting = this.#toStart.length > 0
    this.#toStart = [...this.#toStart, ...indexes].sort((a, b) => b - a)
    if (!isStarting) this.#startReady()
  }

  #startReady(): void {
    for (let index = this.#toStart.pop(); index !== undefined; index = this.#toStart.pop()) {
      this.#start(this.#node(index))
      const turn = this.#toStart.length > 0 ? this.#run.yieldIfOver(this.#frame.activity) : null
      if (turn) return void turn.then(() => this.#startRest()).catch((fault: unknown) => this.#break(fault))
    }
  }

  #startRest(): void {
    this.#startReady()
    // The graph may have been stopped meanwhile: then nothing started.
    this.#checkEnd()
  }

  #start(node: PlanNode): void {
    if (this.#siblings.controller.signal.aborted) {
      this.#running--
      return
    }
    const predecessors = this.#frontier.livePredecessors(node.index)
    const failedBefore = node.incoming.find(
      ({ source, handle }) => handle === ERROR_HANDLE && this.#failed.has(source),
    )
    const reads = (this.#reads.byNode[node.index] ?? []).filter((index) => this.#reached.has(index))
    const values = new StepValues({
      outputs: this.#run.outputs,
      paths: reads.map((index) => this.#pathOf(index)),
      make: {
        input: () => this.#inputOf(predecessors),
        scope: () => {
          const scope = this.#scopeOf(reads)
          const error = failedBefore && this.#errorOf(failedBefore.source)
          return error ? { ...scope, error } : scope
        },
      },
      closed: { input: null, scope: this.#frame.scope },
    })
    const site: StepSite = {
      path: this.#pathOf(node.index),
      values,
      inputFrom: predecessors.map((index) => this.#pathOf(index)),
      order: [...this.#frame.order, node.index],
      follows: node.incoming.length === 0 ? this.#frame.follows : this.#run.newestNote,
      isTopLevel: this.#isTopLevel,
      signal: this.#siblings.controller.signal,
      activity: this.#frame.activity,
      run: this.#run,
      runBody: this.#runBody,
    }
    runStep(node, site).then(
      (end) => this.#hasEnded(node, end),
      (fault: unknown) => this.#hasFailed(fault),
    )
  }

  #hasEnded(node: PlanNode, end: StepEnd): void {
    try {
      this.#advance(this.#settle(node, end))
    } catch (fault) {
      return this.#hasFailed(fault)
    }
    this.#leave()
  }

  #hasFailed(fault: unknown): void {
    this.#run.stop(RunStop.of(fault))
    this.#leave()
  }

  /** A step is over. */
  #leave(): void {
    try {
      this.#running--
      this.#checkEnd()
    } catch (fault) {
      this.#break(fault)
    }
  }

  #settle(node: PlanNode, end: StepEnd): Advance {
    switch (end.kind) {
      case 'completed':
        this.#reached.add(node.index)
        this.#run.outputs.put(this.#pathOf(node.index), end.output)
        if (this.#readersLeft[node.index] === 0) this.#run.outputs.forget(this.#pathOf(node.index))
        this.#hasRead(node.index)
        if (end.hasFailed) this.#failed.add(node.index)
        if (this.#isTopLevel) this.#run.progress.report(node.index, 1)
        return this.#frontier.settle(node.index, end.handles)
      case 'failed':
        this.#siblings.controller.abort(new RunStop({ kind: 'fail', error: end.error }))
        return NOTHING
      case 'stopped':
        this.#isCut = true
        return NOTHING
    }
  }

  /** A node reads nothing any more: what it was the last to read is forgotten. */
  #hasRead(reader: number): void {
    for (const index of this.#reads.byNode[reader] ?? []) {
      const left = (this.#readersLeft[index] ?? 0) - 1
      this.#readersLeft[index] = left
      if (left === 0) this.#run.outputs.forget(this.#pathOf(index))
    }
  }

  #skip(node: PlanNode): void {
    this.#hasRead(node.index)
    if (!this.#isTopLevel) return
    const { id, index } = node
    this.#run.progress.report(index, 1)
    if (this.#run.request.recorded.steps.has(id)) return
    const at = this.#run.ports.clock.now()
    this.#run.note({
      events: [event('STEP_SKIPPED', at, { path: id, nodeId: id, attempt: 0 })],
      steps: [endedUnbegun({ id, order: [index] }, 'SKIPPED', at)],
    })
  }

  #checkEnd(): void {
    if (this.#running > 0) return
    this.#siblings.unfollow()
    const { aborted, reason } = this.#siblings.controller.signal
    if (this.#isCut && !aborted) {
      // A step was canceled by a worker that is lost now, and what made it do so is not true any more.
      this.#run.stop(RunStop.of(new Error('a step was canceled although its execution goes on')))
    }
    if (this.#frame.signal.aborted) return this.#finish({ kind: 'stopped' })
    if (aborted) {
      const error = (reason as RunStop).error
      return error ? this.#finish({ kind: 'failed', error }) : this.#finish({ kind: 'stopped' })
    }
    this.#render().then(this.#finish, this.#break)
  }

  async #render(): Promise<GraphEnd> {
    const reads = this.#reads.byOutput.filter((index) => this.#reached.has(index))
    const paths = reads.map((index) => this.#pathOf(index))
    const { signal } = this.#frame
    let failure: StepFailure | null
    try {
      failure = await this.#run.outputs.pin(paths, signal)
    } catch (fault) {
      if (signal.aborted) return { kind: 'stopped' }
      throw fault
    }
    if (failure) return { kind: 'failed', error: recordedError(failure) }
    try {
      return signal.aborted ? { kind: 'stopped' } : await this.#made(reads)
    } finally {
      this.#run.outputs.unpin(paths)
    }
  }

  async #made(reads: readonly number[]): Promise<GraphEnd> {
    if (this.#graph.output === null) return { kind: 'completed', output: this.#leafOutputs() }
    try {
      const total = new RenderTotal(RENDERED_OUTPUT_LIMITS)
      const context = { scope: this.#scopeOf(reads), total, meter: new Meter() }
      return {
        kind: 'completed',
        output: await inPieces(renderConfigPieces(this.#graph.output, context)),
      }
    } catch (fault) {
      if (fault instanceof RenderedTooLargeError) {
        const message = `The output could not be made: counted up to the value at "${fault.pointer}", it ${fault.reason}. Let it be made of less.`
        return { kind: 'failed', error: { code: 'OUTPUT_TOO_LARGE', message } }
      }
      if (!(fault instanceof ExpressionError)) throw fault
      return {
        kind: 'failed',
        error: { code: fault.code, message: `The output could not be made: ${fault.message}` },
      }
    }
  }

  #leafOutputs(): Json {
    const leaves = this.#graph.nodes.filter(({ outgoing }) => outgoing.length === 0)
    const [first] = leaves
    if (first && leaves.length === 1) return this.#outputOf(first.index)
    const reached = leaves.filter(({ index }) => this.#reached.has(index))
    return Object.fromEntries(reached.map(({ id, index }) => [id, this.#outputOf(index)]))
  }

  /** E3. */
  #inputOf(predecessors: readonly number[]): Json {
    const [first] = predecessors
    if (first === undefined) return this.#frame.input
    if (predecessors.length === 1) return this.#outputOf(first)
    return Object.freeze(
      Object.fromEntries(predecessors.map((index) => [this.#node(index).id, this.#outputOf(index)])),
    )
  }

  #outputOf(index: number): Json {
    return this.#run.outputs.value(this.#pathOf(index))
  }

  /** Why a node failed that is left by its error handle. */
  #errorOf(index: number): RecordedError | undefined {
    const output = this.#outputOf(index) as { readonly error?: RecordedError } | null
    return output?.error
  }

  /** What expressions see that read the outputs of these nodes, and of the graphs around this one. */
  #scopeOf(reads: readonly number[]): GraphScope {
    // Without a prototype: a node may be called `__proto__`.
    const nodes = Object.assign(Object.create(null) as { [id: string]: Json }, this.#frame.scope.nodes)
    for (const index of reads) nodes[this.#node(index).id] = { output: this.#outputOf(index) }
    return { ...this.#frame.scope, nodes }
  }

  #pathOf(index: number): string {
    return stepPath(this.#frame.prefix, this.#node(index).id)
  }

  get #isTopLevel(): boolean {
    return this.#frame.prefix === ''
  }

  #node(index: number): PlanNode {
    const node = this.#graph.nodes[index]
    if (!node) throw new Error(`the plan has no node ${index}`)
    return node
  }
}
