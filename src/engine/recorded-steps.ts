import type { JournalEntry, RecordedState, StepRecord } from './journal.ts'
import { placeOf, type PlanGraph, type PlanNode } from './plan.ts'
import { canceledStep } from './step-cancel.ts'
import { lastAttemptStart, type StepStatus } from './step.ts'

/** What is on record of a run's steps, as far as the job's end must know it: that end leaves no step open. */
export class RecordedSteps {
  readonly #graph: PlanGraph
  readonly #open = new Map<string, StepRecord>()
  /** The top-level nodes of which something is on record. */
  readonly #nodes = new Set<string>()

  constructor(graph: PlanGraph, { steps }: RecordedState) {
    this.#graph = graph
    for (const { output: _, ...step } of steps.values()) {
      this.put({ ...step, order: placeOf(graph, step.path)?.order ?? [] })
    }
  }

  /** A step's newest state. */
  put(step: StepRecord): void {
    if (step.order.length === 1) this.#nodes.add(step.nodeId)
    if (step.finishedAt === null) this.#open.set(step.path, step)
    else this.#open.delete(step.path)
  }

  /** The database refused a step's state for what it holds: the step is as open as before, and told without it. */
  refuse(step: StepRecord): void {
    this.put({ ...step, status: 'RUNNING', attempts: [], finishedAt: null })
  }

  /** E5: ends what is open, and whatever never began. */
  close(at: number): Pick<JournalEntry, 'events'> & { readonly steps: readonly StepRecord[] } {
    const canceled = [...this.#open.values()].map((step) => this.#cancel(step, at))
    const neverBegun = this.#graph.nodes.filter(({ id }) => !this.#nodes.has(id))
    return {
      events: canceled.flatMap(({ events }) => events),
      steps: [
        ...canceled.flatMap(({ steps }) => steps),
        ...neverBegun.map((node) => endedUnbegun(node, 'CANCELED', at)),
      ],
    }
  }

  #cancel(step: StepRecord, at: number) {
    const isRunning = step.status === 'RUNNING'
    return canceledStep(step, {
      at,
      attemptStartedAt: isRunning ? lastAttemptStart(step) : null,
      callMayHaveHappened: isRunning && !placeOf(this.#graph, step.path)?.node.body,
    })
  }
}

/** A top-level node that ends without having begun. */
export function endedUnbegun({ id, index }: PlanNode, status: StepStatus, at: number): StepRecord {
  return {
    path: id,
    order: [index],
    nodeId: id,
    status,
    attempt: 0,
    attempts: [],
    handles: [],
    inputFrom: [],
    dueAt: null,
    error: null,
    startedAt: null,
    finishedAt: at,
  }
}
