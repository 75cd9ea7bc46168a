import { followingController, type FollowingController } from '../lib/abort.ts'
import type { Json } from '../lib/json.ts'
import { Frontier, type Advance } from './advance.ts'
import { ERROR_HANDLE } from './block.ts'
import { renderConfig } from './config-template.ts'
import { event } from './event.ts'
import { ExpressionError } from './expression.ts'
import type { Frame, GraphEnd, GraphScope } from './frame.ts'
import type { PlanGraph, PlanNode } from './plan.ts'
import type { RunContext } from './run-context.ts'
import { RunStop } from './run-stop.ts'
import { runStep, type StepEnd } from './step-run.ts'
import { stepPath, type RecordedError } from './step.ts'

/** Runs one graph to its end: starts what is ready, skips what is dead, and stops the rest when a step fails it (E1–E5). */
export function runGraph(graph: PlanGraph, frame: Frame, run: RunContext): Promise<GraphEnd> {
  return new GraphRun(graph, frame, run).end
}

class GraphRun {
  readonly end: Promise<GraphEnd>
  readonly #graph: PlanGraph
  readonly #frame: Frame
  readonly #run: RunContext
  readonly #frontier: Frontier
  readonly #siblings: FollowingController
  readonly #outputs = new Map<number, Json>()
  readonly #errors = new Map<number, RecordedError>()
  readonly #scope: GraphScope & { readonly nodes: { [id: string]: Json } }
  #running = 0
  #finish: (end: GraphEnd) => void = () => {}
  #break: (fault: unknown) => void = () => {}

  constructor(graph: PlanGraph, frame: Frame, run: RunContext) {
    this.#graph = graph
    this.#frame = frame
    this.#run = run
    this.#frontier = new Frontier(graph)
    this.#siblings = followingController(frame.signal)
    this.#scope = { ...frame.scope, nodes: { ...frame.scope.nodes } }
    this.end = new Promise((resolve, reject) => {
      this.#finish = resolve
      this.#break = reject
    })
    this.#advance(this.#frontier.start())
    this.#checkEnd()
  }

  #advance({ ready, skipped }: Advance): void {
    for (const index of skipped) this.#skip(this.#node(index))
    for (const index of ready) this.#start(this.#node(index))
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
      path: stepPath(this.#frame.prefix, node.id),
      input: this.#inputOf(predecessors),
      inputFrom: predecessors.map((index) => stepPath(this.#frame.prefix, this.#node(index).id)),
      scope: error ? { ...this.#scope, error } : this.#scope,
      order: [...this.#frame.order, node.index],
      isTopLevel: this.#isTopLevel,
      signal: this.#siblings.controller.signal,
      run: this.#run,
      runBody: (body, frame) => runGraph(body, frame, this.#run),
    })
      .then((end) => this.#settle(node, end))
      .catch((fault: unknown) => this.#break(fault))
  }

  #settle(node: PlanNode, end: StepEnd): void {
    this.#running--
    switch (end.kind) {
      case 'completed':
        this.#outputs.set(node.index, end.output)
        this.#scope.nodes[node.id] = { output: end.output }
        if (end.error) this.#errors.set(node.index, end.error)
        if (this.#isTopLevel) this.#run.progress.report(node.index, 1)
        this.#advance(this.#frontier.settle(node.index, end.handles))
        break
      case 'failed':
        this.#siblings.controller.abort(new RunStop({ kind: 'fail', error: end.error }))
        break
      case 'stopped':
        break
    }
    this.#checkEnd()
  }

  #skip(node: PlanNode): void {
    if (!this.#isTopLevel) return
    const path = stepPath(this.#frame.prefix, node.id)
    this.#run.progress.report(node.index, 1)
    if (this.#run.request.recorded.steps.has(path)) return
    const at = this.#run.ports.clock.now()
    this.#run.note({
      events: [event('STEP_SKIPPED', at, { path, nodeId: node.id, attempt: 0 })],
      steps: [
        {
          path,
          order: [node.index],
          nodeId: node.id,
          status: 'SKIPPED',
          attempt: 0,
          attempts: [],
          handles: [],
          inputFrom: [],
          dueAt: null,
          error: null,
          startedAt: null,
          finishedAt: at,
        },
      ],
    })
  }

  #checkEnd(): void {
    if (this.#running > 0) return
    this.#siblings.unfollow()
    if (this.#frame.signal.aborted) return this.#finish({ kind: 'stopped' })
    const { aborted, reason } = this.#siblings.controller.signal
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
    return Object.fromEntries(
      predecessors.map((index) => [this.#node(index).id, this.#outputs.get(index) ?? null]),
    )
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
