import type {
  EndingJob,
  OwnedDefinition,
  StepState,
  TreeCancelStore,
  UnbegunGraph,
} from '../../db/executions/index.ts'
import type { Wakeups } from '../../db/index.ts'
import type { ClaimedJob, Lease } from '../../db/jobs/index.ts'
import type { Journal } from '../../db/journal/index.ts'
import { NO_GRAPH } from '../../engine/definition/index.ts'
import { event, type EventDraft } from '../../engine/record/index.ts'
import { RecordedSteps, recordEnd } from '../../engine/run/index.ts'
import type { Logger } from '../../lib/log/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import type { Processor } from './processor.ts'
import type { StoredPlans } from './stored-plans.ts'

export interface EndCanceledOptions {
  readonly store: Pick<
    TreeCancelStore,
    'unbegunDefinitions' | 'endUnbegun' | 'claimUnheld' | 'cancelChildren' | 'endings' | 'openSteps'
  >
  readonly journal: Pick<Journal, 'open'>
  readonly plans: Pick<StoredPlans, 'validate'>
  readonly wakeups: Pick<Wakeups, 'news' | 'canceled'>
  readonly clock: Pick<Clock, 'now'>
  readonly logger: Pick<Logger, 'error'>
  readonly lease: Lease
  /** The claims of the worker with that lease. */
  readonly claims: Processor['claims']
}

/** Ends canceled jobs that no worker holds, one batch per call, or two while there are many; returns their number. */
export type EndCanceled = () => Promise<number>

/** Number of jobs whose ends share one flush. */
export const END_BATCH_JOBS = 200

/** The number of jobs that have not begun which end in one statement. Flushes of other jobs wait for it no longer than for one of theirs. */
export const END_UNBEGUN_JOBS = 1_000

/** The number of step rows that one statement writes for jobs that have not begun, at most, unless one job has more. */
export const END_UNBEGUN_STEPS = 10_000

/** The jobs whose open steps are read together load at most this many bytes of JSON text of them; a job with more is read alone. */
export const END_GROUP_BYTES = 512 * 1024

/** After a look that finds no job that has not begun, the number of batches of other jobs that end before the next look. */
const LOOK_EVERY_BATCHES = 16

/** Batches at the same time while batches are full: the reads of one go on during the flush of the other. */
const BATCHES_AT_ONCE = 2

/**
 * Ends canceled descendants that no worker holds (D8), without a run and without a worker's place. Jobs that have not begun end first,
 * up to 1,000 in two statements. Of the others the fence is taken and the end is written by the journal: open steps are closed, and the
 * timeline is the one that a run would have written. That takes five statements per batch, more where its jobs have many steps, and
 * those that read definitions whose plans are not kept.
 */
