import type {
  ClaimedUnheldJob,
  OwnedDefinition,
  StepState,
  TreeCancelStore,
  UnbegunGraph,
  UnheldJob,
} from '../../db/executions/index.ts'
import type { Wakeups } from '../../db/index.ts'
import type { Lease } from '../../db/jobs/index.ts'
import type { Claim, Journal, UnheldEnd, UnheldEnds, WrittenEnds } from '../../db/journal/index.ts'
import { isTransientFault } from '../../db/sql/index.ts'
import type { StoredDefinition } from '../../db/stores/index.ts'
import { NO_GRAPH } from '../../engine/definition/index.ts'
import { event, type EventDraft } from '../../engine/record/index.ts'
import { endEntry, RecordedSteps, recordEnd, type LastEntry } from '../../engine/run/index.ts'
import { isTurnOver, yieldToEventLoop } from '../../lib/turns/index.ts'
import type { JobId } from '../../lib/index.ts'
import type { Logger } from '../../lib/log/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import type { Processor } from './processor.ts'
import type { StoredPlans } from './stored-plans.ts'

export interface EndCanceledOptions {
  readonly store: Pick<
    TreeCancelStore,
    'unbegunDefinitions' | 'endUnbegun' | 'unheld' | 'claimUnheld' | 'cancelChildren' | 'openSteps'
  >
  readonly ends: UnheldEnds
  readonly journal: Pick<Journal, 'open'>
  readonly plans: Pick<StoredPlans, 'validate'>
  readonly wakeups: Pick<Wakeups, 'news' | 'canceled'>
  readonly clock: Pick<Clock, 'now'>
  /** Returns a number from 0 to below 1. */
  readonly random: () => number
  readonly logger: Pick<Logger, 'error'>
  readonly lease: Lease
  /** The claims of the worker with that lease. */
  readonly claims: Processor['claims']
}

/** Ends canceled jobs that no worker holds, one batch per call; returns the number of jobs that have ended by it, or were claimed for that. */
export type EndCanceled = () => Promise<number>

/** The number of canceled jobs that are read together. */
export const END_BATCH_JOBS = 1_000

/** Maximum number of jobs whose ends share one statement. */
export const END_GROUP_JOBS = 500

/** The number of jobs that have not begun which end in one statement. Flushes of other jobs wait for it no longer than for one of theirs. */
export const END_UNBEGUN_JOBS = 1_000

/** The number of step rows that one statement writes for jobs that have not begun, at most, unless one job has more. */
export const END_UNBEGUN_STEPS = 10_000

/** The jobs whose open steps are read together load at most this many bytes of JSON text of them; a job with more is read alone. */
export const END_GROUP_BYTES = 512 * 1024

/**
 * A job whose end closes at most this many steps ends without a claim. The end of a larger one is written by the journal under a claim,
 * because only the journal divides long entries and merges them into pages.
 */
export const UNHELD_END_MAX_STEPS = 500

/** After a look that finds no job that has not begun, the number of batches of other jobs that end before the next look. */
const LOOK_EVERY_BATCHES = 4

/** Groups at the same time: the reads of one run during the statement of the other. */
const GROUPS_AT_ONCE = 2

/** Where another process ends the same jobs, the next batch is one of the next this many, at random. */
const SKIPPED_MAX_BATCHES = 20

/**
 * Ends canceled descendants that no worker holds (D8), without a run and without a worker's place. Jobs that have not begun end first,
 * up to 1,000 in two statements. Of the others the open steps are closed, and the timeline is the one that a run would have written. No
 * claim is needed for that: the statement of their ends requires that no worker holds them and that nothing was recorded since they were
 * read. It takes two statements per 1,000 jobs and two per 500, more where jobs have many steps, and those that read definitions
 * whose plans are not kept. Where processes end jobs of the same tree, each job's end is written once.
 */
