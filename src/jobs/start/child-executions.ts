import type { ExecutionStore } from '../../db/executions/index.ts'
import { ParentEndedError, type JobStore } from '../../db/jobs/index.ts'
import type { TransientRetry } from '../../db/outage/index.ts'
import { BlockError } from '../../engine/block/index.ts'
import type { ChildEnd, ChildExecutions } from '../../engine/run/index.ts'
import { inGroups } from '../../lib/async/index.ts'
import { parseId, readGlobalId, type JobId, type WorkflowId } from '../../lib/index.ts'
import type { RunningJob, TreeCancel } from '../worker/index.ts'
import type { ApproximateCounts } from './approximate-counts.ts'
import type { PublishedVersions } from './published-versions.ts'
import { quotaMessage } from './quotas.ts'
import type { StartExecution, StartResult } from './start-execution.ts'
import { startStored, type DefinitionOfStart } from './start-stored.ts'
import type { ChoicePorts } from './use-chosen.ts'

/** E10: maximum number of ancestors of an execution. */
export const MAX_DEPTH = 10
/** Number of children whose cancels share one statement. */
const CANCELED_TOGETHER = 1_000
/** How old the number of a root's descendants in memory may be: what other processes start within it may exceed the limit. */
export const DESCENDANTS_AGE_MS = 1_000

export interface ChildExecutionsOptions extends ChoicePorts {
  readonly jobs: Pick<JobStore, 'find' | 'hasKey'>
  readonly executions: Pick<ExecutionStore, 'outputBytes' | 'output'>
  readonly published: PublishedVersions
  readonly start: StartExecution
  readonly cancelTree: TreeCancel
  readonly descendants: Descendants
  /** Reads the inbox of a job that runs here. */
  readonly readInbox: (id: JobId) => Promise<void>
  /** Carries everything that follows through outages of the database, until the parent's run yields. */
  readonly retry: Pick<TransientRetry, 'run'>
}

/** The descendants of each root against `maxDescendants`: breadth times depth is bounded by one number. */
export type Descendants = Pick<ApproximateCounts<JobId>, 'take' | 'limit'>

/**
 * The executions that a job's steps start: ordinary executions of the same owner, that know their parent. A start of which the answer was
 * lost is made again under its key, which stands for the child that it may have stored.
 */
export function createChildExecutions(
  options: ChildExecutionsOptions,
  { id: parentId, ownerId, mode, depth, rootId, yielded }: RunningJob,
): ChildExecutions {
  const { jobs, executions, start, cancelTree, descendants, readInbox } = options
  const patiently = <T>(call: () => Promise<T>) => options.retry.run(call, { signal: yielded })
  // A loop cancels up to 1,000 children in one turn of the event loop.
  const cancel = inGroups(
    async (ids: readonly JobId[]) => {
      await patiently(() => cancelTree({ ownerId, ids, reach: 'trees' }))
      return ids
    },
    { maxSize: CANCELED_TOGETHER, sizeOf: () => 1, keyOf: () => null },
  )
  const refuseOrphan = async (fault: unknown): Promise<never> => {
    if (!(fault instanceof ParentEndedError)) throw fault
    // Its own cancel may be what refuses the child: then the step is canceled with it and does not fail.
    await readInbox(parentId)
    throw new BlockError('PARENT_ENDED', 'The calling execution has ended, or its tree is being canceled.')
  }
  return {
    async start({ key, workflowId, version, input, variables, path }) {
      if (depth >= MAX_DEPTH) {
        throw new BlockError('CALL_TOO_DEEP', `Executions call each other over ${MAX_DEPTH} levels.`)
      }
      const id = readGlobalId<WorkflowId>('Workflow', workflowId)
      if (!id) throw notCallable('notFound', { workflowId, version })
      const choice = { version, draft: false }
      const startChild = async (definition: DefinitionOfStart): Promise<StartResult> => {
        const room = await descendants.take(rootId)
        if (room.kind === 'full' && !(await jobs.hasKey(ownerId, key))) throw tooMany(descendants.limit)
        let isStored = false
        try {
          const result = await start({
            ownerId,
            type: 'WORKFLOW',
            ...definition,
            workflowId: id,
            choice,
            input,
            variables,
            mode,
            idempotencyKey: key,
            parent: { id: parentId, path, depth: depth + 1, rootId },
            intent: 'queue',
          }).catch(refuseOrphan)
          isStored = result.kind === 'started' && !result.deduplicated
          return result
        } finally {
          if (room.kind === 'taken') room.settle(isStored)
        }
      }
      const result = await patiently(() =>
        startStored(options, {
          workflow: { ownerId, id },
          choice,
          isRefusable: false,
          start: startChild,
        }),
      )
      switch (result.kind) {
        case 'notFound':
        case 'noSuchVersion':
        case 'archived':
          throw notCallable(result.kind, { workflowId, version })
        default:
          return startedOrRefused(result)
      }
    },
    async endOf(childId, takeMemory) {
      const id = parseId<JobId>(childId)
      const job = id && (await patiently(() => jobs.find(ownerId, id)))
      // Whoever deletes a child's rows ends it for its parent.
      if (!job)
        return { status: 'FAILED', error: { code: 'NOT_FOUND', message: 'It is not there any more.' } }
      return endOf(job.status, job.error, async () => {
        const key = { id: job.id, ownerId }
        await takeMemory(await patiently(() => executions.outputBytes(key)))
        return patiently(() => executions.output(key))
      })
    },
    async cancel(childId) {
      const id = parseId<JobId>(childId)
      if (id) await cancel(id)
    },
    cancelAll: () => patiently(() => cancelTree({ ownerId, ids: [parentId], reach: 'below' })),
  }
}

