import type { StepHistory } from '../../engine/mocks/index.ts'
import type { JobId, OwnerId, WorkflowId } from '../../lib/index.ts'
import { decodeStep, newestOf, newestSteps, type NewestStep } from '../log/index.ts'
import { readPages, readTails } from '../log-reads/index.ts'
import type { Queryable } from '../sql/index.ts'

export interface StepHistoryStore {
  /** Returns how long the calls of a workflow's nodes took in its newest production runs, by node id. */
  of(ownerId: OwnerId, workflowId: WorkflowId): Promise<ReadonlyMap<string, StepHistory>>
}

/** Maximum number of executions that are read, the newest ones: older ones say less about the time that a call takes now. */
export const HISTORY_MAX_EXECUTIONS = 20
/** Maximum number of completed steps that are read of one execution: a loop has steps for each item. */
export const HISTORY_MAX_STEPS = 1_000

/** What is on record of a workflow's steps, summed up. Memory holds the durations and one piece of the logs at a time. */
export function createStepHistoryStore(pool: Queryable): StepHistoryStore {
  return {
    async of(ownerId, workflowId) {
      const { rows } = await pool.query<{ id: JobId }>(
        `SELECT id FROM executions
         WHERE owner_id = $1 AND workflow_id = $2 AND mode = 'production' ORDER BY id DESC LIMIT $3`,
        [ownerId, workflowId, HISTORY_MAX_EXECUTIONS],
      )
      const jobs = rows.map(({ id }) => ({ id, ownerId }))
      const durations = new Durations()
      for await (const tails of readTails(pool, jobs, { of: 'all' })) {
        const paged: Paged[] = []
        for (const { job, pagedNo, rows: entries } of tails) {
          const key = jobs[job]
          if (!key) continue
          const steps = newestSteps(entries)
          const left = durations.add(steps.values(), HISTORY_MAX_STEPS)
          if (pagedNo > 0 && left > 0) paged.push({ ...key, known: new Set(steps.keys()), left })
        }
        await addPages(pool, paged, durations)
      }
      return durations.byNode
    },
  }
}

interface Paged {
  readonly id: JobId
  readonly ownerId: OwnerId
  /** The paths of steps that are read. */
  readonly known: Set<string>
  /** How many completed steps are still to be read. */
  left: number
}

async function addPages(pool: Queryable, jobs: readonly Paged[], durations: Durations): Promise<void> {
  const wanted = { with: 'steps', limit: HISTORY_MAX_STEPS, text: null } as const
  for await (const pages of readPages(pool, jobs, wanted)) {
    for (const { job: place, steps: paged } of pages) {
      const job = jobs[place]
      if (!job || job.left === 0) continue
      const steps = newestOf(paged).filter(({ change }) => !job.known.has(change.p))
      for (const { change } of steps) job.known.add(change.p)
      job.left = durations.add(steps, job.left)
    }
  }
}

class Durations {
  readonly #byNode = new Map<string, number[]>()

  /** Adds the last attempts of the first `limit` completed steps. Returns how many fewer there were. */
  add(steps: Iterable<NewestStep>, limit: number): number {
    let left = limit
    for (const { change, at } of steps) {
      if (left === 0) return 0
      const { status, nodeId, attempts } = decodeStep(change, at)
      if (status !== 'COMPLETED') continue
      left--
      const last = attempts.at(-1)
      if (!last) continue
      const durations = this.#byNode.get(nodeId) ?? []
      this.#byNode.set(nodeId, durations)
      durations.push(Date.parse(last.finishedAt) - Date.parse(last.startedAt))
    }
    return left
  }

  get byNode(): ReadonlyMap<string, StepHistory> {
    return new Map(
      [...this.#byNode].map(([nodeId, durations]) => [
        nodeId,
        { p50DurationMs: Math.round(median(durations)), count: durations.length },
      ]),
    )
  }
}

/** Of a list that is not empty. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2
}
