import type { AttemptRecord } from '../../engine/record/index.ts'
import type { JobId } from '../../lib/index.ts'
import type { Json } from '../../lib/json/index.ts'
import {
  applyPage,
  createLogStore,
  endedItems,
  Fold,
  positionOf,
  VALUE,
  type FoldedStep,
  type LoggedStep,
  type LogStore,
  type OpenPage,
  type OutputRef,
  type PageBody,
  type Tail,
} from '../log/index.ts'
import type { Queryable } from '../sql/index.ts'
import { isInsideEnded, rangesOutside, type ItemStatuses, type Loop } from './ended-items.ts'
import {
  LOADED_OUTPUTS_MAX_BYTES,
  PLAIN_ATTEMPTS_MAX_BYTES,
  type JobKey,
  type StepState,
} from './step-state.ts'

/** What the log of a job has on record outside of ended loop items. */
export interface LoggedState {
  readonly steps: readonly FoldedStep[]
  /** Without loops inside of ended items. */
  readonly items: ItemStatuses
  /** The paths of steps with checkpoints. Of ended steps some are left out. */
  readonly checkpoints: ReadonlySet<string>
}

/** Loads all steps outside of ended loop items. A job without entries is left out. The caller holds the jobs: their logs do not grow. */
export async function loadLoggedSteps(
  pool: Queryable,
  jobs: readonly JobKey[],
): Promise<ReadonlyMap<JobId, LoggedState>> {
  const log = createLogStore(pool)
  const records = await readOpen(log, jobs)
  await Promise.all(
    jobs.map(async (job) => {
      const record = records.get(job.id)
      if (!record || record.pages.length === 0) return
      // Ended steps of open items may be on pages without open steps.
      const lows = lowsOutside(record)
      if (lows.length === 0) return
      for (const [low, body] of await log.pages(job, lows)) record.bodies.set(low, body)
    }),
  )
  return new Map([...records].map(([id, record]) => [id, stateOf(record)]))
}

/** Of each job with entries: open steps, without what they wait for, and ended steps of top-level nodes. */
export async function loadLoggedOpenSteps(
  pool: Queryable,
  jobs: readonly JobKey[],
): Promise<ReadonlyMap<JobId, readonly StepState[]>> {
  const records = await readOpen(createLogStore(pool), jobs)
  return new Map(
    [...records].map(([id, record]) => [
      id,
      stateOf(record).steps.flatMap(({ step }) =>
        step.finishedAt === null || !step.path.includes('/') ? { ...toStepState(step), wait: null } : [],
      ),
    ]),
  )
}

/**
 * Loads the small outputs of steps on record, by job and path: those that are in log entries, up to `LOADED_OUTPUTS_MAX_BYTES` a job. One
 * that was reused is read in the log of the execution that has it, if there is one.
 */
export async function loadSmallOutputs(
  pool: Queryable,
  jobs: readonly JobKey[],
  logged: ReadonlyMap<JobId, LoggedState>,
): Promise<ReadonlyMap<JobId, ReadonlyMap<string, Json>>> {
  const log = createLogStore(pool)
  const holders = new Map<JobId, JobKey>()
  for (const { id, ownerId } of jobs)
    for (const { step } of logged.get(id)?.steps ?? [])
      if (step.reusedFrom !== null) {
        const holder = step.reusedFrom as JobId
        holders.set(holder, { id: holder, ownerId })
      }
  const sources = holders.size === 0 ? new Map() : await readOpen(log, [...holders.values()])
  const folds = new Map([...sources].map(([id, record]) => [id, foldOf(record)]))
  const refs = jobs.flatMap(({ id, ownerId }): readonly OutputRef[] =>
    (logged.get(id)?.steps ?? []).flatMap(({ step: { path, reusedFrom }, values }) => {
      const holder = (reusedFrom as JobId | null) ?? id
      const held = reusedFrom === null ? values : (folds.get(holder)?.steps.get(path)?.values ?? null)
      if (!held || (held.held & (VALUE.OUTPUT | VALUE.LARGE_OUTPUT)) !== VALUE.OUTPUT) return []
      return { reader: id, ownerId, id: holder, entry: held.entry, path }
    }),
  )
  const outputs = new Map<JobId, Map<string, Json>>()
  if (refs.length === 0) return outputs
  for (const { reader, path, value } of await log.smallOutputs(refs, LOADED_OUTPUTS_MAX_BYTES))
    outputs.set(reader, (outputs.get(reader) ?? new Map<string, Json>()).set(path, value))
  return outputs
}

