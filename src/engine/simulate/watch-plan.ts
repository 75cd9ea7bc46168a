import type { Clock } from '../../lib/time/index.ts'
import type { Block, BlockContext, BlockOutcome } from '../block/index.ts'
import type { Plan, PlanGraph, PlanNode } from '../definition/index.ts'

/** Called for every attempt that a block itself makes. */
export interface PlanWatch {
  onBegin(node: PlanNode, context: BlockContext): void
  onOutcome(node: PlanNode, context: BlockContext, outcome: BlockOutcome): void
}

/** A plan whose blocks are watched while they work. */
export interface WatchedPlan {
  readonly plan: Plan
  /** How many blocks are at work without waiting for time to pass: it must not move meanwhile. */
  readonly atWork: () => number
}

/** The same plan; whoever runs it is told what its blocks are given and what they give. */
export function watchPlan(plan: Plan, watch: PlanWatch): WatchedPlan {
  let atWork = 0
  const watchGraph = (graph: PlanGraph): PlanGraph => ({ ...graph, nodes: graph.nodes.map(watchNode) })
  const watchNode = (node: PlanNode): PlanNode => ({
    ...node,
    block: watchBlock(node),
    body: node.body && watchGraph(node.body),
  })
  const watchBlock = (node: PlanNode): Block => {
    const { run } = node.block
    if (run === 'loop') return node.block
    const watched = async (context: BlockContext): Promise<BlockOutcome> => {
      watch.onBegin(node, context)
      atWork++
      const leave = once(() => atWork--)
      try {
        const outcome = await run(withClock(context, leavingClock(context.clock, leave)))
        watch.onOutcome(node, context, outcome)
        return outcome
      } finally {
        leave()
      }
    }
    // Its author may have made the block of a class: what it has beside `run` is found where it was.
    return Object.create(node.block, { run: { value: watched, enumerable: true } }) as Block
  }
  return { plan: { ...plan, graph: watchGraph(plan.graph) }, atWork: () => atWork }
}

/** The same context with another clock; its getters work on the context itself. */
function withClock(context: BlockContext, clock: Clock): BlockContext {
  return new Proxy(context, {
    get: (target, key) => (key === 'clock' ? clock : (Reflect.get(target, key) as unknown)),
  })
}

/** A block that asks for time to pass does not keep it from passing. */
function leavingClock(clock: Clock, leave: () => void): Clock {
  return {
    now: () => clock.now(),
    after(ms, callback) {
      leave()
      return clock.after(ms, callback)
    },
    wait(ms, signal) {
      leave()
      return clock.wait(ms, signal)
    },
  }
}

function once(action: () => void): () => void {
  let isDone = false
  return () => {
    if (isDone) return
    isDone = true
    action()
  }
}
