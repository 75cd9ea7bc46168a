import { placeOf, type PlanGraph } from '../../definition/index.ts'
import {
  canceledStep,
  endedUnbegun,
  keptAttempts,
  lastAttemptStart,
  type CutSteps,
  type RecordedState,
  type StepRecord,
} from '../../record/index.ts'

/** What is on record of a run's steps, as far as the job's end must know it: that end leaves no step open. */
export class RecordedSteps {
  readonly #graph: PlanGraph
  readonly #open = new Map<string, StepRecord>()
  /** The top-level nodes of which something is on record. */
  readonly #nodes = new Set<string>()

  constructor(graph: PlanGraph, { steps }: RecordedState) {
    this.#graph = graph
    for (const { output: _, hasCheckpoints: __, ...step } of steps.values()) {
      this.put({ ...step, wait: null, order: placeOf(graph, step.path)?.order ?? [] })
    }
  }

  /** A step's newest state. */
  put(step: StepRecord): void {
    if (step.order.length === 1) this.#nodes.add(step.nodeId)
    // Neither what it waits for nor its error is needed, and both may be long.
    if (step.finishedAt === null) {
      const attempts = keptAttempts(step.attempts)
      const isKept = step.wait === null && step.error === null && attempts === step.attempts
      this.#open.set(step.path, isKept ? step : { ...step, wait: null, error: null, attempts })
    } else this.#open.delete(step.path)
  }

  /** The database refused a step's state for what it holds: the step is as open as before, and told without it. */
  refuse(step: StepRecord): void {
    this.put({ ...step, status: 'RUNNING', attempts: [], finishedAt: null })
  }

  /** E5: what to record at the end of the job: whatever is open is canceled, and so is what never began. */
  close(at: number): CutSteps {
    const { events, steps } = this.closeInside('', at)
    const neverBegun = this.#graph.nodes.filter(({ id }) => !this.#nodes.has(id))
    return {
      events,
      steps: [
        ...steps,
        ...neverBegun.map(({ id, index }) => endedUnbegun({ id, order: [index] }, 'CANCELED', at)),
      ],
    }
  }

  /** The same for the end of one item of a loop, whose paths begin with `prefix`. */
  closeInside(prefix: string, at: number): CutSteps {
    const open = [...this.#open.values()].filter(({ path }) => path.startsWith(prefix))
    const cut = open.map((step) => this.#cancel(step, at))
    return { events: cut.flatMap(({ events }) => events), steps: cut.flatMap(({ steps }) => steps) }
  }

  #cancel(step: StepRecord, at: number) {
    const isRunning = step.status === 'RUNNING'
    return canceledStep(step, {
      at,
      attemptStartedAt: isRunning ? lastAttemptStart(step) : null,
      blockVersion: null,
      callMayHaveHappened: isRunning && !placeOf(this.#graph, step.path)?.node.body,
    })
  }
}
