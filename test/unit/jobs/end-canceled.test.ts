import { expect, test } from '@jest/globals'
import type { StepState } from '../../../src/db/executions/step-state.ts'
import type { UnheldJob } from '../../../src/db/executions/tree-cancel-store.ts'
import {
  createEndCanceled,
  END_BATCH_JOBS,
  END_GROUP_JOBS,
  END_GROUP_BYTES,
  UNHELD_END_MAX_STEPS,
} from '../../../src/jobs/worker/end-canceled.ts'
import type { DefinitionId, JobId } from '../../../src/lib/ids.ts'

const STEP_BYTES = 100

interface World {
  /** Another process ends the jobs. */
  readonly isLost?: boolean
  /** Jobs whose ends the database refuses. */
  readonly refused?: readonly string[]
  /** Whether the steps on record are open. Default: all of them have ended. */
  readonly areOpen?: boolean
}

/** Canceled jobs that have this many steps on record each. */
function open(counts: readonly number[], { isLost = false, refused = [], areOpen = false }: World = {}) {
  const definition = { id: 'definition' as DefinitionId, hash: 'hash' }
  const jobs = counts.map((count, n) => {
    const stepBytes = count * STEP_BYTES
    return { id: `job${n}`, ownerId: 'owner', fence: 1n, status: 'WAITING', definition, stepBytes }
  }) as unknown as readonly UnheldJob[]
  const read: string[][] = []
  const ended: string[] = []
  const claimed: string[] = []
  const skipped: number[] = []
  const endCanceled = createEndCanceled({
    store: {
      unbegunDefinitions: () => Promise.resolve([]),
      endUnbegun: () => Promise.resolve([]),
      unheld(limit, skip) {
        skipped.push(skip)
        return Promise.resolve(jobs.slice(skip, skip + limit))
      },
      claimUnheld(_, ids) {
        claimed.push(...ids)
        return Promise.resolve(jobs.filter(({ id }) => ids.includes(id)) as never)
      },
      cancelChildren: () => Promise.resolve([]),
      openSteps(some) {
        read.push(some.map(({ id }) => id))
        return Promise.resolve(new Map(some.map(({ id }) => [id, areOpen ? openSteps(jobs, id) : []])))
      },
    },
    ends: {
      write(ends) {
        const ids = ends.map(({ read: { jobId } }) => jobId)
        const written = isLost ? [] : ids.filter((id) => !refused.includes(id))
        ended.push(...written)
        return Promise.resolve({ ended: written, refused: ids.filter((id) => refused.includes(id)) })
      },
    },
    journal: {
      open: ({ jobId }) => ({ append: async () => void ended.push(jobId) }) as never,
    },
    plans: {
      validate: () => Promise.resolve({ plan: null, diagnostics: [], secretUses: [], size: null } as never),
    },
    wakeups: { news: () => undefined, canceled: () => undefined },
    clock: { now: () => 0 },
    random: () => 0.5,
    logger: { error: () => undefined },
    lease: { workerId: 'worker', leaseMs: 1_000 } as never,
    claims: { open: () => () => true, abandon: () => undefined },
  })
  return { endCanceled, jobs, read, ended, claimed, skipped }
}

function openSteps(jobs: readonly UnheldJob[], id: JobId): readonly StepState[] {
  const count = (jobs.find((job) => job.id === id)?.stepBytes ?? 0) / STEP_BYTES
  return Array.from({ length: count }, (_, n) => {
    return {
      path: `loop[${n}]/a`,
      nodeId: 'a',
      status: 'WAITING',
      attempt: 1,
      attempts: [],
      finishedAt: null,
    }
  }) as unknown as readonly StepState[]
}

test('the open steps of canceled executions are read for few executions at a time where they have many', async () => {
  const { endCanceled, jobs, read, ended } = open([10, 2_000, 2_900, 1_000, 9_000, 50, 50])
  expect(await endCanceled()).toBe(jobs.length)
  expect(read).toEqual([['job0', 'job1', 'job2'], ['job3'], ['job4'], ['job5', 'job6']])
  expect(ended.toSorted()).toEqual(jobs.map(({ id }) => id))
  expect(END_GROUP_BYTES).toBe(524_288)
})

test('a canceled execution ends under a claim where its end closes more than 500 steps or is refused, and else without one', async () => {
  const { endCanceled, jobs, ended, claimed } = open([1, 501, 500, 1], { refused: ['job3'], areOpen: true })
  expect(await endCanceled()).toBe(jobs.length)
  expect(claimed).toEqual(['job1', 'job3'])
  expect(ended.toSorted()).toEqual(jobs.map(({ id }) => id))
  expect(UNHELD_END_MAX_STEPS).toBe(500)
})

test('at most 500 canceled executions end in one statement', async () => {
  const { endCanceled, read } = open(Array(1_200).fill(1))
  expect(await endCanceled()).toBe(END_BATCH_JOBS)
  expect(read.map(({ length }) => length)).toEqual([END_GROUP_JOBS, END_GROUP_JOBS])
})

test('a process whose canceled executions are ended by another one continues with others, and ends none of them twice', async () => {
  const { endCanceled, skipped } = open(Array(1_200).fill(1), { isLost: true })
  expect(await endCanceled()).toBe(0)
  // Behind all of them there is none: the first ones are read again.
  expect(await endCanceled()).toBe(0)
  expect(skipped).toEqual([0, 10_000, 0])
})