export function createEndCanceled(options: EndCanceledOptions): EndCanceled {
  const { store, journal, plans, wakeups, clock, logger, lease, claims } = options
  let batches = 1
  /** A look reads all canceled jobs that no worker holds where none of them is unbegun. */
  let batchesUntilLook = 0
  return async () => {
    if (batchesUntilLook <= 0) {
      const unbegun = await endUnbegun()
      if (unbegun > 0) return unbegun
      batchesUntilLook = LOOK_EVERY_BATCHES
    }
    const counts = await Promise.all(Array.from({ length: batches }, endBatch))
    const count = counts.reduce((sum, one) => sum + one, 0)
    batchesUntilLook = count > 0 ? batchesUntilLook - batches : 0
    batches = count >= END_BATCH_JOBS ? BATCHES_AT_ONCE : 1
    return count
  }

  /** Ends jobs that have not begun: they need no fence of this worker, and have no steps and no children. */
  async function endUnbegun(): Promise<number> {
    const definitions = await store.unbegunDefinitions(END_UNBEGUN_JOBS)
    if (definitions.length === 0) return 0
    const read = await Promise.all(definitions.map(graphOf))
    const graphs = read.filter((graph) => graph !== null)
    if (graphs.length === 0) return 0
    const most = Math.max(1, ...graphs.map(({ nodes }) => nodes.length))
    const limit = Math.max(1, Math.min(END_UNBEGUN_JOBS, Math.floor(END_UNBEGUN_STEPS / most)))
    const ended = await store.endUnbegun(graphs, clock.now(), limit)
    wakeups.news(ended)
    return ended.length
  }

  /** Null where the definition cannot be read: its jobs are ended one by one. */
  async function graphOf({ ownerId, definition }: OwnedDefinition): Promise<UnbegunGraph | null> {
    try {
      const { plan } = await plans.validate(definition, { ownerId, isRefusable: false })
      const { nodes } = plan?.graph ?? NO_GRAPH
      return { definitionId: definition.id, nodes: nodes.map(({ id, index }) => ({ id, order: [index] })) }
    } catch (fault) {
      logger.error(
        { err: fault, definitionId: definition.id },
        'a definition of canceled jobs could not be read',
      )
      return null
    }
  }

  async function endBatch(): Promise<number> {
    const close = claims.open()
    try {
      return await claimAndEnd()
    } finally {
      close()
    }
  }

  async function claimAndEnd(): Promise<number> {
    const jobs = await store.claimUnheld(lease, END_BATCH_JOBS)
    if (jobs.length === 0) return 0
    // The cancel that reached a job also reaches its children, unless its process was lost in between.
    const children = await store.cancelChildren(jobs.map(({ id }) => id))
    if (children.length > 0) wakeups.canceled(children.filter(({ isHeld }) => isHeld).map(({ id }) => id))
    const endings = await store.endings(jobs)
    for (const group of groupsOf(jobs, (job) => endings.get(job.id)?.stepBytes ?? 0)) {
      const steps = await store.openSteps(group)
      await Promise.all(group.map((job) => end(job, endings.get(job.id), steps.get(job.id) ?? [])))
    }
    return jobs.length
  }

  async function end(
    job: ClaimedJob,
    ending: EndingJob | undefined,
    open: readonly StepState[],
  ): Promise<void> {
    try {
      if (!ending) throw new Error('the job has no execution')
      const { id: jobId, ownerId, fence, lastSeq, entryNo, commandsSent: commandsSeen, progress } = job
      const at = clock.now()
      const { plan } = await plans.validate(ending.definition, { ownerId, isRefusable: false })
      const steps = new Map(open.map((step) => [step.path, { ...step, output: null, hasCheckpoints: false }]))
      const closing = new RecordedSteps(plan?.graph ?? NO_GRAPH, { steps, items: new Map() }).close(at)
      const claimed = journal.open({ jobId, ownerId, fence, lastSeq, entryNo, commandsSeen })
      const events = [...eventsBefore(ending, at), ...closing.events]
      await recordEnd(claimed, { status: 'CANCELED', at }, { progress, events, steps: closing.steps })
    } catch (fault) {
      // The edge: the lease runs out, and a worker takes the job up as any other.
      claims.abandon(job)
      logger.error({ err: fault, jobId: job.id }, 'a canceled job could not be ended; a worker will end it')
    }
  }
}

/** Divides a list so that the sizes of each group's items have a bounded sum, or the group has one item. */
function groupsOf<T>(items: readonly T[], sizeOf: (item: T) => number): readonly (readonly T[])[] {
  const groups: T[][] = []
  let left = 0
  for (const item of items) {
    const size = sizeOf(item)
    const group = groups.at(-1)
    if (group && size <= left) group.push(item)
    else groups.push([item])
    left = (group && size <= left ? left : END_GROUP_BYTES) - size
  }
  return groups
}

function eventsBefore({ status, isBegun }: EndingJob, at: number): readonly EventDraft[] {
  if (!isBegun) return []
  const resumed = status === 'PAUSED' ? [event('JOB_RESUMED', at, {})] : []
  return [...resumed, event('JOB_CANCELING', at, {})]
}
