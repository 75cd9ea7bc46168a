import { createHash } from 'node:crypto'
import { fc } from './fast-check.ts'
import type { StepStatus } from '../../src/engine/record/step.ts'
import type { Json, JsonObject } from '../../src/lib/json/json.ts'
import { fails, returns, takes, waits, type Behaviour } from './run-definition.ts'

/** A node of a random workflow, with all that will become of it. */
export interface RandomNode {
  readonly id: string
  readonly kind: 'call' | 'pure' | 'loop'
  readonly onError: 'fail' | 'continue' | 'route'
  /** The handles it has, and those it leaves by. */
  readonly handles: readonly string[]
  readonly leavesBy: readonly string[]
  /** How many of its attempts fail, in those paths whose hash says so, and whether trying again helps. */
  readonly failures: number
  readonly failsOneIn: number
  readonly retryable: boolean
  readonly maxAttempts: number
  readonly retryDelayMs: number
  /** How long an attempt takes, and how long the step waits afterwards. */
  readonly workMs: number
  readonly waitMs: number
  readonly body: RandomGraph | null
  readonly items: number
  /** How many items may be in work at the same time. */
  readonly concurrency: number
  readonly onItemError: 'fail' | 'skip'
}

export interface RandomEdge {
  readonly source: number
  readonly target: number
  readonly handle: string
}

export interface RandomGraph {
  readonly nodes: readonly RandomNode[]
  /** From lower to higher nodes, so that their order is one in which everything can be decided. */
  readonly edges: readonly RandomEdge[]
}

/** Any workflow: branches, skips, failures of every kind, retries, waits, loops, in any finishing order. */
export function randomGraph({ maxNodes = 8, depth = 1, prefix = 'n' } = {}): fc.Arbitrary<RandomGraph> {
  return fc.integer({ min: 1, max: maxNodes }).chain((count) => {
    const ids = Array.from({ length: count }, (_, i) => `${prefix}${i}`)
    const nodes = fc.tuple(...ids.map((id) => randomNode(id, depth)))
    const pairs = ids.flatMap((_, target) => ids.slice(0, target).map((__, source) => ({ source, target })))
    const arrows = fc.tuple(...pairs.map(() => fc.record({ chance: fc.nat(99), handle: fc.nat(5) })))
    return fc
      .record({ nodes, arrows, density: fc.constantFrom(15, 35, 60) })
      .map(({ nodes: made, arrows: drawn, density }) => ({
        nodes: made,
        edges: pairs.flatMap(({ source, target }, i) => {
          const { chance = 100, handle = 0 } = drawn[i] ?? {}
          const node = made[source]
          if (!node || chance >= density) return []
          const handles = node.onError === 'route' ? [...node.handles, 'error'] : node.handles
          return [{ source, target, handle: handles[handle % handles.length] ?? 'out' }]
        }),
      }))
  })
}

function randomNode(id: string, depth: number): fc.Arbitrary<RandomNode> {
  const kinds = depth > 0 ? (['call', 'call', 'pure', 'loop'] as const) : (['call', 'call', 'pure'] as const)
  const body = randomGraph({ maxNodes: 3, depth: depth - 1, prefix: `${id}_` })
  return fc
    .record({
      kind: fc.constantFrom(...kinds),
      onError: fc.constantFrom('fail', 'continue', 'route'),
      isBranch: fc.boolean(),
      leavesBy: fc.subarray(['x', 'y']),
      failures: fc.constantFrom(0, 0, 0, 1, 2, 3),
      failsOneIn: fc.constantFrom(1, 2),
      retryable: fc.boolean(),
      maxAttempts: fc.integer({ min: 1, max: 3 }),
      retryDelayMs: fc.constantFrom(0, 1_000, 30_000),
      workMs: fc.constantFrom(0, 0, 1, 7, 50, 3_000),
      waitMs: fc.constantFrom(0, 0, 0, 800, 60_000),
      items: fc.nat(4),
      concurrency: fc.constantFrom(1, 2, 5),
      onItemError: fc.constantFrom('fail', 'skip'),
    })
    .chain(({ kind, isBranch, leavesBy, ...rest }): fc.Arbitrary<RandomNode> => {
      const branches = isBranch && kind !== 'loop'
      const node = {
        id,
        kind,
        ...rest,
        // Which item a failed loop names depends on time, so nothing is let to flow from it.
        onError: kind === 'loop' && rest.onError === 'route' ? ('continue' as const) : rest.onError,
        // A loop's failures are those of its items; what a pure block waits for is nothing.
        failures: kind === 'loop' ? 0 : rest.failures,
        waitMs: kind === 'call' && !branches ? rest.waitMs : 0,
        handles: branches ? ['x', 'y'] : ['out'],
        leavesBy: branches ? leavesBy : ['out'],
      }
      return kind === 'loop'
        ? body.map((graph) => ({ ...node, body: graph }))
        : fc.constant({ ...node, body: null })
    })
}

