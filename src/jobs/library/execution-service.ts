import { isSound, type Diagnostic } from '../../engine/definition/index.ts'
import { findInputProblems, type InputProblem } from '../../engine/json-schema/index.ts'
import type { BlockTest, Simulation } from '../../engine/simulate/index.ts'
import { directCheckers, type DefinitionReader, type SchemaCheckers } from '../../engine/validate/index.ts'
import { ownerId, parseId, type JobId } from '../../lib/index.ts'
import { plainJsonPieces } from '../../lib/json/index.ts'
import { inPieces } from '../../lib/turns/index.ts'
import type { BlockTestMode, Simulations, TestBlock, TestBlockRequest, WorkflowJobPayload } from '../index.ts'
import type { RetryExecution, RetryVersion, StartExecution } from '../start/index.ts'
import { DefinitionUnsoundError, InputInvalidError, retriedOrThrow, startedOrThrow } from './errors.ts'
import { startRequest, type JobCallbacks, type JobService, type JobServiceOptions } from './job-service.ts'
import type { LibraryJob } from './library-job.ts'

export interface ExecuteOptions extends JobCallbacks {
  /** Whose rows these are; default `local`. */
  readonly userId?: string
  /** The same key and payload give the same execution for 30 days. */
  readonly idempotencyKey?: string
}

export interface RetryOptions extends ExecuteOptions {
  /** `FAILED` (default): what did not complete; `START`: everything; a step's path: it and what is downstream of it. */
  readonly from?: string
  /** The definition to run: that of the original (default), or the one that a start of its workflow would run now. */
  readonly version?: RetryVersion
  /** A JSON Merge Patch (RFC 7396) of the original's input. */
  readonly patchInput?: unknown
  /** Outputs by step path: each of these steps counts as completed with its value and is not run. */
  readonly patchOutputs?: { readonly [path: string]: unknown }
  /** In place of the original's. */
  readonly tags?: readonly string[]
  /** In place of the original's: -100 to 100, the higher the sooner. */
  readonly priority?: number
}

export interface PayloadValidation {
  readonly valid: boolean
  /** What is wrong with the definition, warnings included. */
  readonly diagnostics: readonly Diagnostic[]
  /** What is wrong with the input. */
  readonly inputProblems: readonly InputProblem[]
}

/** Running workflows, for Node programs. */
export interface ExecutionService {
  /** Runs a workflow durably and resolves with its job when it has ended. Throws what `createJob` throws. */
  executeWorkflow(payload: WorkflowJobPayload, options?: ExecuteOptions): Promise<LibraryJob>
  /**
   * Runs an ended execution once more, as a new one that takes over what need not run again, and resolves with its job
   * when it has ended. Throws `EXECUTION_NOT_FOUND`, `NOT_ENDED`, `WORKFLOW_ARCHIVED`, `WORKFLOW_NOT_FOUND`,
   * `RETRY_INVALID`, `DEFINITION_UNSOUND`, `INPUT_INVALID`, `IDEMPOTENCY_CONFLICT`.
   */
  retryExecution(executionId: string, options?: RetryOptions): Promise<LibraryJob>
  /** Says whether a payload could be run, without running it. */
  validatePayload(
    payload: WorkflowJobPayload,
    options?: Pick<ExecuteOptions, 'userId'>,
  ): Promise<PayloadValidation>
  /**
   * Foretells what would become of a run, on a virtual clock and without touching anything: the payload's `mocks` say
   * what comes of its calls, else the blocks' samples do. Throws what `createJob` throws.
   */
  simulateWorkflow(payload: WorkflowJobPayload, options?: SimulateOptions): Promise<Simulation>
  /**
   * Tries one block alone and records nothing: all attempts on a virtual clock, by mocks or its sample; with the mode
   * `real` one attempt that calls out with the user's secrets. Throws `DEFINITION_UNSOUND`, `INPUT_INVALID`.
   */
  testBlock(test: BlockTestOptions, options?: Pick<ExecuteOptions, 'userId'>): Promise<BlockTest>
}

