import { followingController, type FollowingController } from '../lib/abort.ts'
import type { Json } from '../lib/json.ts'
import { Frontier, type Advance } from './advance.ts'
import { ERROR_HANDLE } from './block.ts'
import { renderConfig } from './config-template.ts'
import { event } from './event.ts'
import { ExpressionError } from './expression.ts'
import type { Frame, GraphEnd, GraphScope } from './frame.ts'
import { recordedBytes, type OutputBudget } from './output-budget.ts'
import type { PlanGraph, PlanNode } from './plan.ts'
import { recordedEnd, type StepEnd } from './recorded-end.ts'
import { endedUnbegun } from './recorded-steps.ts'
import type { RunContext } from './run-context.ts'
import { RunStop } from './run-stop.ts'
import { runStep } from './step-run.ts'
import { stepPath, type RecordedError } from './step.ts'

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
  readonly #outputs = new Map<number, Json>()
  readonly #budget: OutputBudget
  readonly #errors = new Map<number, RecordedError>()
  readonly #scope: GraphScope & { readonly nodes: { [id: string]: Json } }
  #running = 0
  /** A step of this graph was cut off. */
  #isCut = false
  #finish: (end: GraphEnd) => void = () => {}
  #break: (fault: unknown) => void = () => {}

  constructor(graph: PlanGraph, frame: Frame, run: RunContext) {
    this.#graph = graph
    this.#frame = frame
    this.#run = run
    this.#budget = this.#isTopLevel ? run.outputs : run.outputs.part()
    this.#frontier = new Frontier(graph)
    this.#siblings = followingController(frame.signal)
    // Without a prototype: a node may be called `__proto__`.
    const nodes = Object.assign(Object.create(null) as { [id: string]: Json }, frame.scope.nodes)
    this.#scope = { ...frame.scope, nodes }
    this.end = new Promise<GraphEnd>((resolve, reject) => {
      this.#finish = resolve
      this.#break = reject
    }).finally(() => this.#isTopLevel || this.#budget.close())
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
        if (recorded?.status === 'COMPLETED') this.#budget.count(recordedBytes(recorded.output))
        if (end) decided.push(this.#settle(this.#node(index), end))
        else toStart.push(index)
      }
    }
    for (const index of toStart.toSorted((a, b) => a - b)) this.#start(this.#node(index))
  }

  #start(node: PlanNode): void {
    if (this.#siblings.controller.signal.aborted) return
    this.#running++
    const predecessors = this.#frontier.livePredecessors(node.index)
    const failedBefore = node.incoming.find(
      ({ source, handle }) => handle === ERROR_HANDLE && this.#errors.has(source),
    )
    const error = failedBefore && this.#errors.get(failedBefore.source)
    runStep(node, {
      path: this.#pathOf(node.index),
      input: this.#inputOf(predecessors),
      inputFrom: predecessors.map((index) => this.#pathOf(index)),
      scope: error ? { ...this.#scope, error } : this.#scope,
      order: [...this.#frame.order, node.index],
      isTopLevel: this.#isTopLevel,
      signal: this.#siblings.controller.signal,
      activity: this.#frame.activity,
      outputs: this.#budget,
      run: this.#run,
      runBody: (body, frame) => runGraph(body, frame, this.#run),
    })
      .then((end) => this.#advance(this.#settle(node, end)))
      .catch((fault: unknown) => this.#run.stop(RunStop.of(fault)))
      .then(() => {
        this.#running--
        this.#checkEnd()
      })
      .catch((fault: unknown) => this.#break(fault))
  }

  #settle(node: PlanNode, end: StepEnd): Advance {
    switch (end.kind) {
      case 'completed':
        this.#outputs.set(node.index, end.output)
        this.#scope.nodes[node.id] = { output: end.output }
        if (end.error) this.#errors.set(node.index, end.error)
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

  #skip(node: PlanNode): void {
    if (!this.#isTopLevel) return
    const { id, index } = node
    this.#run.progress.report(index, 1)
    if (this.#run.request.recorded.steps.has(id)) return
    const at = this.#run.ports.clock.now()
    this.#run.note({
      events: [event('STEP_SKIPPED', at, { path: id, nodeId: id, attempt: 0 })],
      steps: [endedUnbegun(node, 'SKIPPED', at)],
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
    this.#finish(this.#render())
  }

  #render(): GraphEnd {
    if (this.#graph.output === null) return { kind: 'completed', output: this.#leafOutputs() }
    try {
      return { kind: 'completed', output: renderConfig(this.#graph.output, this.#scope) }
    } catch (fault) {
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
    if (first && leaves.length === 1) return this.#outputs.get(first.index) ?? null
    const reached = leaves.filter(({ index }) => this.#outputs.has(index))
    return Object.fromEntries(reached.map(({ id, index }) => [id, this.#outputs.get(index) ?? null]))
  }

  /** E3. */
  #inputOf(predecessors: readonly number[]): Json {
    const [first] = predecessors
    if (first === undefined) return this.#frame.input
    if (predecessors.length === 1) return this.#outputs.get(first) ?? null
    return Object.freeze(
      Object.fromEntries(
        predecessors.map((index) => [this.#node(index).id, this.#outputs.get(index) ?? null]),
      ),
    )
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