export function createEndCanceled(options: EndCanceledOptions): EndCanceled {
  const { store, ends, journal, plans, wakeups, clock, random, logger, lease, claims } = options
  /** The number of canceled jobs that other processes are expected to end. */
  let skipped = 0
  /** A look reads all canceled jobs that no worker holds where none of them is unbegun. */
  let batchesUntilLook = 0
  return async () => {
    if (batchesUntilLook <= 0) {
      const unbegun = await endUnbegun()
      if (unbegun > 0) return unbegun
      batchesUntilLook = LOOK_EVERY_BATCHES
    }
    const count = await endBatch()
    batchesUntilLook = count > 0 ? batchesUntilLook - 1 : 0
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
    let jobs = await store.unheld(END_BATCH_JOBS, skipped)
    if (jobs.length === 0 && skipped > 0) jobs = await store.unheld(END_BATCH_JOBS, 0)
    skipped = 0
    if (jobs.length === 0) return 0
    // The cancel that reached a job also reaches its children, unless its process was lost in between.
    const children = await store.cancelChildren(jobs.map(({ id }) => id))
    if (children.length > 0) wakeups.canceled(children.filter(({ isHeld }) => isHeld).map(({ id }) => id))
    const groups = groupsOf(jobs).values()
    let ended = 0
    const endGroups = async () => {
      for (const group of groups) {
        const count = await endGroup(group)
        ended += count
      }
    }
    await Promise.all(Array.from({ length: GROUPS_AT_ONCE }, endGroups))
    if (ended < jobs.length / 2) skipped = Math.ceil(random() * SKIPPED_MAX_BATCHES) * END_BATCH_JOBS
    return ended
  }

  /** Returns the number of jobs whose ends were written here. */
  async function endGroup(jobs: readonly UnheldJob[]): Promise<number> {
    const at = clock.now()
    const open = await store.openSteps(jobs)
    const unheld: UnheldEnd[] = []
    const others: JobId[] = []
    for (const job of jobs) {
      const last = await lastEntryOf(job, open.get(job.id) ?? [], at).catch(nullUnlessTransient)
      if (last && last.steps.length <= UNHELD_END_MAX_STEPS) {
        unheld.push({ read: toClaim(job), entry: endEntry({ status: 'CANCELED', at }, last) })
      } else others.push(job.id)
      if (isTurnOver()) await yieldToEventLoop()
    }
    const { ended, refused } = unheld.length === 0 ? NOTHING_WRITTEN : await ends.write(unheld, at)
    wakeups.news(ended)
    return ended.length + (await claimAndEnd(jobs, [...others, ...refused]))
  }

  async function lastEntryOf(
    job: Pick<UnheldJob, 'ownerId' | 'progress' | 'definition' | 'status' | 'isBegun'>,
    open: readonly StepState[],
    at: number,
  ): Promise<ClosingEntry> {
    const { ownerId, progress, definition } = job
    if (!definition) throw new Error('the job has no execution')
    const { plan } = await plans.validate(definition, { ownerId, isRefusable: false })
    const steps = new Map(open.map((step) => [step.path, { ...step, output: null, hasCheckpoints: false }]))
    const closing = new RecordedSteps(plan?.graph ?? NO_GRAPH, { steps, items: new Map() }).close(at)
    return { progress, events: [...eventsBefore(job, at), ...closing.events], steps: closing.steps }
  }

  /** Ends jobs under a claim, and returns their number. */
  async function claimAndEnd(jobs: readonly UnheldJob[], ids: readonly JobId[]): Promise<number> {
    if (ids.length === 0) return 0
    const close = claims.open()
    try {
      const definitions = new Map(jobs.map(({ id, definition }) => [id, definition]))
      const claimed = await store.claimUnheld(lease, ids)
      const steps = await store.openSteps(claimed)
      await Promise.all(
        claimed.map((job) => end(job, definitions.get(job.id) ?? null, steps.get(job.id) ?? [])),
      )
      return claimed.length
    } finally {
      close()
    }
  }

  async function end(
    job: ClaimedUnheldJob,
    definition: StoredDefinition | null,
    open: readonly StepState[],
  ): Promise<void> {
    try {
      const at = clock.now()
      const last = await lastEntryOf({ ...job, definition }, open, at)
      await recordEnd(journal.open(toClaim(job)), { status: 'CANCELED', at }, last)
    } catch (fault) {
      // The edge. Where the database failed, the next heartbeat gives the job back; else the lease runs out, and a worker takes the
      // job up as any other.
      if (!isTransientFault(fault)) claims.abandon(job)
      logger.error({ err: fault, jobId: job.id }, 'a canceled job could not be ended; a worker will end it')
    }
  }
}

/** Null for an error of one job’s own; an outage of the database is one of all jobs, which are read again later. */
function nullUnlessTransient(fault: unknown): null {
  if (isTransientFault(fault)) throw fault
  return null
}

type ClosingEntry = Required<Pick<LastEntry, 'progress' | 'events' | 'steps'>>

const NOTHING_WRITTEN: WrittenEnds = { ended: [], refused: [] }

function toClaim({ id: jobId, commandsSent: commandsSeen, ...job }: UnheldJob | ClaimedUnheldJob): Claim {
  const { ownerId, fence, lastSeq, entryNo } = job
  return { jobId, ownerId, fence, lastSeq, entryNo, commandsSeen }
}

/** Divides jobs into groups of at most `END_GROUP_JOBS` jobs, of which each loads a bounded size of steps or has one job. */
function groupsOf(jobs: readonly UnheldJob[]): readonly (readonly UnheldJob[])[] {
  const groups: UnheldJob[][] = []
  let left = 0
  for (const job of jobs) {
    const group = groups.at(-1)
    if (group && job.stepBytes <= left && group.length < END_GROUP_JOBS) group.push(job)
    else {
      groups.push([job])
      left = END_GROUP_BYTES
    }
    left -= job.stepBytes
  }
  return groups
}

function eventsBefore(
  { status, isBegun }: Pick<UnheldJob, 'status' | 'isBegun'>,
  at: number,
): readonly EventDraft[] {
  if (!isBegun) return []
  const resumed = status === 'PAUSED' ? [event('JOB_RESUMED', at, {})] : []
  return [...resumed, event('JOB_CANCELING', at, {})]
}
