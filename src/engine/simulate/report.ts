import { compareOrder } from '../../lib/async/index.ts'
import type { Json } from '../../lib/json/index.ts'
import { placeOf, type PlanGraph } from '../definition/index.ts'
import { nodePath } from '../mocks/index.ts'
import type { AttemptRecord, RecordedError, StepRecord, StepStatus } from '../record/index.ts'
import type { StepValues } from './simulation-journal.ts'

/** One step as it would be on record. A pure step in a loop leaves no record unless it fails. */
export interface SimulatedStep {
  readonly path: string
  readonly nodeId: string
  readonly blockType: string
  readonly status: StepStatus
  readonly attempt: number
  readonly attempts: readonly AttemptRecord[]
  readonly handles: readonly string[]
  readonly input: Json
  /** With templates filled in, secrets masked; null where it did not come so far. */
  readonly config: Json
  readonly output: Json
  readonly error: RecordedError | null
  readonly startedAt: number | null
  readonly finishedAt: number | null
}

/** An edge of the definition, and whether the run takes it. */
export interface SimulatedEdge {
  /** The loop whose body it belongs to, such as `enrich`; null in the definition's own graph. */
  readonly loop: string | null
  readonly source: string
  readonly target: string
  readonly handle: string
  /** In a loop: by one item at least. */
  readonly isTaken: boolean
}

/** What a block was given at a path, and by which handles it left; the newest attempt's. */
export interface StepCall {
  readonly input: Json
  readonly handles: readonly string[]
}

interface Recorded {
  readonly steps: ReadonlyMap<string, StepRecord>
  readonly calls: ReadonlyMap<string, StepCall>
}

export function reportSteps({
  graph,
  input,
  steps,
  values,
  calls,
}: Recorded & {
  readonly graph: PlanGraph
  readonly input: Json
  readonly values: ReadonlyMap<string, StepValues>
}): readonly SimulatedStep[] {
  const inputOf = ({ path, inputFrom }: StepRecord): Json => {
    const call = calls.get(path)
    if (call) return call.input
    if (inputFrom.length === 0) return path.includes('[') ? null : input
    const outputs = inputFrom.map((source) => [lastId(source), values.get(source)?.output ?? null] as const)
    return outputs.length === 1 ? (outputs[0]?.[1] ?? null) : Object.fromEntries(outputs)
  }
  return [...steps.values()]
    .toSorted((a, b) => compareOrder(a.order, b.order))
    .map((step) => {
      const { path, nodeId, status, attempt, attempts, handles, error, startedAt, finishedAt } = step
      const { config = null, output = null } = values.get(path) ?? {}
      const isBegun = status !== 'SKIPPED' && startedAt !== null
      return {
        path,
        nodeId,
        blockType: placeOf(graph, path)?.node.block.type ?? '',
        status,
        attempt,
        attempts,
        handles,
        input: isBegun ? inputOf(step) : null,
        config,
        output,
        error,
        startedAt,
        finishedAt,
      }
    })
}

export function reportEdges(graph: PlanGraph, { steps, calls }: Recorded): readonly SimulatedEdge[] {
  const taken = new Set<string>()
  const leave = (path: string, handles: readonly string[]) => {
    for (const handle of handles) taken.add(`${nodePath(path)} ${handle}`)
  }
  for (const { path, handles } of steps.values()) leave(path, handles)
  // What is on record tells it better: an outcome may have been refused.
  for (const [path, { handles }] of calls) if (!steps.has(path)) leave(path, handles)
  return edgesOf(graph, { loop: null, taken })
}

function edgesOf(
  { nodes }: PlanGraph,
  { loop, taken }: { readonly loop: string | null; readonly taken: ReadonlySet<string> },
): readonly SimulatedEdge[] {
  const inside = (id: string) => (loop === null ? id : `${loop}/${id}`)
  return nodes.flatMap(({ id: source, outgoing, body }) => [
    ...outgoing.map(({ target, handle }) => ({
      loop,
      source,
      target: nodes[target]?.id ?? '',
      handle,
      isTaken: taken.has(`${inside(source)} ${handle}`),
    })),
    ...(body ? edgesOf(body, { loop: inside(source), taken }) : []),
  ])
}

function lastId(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