function tooMany(limit: number): BlockError {
  return new BlockError(
    'TOO_MANY_DESCENDANTS',
    `The execution at the top has ${limit} descendants, which is the limit. Let workflows call each other less, divide the ` +
      'work between executions, or ask the operator to raise LUME_MAX_DESCENDANTS.',
  )
}

function notCallable(
  why: 'notFound' | 'noSuchVersion' | 'archived',
  { workflowId, version }: { workflowId: string; version: number | null },
): BlockError {
  switch (why) {
    case 'notFound':
      return new BlockError('WORKFLOW_NOT_FOUND', `There is no workflow "${workflowId}".`)
    case 'noSuchVersion':
      return new BlockError('VERSION_NOT_FOUND', `The workflow "${workflowId}" has no version ${version}.`)
    case 'archived':
      return new BlockError('WORKFLOW_ARCHIVED', `The workflow "${workflowId}" is archived.`)
  }
}

async function endOf(
  status: string,
  error: Extract<ChildEnd, { error: unknown }>['error'] | null,
  output: () => Promise<Extract<ChildEnd, { output: unknown }>['output']>,
): Promise<ChildEnd | null> {
  switch (status) {
    case 'COMPLETED':
      return { status, output: await output() }
    case 'FAILED':
    case 'CANCELED':
      return { status, error: error ?? { code: 'JOB_CANCELED', message: 'It was canceled.' } }
    default:
      return null
  }
}

function startedOrRefused(result: StartResult): string {
  switch (result.kind) {
    case 'started':
      return result.jobId
    case 'unsound': {
      const error = result.diagnostics.find(({ severity }) => severity === 'error')
      throw new BlockError('CHILD_UNSOUND', `The workflow cannot run: ${error?.message ?? 'it is not sound'}`)
    }
    case 'invalidInput': {
      const told = result.problems.map(({ pointer, message }) => `${pointer} ${message}`.trimStart())
      throw new BlockError('CHILD_INPUT_INVALID', `The workflow does not take this: ${told.join('; ')}`)
    }
    case 'idempotencyConflict':
      throw new BlockError('CHILD_CONFLICT', 'The step has started another execution under its key before.')
    case 'quotaExceeded':
      throw new BlockError('QUOTA_EXCEEDED', quotaMessage(result))
  }
}