/** The definition's document. */
export function documentOf(graph: RandomGraph): JsonObject {
  return {
    nodes: graph.nodes.map((node): JsonObject => {
      const { id, kind, onError, maxAttempts, retryDelayMs } = node
      const retry = { maxAttempts, initialDelayMs: retryDelayMs, factor: 1, maxDelayMs: retryDelayMs }
      if (!node.body)
        return { id, type: `test.${kind}`, onError, retry, config: { handles: [...node.handles] } }
      const items = Array.from({ length: node.items }, (_, i) => i)
      const { onItemError, concurrency } = node
      return {
        id,
        type: 'core.forEach',
        onError,
        config: { items, concurrency, onItemError, body: documentOf(node.body) },
      }
    }),
    edges: graph.edges.map(({ source, target, handle }) => ({
      source: graph.nodes[source]?.id ?? '',
      target: graph.nodes[target]?.id ?? '',
      sourceHandle: handle,
    })),
  }
}

/** What the scripted blocks do: by node id, as a function of path, attempt and input alone. */
export function behavioursOf(graph: RandomGraph): Readonly<Record<string, Behaviour>> {
  const own = graph.nodes.filter(({ body }) => !body).map((node) => [node.id, behaviourOf(node)] as const)
  const inner = graph.nodes.flatMap(({ body }) => (body ? Object.entries(behavioursOf(body)) : []))
  return Object.fromEntries([...own, ...inner])
}

function behaviourOf(node: RandomNode): Behaviour {
  return (call) => {
    const output = outputOf(node, call.input)
    const isBad = call.attempt <= failuresAt(node, call.path)
    const then = isBad
      ? fails('BROKEN', { retryable: node.retryable })
      : node.waitMs > 0
        ? waits(node.workMs + node.waitMs, output)
        : returns(output, node.leavesBy)
    return takes(node.workMs, then)(call)
  }
}

function failuresAt({ failures, failsOneIn }: RandomNode, path: string): number {
  return hash(path).charCodeAt(0) % failsOneIn === 0 ? failures : 0
}