/** Which block to try, and on what: `type`, `config`, `input`, `variables`, `mocks`, and a node's `retry`, `onError`, `timeoutMs`. */
export interface BlockTestOptions extends Omit<TestBlockRequest, 'ownerId' | 'input' | 'mode'> {
  /** Default null. */
  readonly input?: unknown
  /** Default `simulated`. */
  readonly mode?: BlockTestMode
}

export interface SimulateOptions extends Pick<ExecuteOptions, 'userId'> {
  /** The virtual instant of the start; default: now. */
  readonly startedAt?: Date
}

export const LOCAL_USER = 'local'

export interface ExecutionServiceOptions {
  readonly jobs: Pick<JobService, 'watchJob'>
  readonly versions: JobServiceOptions['versions']
  readonly reader: DefinitionReader
  /** Checks inputs against their schemas. */
  readonly schemas?: SchemaCheckers
  readonly start: StartExecution
  readonly retry: RetryExecution
  readonly simulations: Simulations
  readonly testBlock: TestBlock
}

export function createExecutionService(options: ExecutionServiceOptions): ExecutionService {
  const { jobs, reader, schemas = directCheckers(), start, retry, simulations, testBlock } = options
  return {
    async executeWorkflow(payload, { userId = LOCAL_USER, idempotencyKey, ...callbacks } = {}) {
      const request = await startRequest(options, { ownerId: ownerId(userId), type: 'WORKFLOW', payload })
      const jobId = startedOrThrow(
        await start({ ...request, idempotencyKey: idempotencyKey ?? null, intent: 'queue' }),
      )
      return jobs.watchJob(jobId, callbacks)
    },
    async retryExecution(executionId, { userId = LOCAL_USER, ...asked } = {}) {
      const {
        from = 'FAILED',
        version = 'SAME',
        patchInput,
        patchOutputs,
        tags = null,
        priority = null,
        idempotencyKey = null,
        ...callbacks
      } = asked
      const id = parseId<JobId>(executionId)
      if (!id) return jobs.watchJob(retriedOrThrow({ kind: 'notFound' }))
      const request = { from, version, patchInput, patchOutputs, tags, priority, idempotencyKey }
      const jobId = retriedOrThrow(await retry({ ownerId: ownerId(userId), id, ...request }))
      return jobs.watchJob(jobId, callbacks)
    },
    async validatePayload(payload, { userId = LOCAL_USER } = {}) {
      const request = await startRequest(options, { ownerId: ownerId(userId), type: 'WORKFLOW', payload })
      const { plan, diagnostics } = await reader(request.ownerId)(request.definition)
      const input = await inPieces(plainJsonPieces(request.input))
      if (!input.ok) {
        const { pointer, reason } = input.problem
        return { valid: false, diagnostics, inputProblems: [{ pointer, message: `input ${reason}` }] }
      }
      const checker = schemas({ ownerId: request.ownerId, isRefusable: true })
      const problems = await findInputProblems(checker, plan?.inputSchema ?? null, input.value)
      return { valid: isSound(diagnostics) && problems.length === 0, diagnostics, inputProblems: problems }
    },
    async simulateWorkflow(payload, { userId = LOCAL_USER, startedAt } = {}) {
      const request = await startRequest(options, { ownerId: ownerId(userId), type: 'WORKFLOW', payload })
      const { definition, ...rest } = request
      const validate = () => reader(request.ownerId)(definition)
      const result = await simulations({ ...rest, validate, startedAt })
      switch (result.kind) {
        case 'simulated':
          return result.simulation
        case 'unsound':
          throw new DefinitionUnsoundError(result.diagnostics)
        case 'invalidInput':
          throw new InputInvalidError(result.problems)
      }
    },
    async testBlock({ input = null, mode = 'simulated', ...test }, { userId = LOCAL_USER } = {}) {
      const result = await testBlock({ ...test, ownerId: ownerId(userId), input, mode })
      switch (result.kind) {
        case 'tested':
          return result.test
        case 'unsound':
          throw new DefinitionUnsoundError(result.diagnostics)
        case 'invalidInput':
          throw new InputInvalidError(result.problems)
      }
    },
  }
}