/** A step as a run or the end of a job needs it. */
export function toStepState(logged: LoggedStep): StepState {
  const { order: _, ...step } = logged
  const { finishedAt, handles, attempts, error } = step
  return {
    ...step,
    // Only open steps need their attempts.
    attempts: finishedAt === null ? plainAttempts(attempts) : [],
    // What follows a step that failed and continues reads its output.
    error: finishedAt !== null && handles.length === 0 ? error : null,
  }
}

function plainAttempts(attempts: readonly AttemptRecord[]): readonly AttemptRecord[] {
  if (Buffer.byteLength(JSON.stringify(attempts)) <= PLAIN_ATTEMPTS_MAX_BYTES) return attempts
  return attempts.map((attempt) => {
    if (!attempt.error) return attempt
    const { details: _, ...error } = attempt.error
    return { ...attempt, error }
  })
}

interface LogRecord {
  readonly tail: Tail
  /** In order. */
  readonly pages: readonly OpenPage[]
  /** By the position where each begins. */
  readonly bodies: Map<string, PageBody>
}

/** Reads the entries behind the pages, and the pages with open and top-level steps. */
async function readOpen(log: LogStore, jobs: readonly JobKey[]): Promise<ReadonlyMap<JobId, LogRecord>> {
  const tails = await log.tails(jobs)
  const paged = jobs.filter(({ id }) => (tails.get(id)?.pagedNo ?? 0) > 0)
  const pages = paged.length === 0 ? new Map<JobId, OpenPage[]>() : await log.openPages(paged)
  const records = new Map<JobId, LogRecord>()
  for (const [id, tail] of tails) {
    if (tail.entryNo === 0) continue
    const own = pages.get(id) ?? []
    const bodies = new Map(own.flatMap(({ low, body }) => (body === null ? [] : [[low, body] as const])))
    records.set(id, { tail, pages: own, bodies })
  }
  return records
}

function foldOf({ tail, bodies }: LogRecord): Fold {
  const fold = new Fold()
  for (const body of bodies.values()) applyPage(fold, body)
  for (const row of tail.rows) fold.apply(row)
  return fold
}

/** All ended items, also those inside of ended ones. */
function itemsOf({ pages }: LogRecord, fold: Fold): ItemStatuses {
  const items = new Map([...endedItems(pages)].map(([path, ended]) => [path, new Map(ended)]))
  for (const { item } of fold.items.values()) {
    const loop = items.get(item.path) ?? new Map<number, 'COMPLETED' | 'FAILED'>()
    items.set(item.path, loop.set(item.index, item.status))
  }
  return items
}

function stateOf(record: LogRecord): LoggedState {
  const fold = foldOf(record)
  const items = itemsOf(record, fold)
  return {
    steps: [...fold.steps.values()].filter(({ step }) => !isInsideEnded(step.path, items)),
    items: new Map([...items].filter(([path]) => !isInsideEnded(path, items))),
    checkpoints: new Set(fold.checkpoints.keys()),
  }
}

/** The pages that are not read yet and may have steps outside of ended items. */
function lowsOutside(record: LogRecord): readonly string[] {
  const fold = foldOf(record)
  const ended = itemsOf(record, fold)
  const loops = new Map<string, Loop>()
  for (const [path, items] of ended) {
    // A loop inside of an ended item is inside of that item's range: its own ranges would divide that.
    if (isInsideEnded(path, ended)) continue
    const order = fold.steps.get(path)?.step.order
    loops.set(path, { items, position: order === undefined ? null : positionOf(order) })
  }
  const ranges = rangesOutside(loops)
  return record.pages.flatMap(({ low, steps, body }, place) => {
    if (body !== null || steps === 0) return []
    const end = record.pages[place + 1]?.low
    return ranges.some((range) => low < range.high && (end === undefined || range.low < end)) ? [low] : []
  })
}