function outputOf({ id }: RandomNode, input: Json): string {
  return `${id}:${hash(JSON.stringify(input))}`
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

/** How a node must end, as far as that does not depend on time. */
export interface ExpectedStep {
  readonly status: Extract<StepStatus, 'COMPLETED' | 'FAILED' | 'SKIPPED'>
  readonly attempt: number
  readonly output: Json | undefined
  /** False when something that fails beside it may cut it off, or keep it from beginning, before it is there. */
  readonly isCertain: boolean
}

export interface Expected {
  /** By path; nodes are left out that a node failing for good keeps from ever being decided. */
  readonly steps: ReadonlyMap<string, ExpectedStep>
  /** Paths that fail the graph if they are reached before another one of them. */
  readonly fatal: readonly string[]
  /** The graph's output if nothing is fatal. */
  readonly output: Json
}

interface Ended {
  readonly output: Json
  readonly leavesBy: readonly string[]
}

/**
 * The reference: what must become of a workflow, told node by node in an order in which every predecessor comes first. It
 * knows nothing of time, of journals, or of how the engine works.
 */
export function expectedOf(graph: RandomGraph, input: Json, prefix = ''): Expected {
  const steps = new Map<string, ExpectedStep>()
  const ended = new Map<number, Ended>()
  const fatal: string[] = []
  for (const [index, node] of graph.nodes.entries()) {
    const path = `${prefix}${node.id}`
    const incoming = graph.edges.filter(({ target }) => target === index)
    if (incoming.some(({ source }) => !ended.has(source))) continue
    const live = incoming.filter(({ source, handle }) => ended.get(source)?.leavesBy.includes(handle))
    if (incoming.length > 0 && live.length === 0) {
      steps.set(path, { status: 'SKIPPED', attempt: 0, output: undefined, isCertain: true })
      ended.set(index, { output: null, leavesBy: [] })
      continue
    }
    const sources = [...new Set(live.map(({ source }) => source))].toSorted((a, b) => a - b)
    const result = resultOf(node, inputOf(graph, sources, ended, input), path)
    for (const [inner, step] of result.inner) steps.set(inner, step)
    const { attempt } = result
    if (result.kind === 'completed') {
      steps.set(path, { status: 'COMPLETED', attempt, output: result.output, isCertain: true })
      ended.set(index, { output: result.output, leavesBy: node.leavesBy })
    } else if (node.onError === 'fail') {
      steps.set(path, { status: 'FAILED', attempt, output: undefined, isCertain: true })
      fatal.push(path)
    } else {
      const isRouted = node.onError === 'route'
      const output = isRouted ? { error: result.error } : null
      steps.set(path, { status: 'FAILED', attempt, output, isCertain: true })
      ended.set(index, { output, leavesBy: [isRouted ? 'error' : 'out'] })
    }
  }
  const output = leafOutput(graph, ended, steps, prefix)
  return { steps: fatal.length > 0 ? uncertain(steps) : steps, fatal, output }
}

function inputOf(
  graph: RandomGraph,
  sources: readonly number[],
  ended: ReadonlyMap<number, Ended>,
  rootInput: Json,
): Json {
  if (sources.length === 0) return rootInput
  const outputs = sources.map(
    (source) => [graph.nodes[source]?.id ?? '', ended.get(source)?.output ?? null] as const,
  )
  return outputs.length === 1 ? (outputs[0]?.[1] ?? null) : Object.fromEntries(outputs)
}

type Result = { readonly attempt: number; readonly inner: ReadonlyMap<string, ExpectedStep> } & (
  | { readonly kind: 'completed'; readonly output: Json }
  | { readonly kind: 'failed'; readonly error: Json }
)

function resultOf(node: RandomNode, input: Json, path: string): Result {
  if (node.body) return loopResult(node, node.body, path)
  const failures = failuresAt(node, path)
  const tries = node.retryable ? node.maxAttempts : 1
  const inner = new Map<string, ExpectedStep>()
  if (failures < tries)
    return { kind: 'completed', attempt: failures + 1, output: outputOf(node, input), inner }
  return { kind: 'failed', attempt: tries, error: { code: 'BROKEN', message: 'it says BROKEN' }, inner }
}

function loopResult(node: RandomNode, body: RandomGraph, path: string): Result {
  const items = Array.from({ length: node.items }, (_, i) => expectedOf(body, i, `${path}[${i}]/`))
  const inner = new Map(items.flatMap(({ steps }) => [...steps]))
  const bad = items.filter(({ fatal }) => fatal.length > 0)
  if (bad.length > 0 && node.onItemError === 'fail') {
    return { kind: 'failed', attempt: 1, error: 'LOOP_ITEM_FAILED', inner: uncertain(inner) }
  }
  const output = items.filter(({ fatal }) => fatal.length === 0).map((item) => item.output)
  return { kind: 'completed', attempt: 1, output, inner }
}

function uncertain(steps: ReadonlyMap<string, ExpectedStep>): ReadonlyMap<string, ExpectedStep> {
  return new Map([...steps].map(([path, step]) => [path, { ...step, isCertain: false }]))
}

function leafOutput(
  graph: RandomGraph,
  ended: ReadonlyMap<number, Ended>,
  steps: ReadonlyMap<string, ExpectedStep>,
  prefix: string,
): Json {
  const leaves = graph.nodes.flatMap((node, i) =>
    graph.edges.some(({ source }) => source === i) ? [] : [{ node, i }],
  )
  const isReached = (id: string) => steps.get(`${prefix}${id}`)?.status !== 'SKIPPED'
  const [first] = leaves
  if (first && leaves.length === 1)
    return isReached(first.node.id) ? (ended.get(first.i)?.output ?? null) : null
  return Object.fromEntries(
    leaves
      .filter(({ node }) => isReached(node.id))
      .map(({ node, i }) => [node.id, ended.get(i)?.output ?? null]),
  )
}
