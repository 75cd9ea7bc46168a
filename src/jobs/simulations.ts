import type { StepHistoryStore } from '../db/stores/index.ts'
import type { Diagnostic } from '../engine/definition/index.ts'
import { findInputProblems, type InputProblem } from '../engine/json-schema/index.ts'
import { NO_MOCKS, readMocks } from '../engine/mocks/index.ts'
import type { OnUnhandledError } from '../engine/record/index.ts'
import { simulate, type Simulation } from '../engine/simulate/index.ts'
import { directCheckers, type ReadDefinition, type SchemaCheckers } from '../engine/validate/index.ts'
import { OwnerPlaces, withPauses, type Awaitable } from '../lib/turns/index.ts'
import { newId, type JobId, type OwnerId, type WorkflowId } from '../lib/index.ts'
import type { Clock } from '../lib/time/index.ts'
import { HeavySimulations } from './heavy-simulations.ts'
import { readValues, type StartArgument } from './start/index.ts'

export interface SimulateRequest {
  readonly ownerId: OwnerId
  /** Validates what is simulated. */
  readonly validate: () => Awaitable<Pick<ReadDefinition, 'plan' | 'diagnostics'>>
  /** The workflow that it is stored under, whose history tells how long its calls take; null: there is none. */
  readonly workflowId: WorkflowId | null
  readonly input: unknown
  /** An object, on top of the definition's defaults. */
  readonly variables?: unknown
  /** An object by node id or step path. */
  readonly mocks?: unknown
  /** The virtual instant of the start; default: now. */
  readonly startedAt?: Date | null | undefined
}

export type SimulateResult =
  | {
      readonly kind: 'simulated'
      /** A job that there is not: its timeline's events are told apart by it. */
      readonly jobId: JobId
      readonly simulation: Simulation
      /** The definition's warnings. */
      readonly diagnostics: readonly Diagnostic[]
    }
  | { readonly kind: 'unsound'; readonly diagnostics: readonly Diagnostic[] }
  | {
      readonly kind: 'invalidInput'
      readonly argument: StartArgument | 'startedAt'
      readonly problems: readonly InputProblem[]
    }

export type Simulations = (request: SimulateRequest) => Promise<SimulateResult>

export interface SimulationsOptions {
  /** Checks inputs against their schemas. */
  readonly schemas?: SchemaCheckers
  readonly history: StepHistoryStore
  readonly clock: Clock
  readonly onUnhandledError?: OnUnhandledError
  /** Shared with the tests of blocks. */
  readonly heavy?: HeavySimulations
}

/** The virtual clock adds years of waiting: far enough from the end of time. */
const LAST_START = Date.parse('9000-01-01T00:00:00Z')

/** Simulations of one owner that may run at the same time in one process, beyond which `VALIDATION_BUSY` is the answer. */
export const SIMULATIONS_MAX_PER_OWNER = 10

/** Simulates definitions for their owners; stores nothing. */
export function createSimulations({
  schemas = directCheckers(),
  history,
  clock,
  onUnhandledError = () => {},
  heavy = new HeavySimulations(),
}: SimulationsOptions): Simulations {
  const places = new OwnerPlaces('simulations', SIMULATIONS_MAX_PER_OWNER)
  return async ({ ownerId, validate, workflowId, ...request }) => {
    const { plan, diagnostics } = await validate()
    if (!plan) return { kind: 'unsound', diagnostics }
    const { values, invalid } = await readValues(request)
    if (invalid) return { kind: 'invalidInput', ...invalid }
    const { input, variables } = values
    const checker = schemas({ ownerId, isRefusable: true })
    const misfits = await findInputProblems(checker, plan.inputSchema, input)
    if (misfits.length > 0) return { kind: 'invalidInput', argument: 'input', problems: misfits }
    const mocks = values.mocks && (await withPauses(readMocks(values.mocks, plan.graph)))
    if (mocks?.kind === 'invalid')
      return { kind: 'invalidInput', argument: 'mocks', problems: mocks.problems }
    const startedAt = request.startedAt?.getTime() ?? clock.now()
    if (!(startedAt >= 0 && startedAt <= LAST_START)) {
      const problems = [{ pointer: '', message: 'startedAt must be between the years 1970 and 9000' }]
      return { kind: 'invalidInput', argument: 'startedAt', problems }
    }
    const jobId = newId<JobId>()
    const simulation = await places.run(ownerId, () =>
      heavy.run(ownerId, async (heavyWork) =>
        simulate(
          {
            plan,
            input,
            variables,
            mocks: mocks?.mocks ?? NO_MOCKS,
            executionId: jobId,
            startedAt,
            onUnhandledError,
            heavyWork,
            schemas: schemas({ ownerId, isRefusable: false }),
            history: workflowId === null ? new Map() : await history.of(ownerId, workflowId),
          },
          clock,
        ),
      ),
    )
    return { kind: 'simulated', jobId, simulation, diagnostics }
  }
}
