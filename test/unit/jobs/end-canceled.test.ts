import { expect, test } from '@jest/globals'
import type { ClaimedJob } from '../../../src/db/jobs/job-claims.ts'
import { createEndCanceled, END_GROUP_BYTES } from '../../../src/jobs/worker/end-canceled.ts'
import type { DefinitionId, JobId } from '../../../src/lib/ids.ts'

test('the open steps of canceled executions are read for few executions at a time where they have many', async () => {
  const sizes = [1_000, 200_000, 290_000, 100_000, 900_000, 5_000, 5_000]
  const jobs = sizes.map((_, n) => ({ id: `job${n}`, ownerId: 'owner', fence: 1n }) as unknown as ClaimedJob)
  const read: string[][] = []
  const endCanceled = createEndCanceled({
    store: {
      unbegunDefinitions: () => Promise.resolve([]),
      endUnbegun: () => Promise.resolve([]),
      claimUnheld: () => Promise.resolve(jobs),
      cancelChildren: () => Promise.resolve([]),
      endings: () =>
        Promise.resolve(
          new Map(
            sizes.map((stepBytes, n) => {
              const definition = { id: 'definition' as DefinitionId, hash: 'hash' }
              return [`job${n}` as JobId, { status: 'WAITING', isBegun: true, definition, stepBytes }]
            }),
          ),
        ),
      openSteps(some) {
        read.push(some.map(({ id }) => id))
        return Promise.resolve(new Map())
      },
    },
    journal: {
      open: () => {
        throw new Error('this test writes nothing')
      },
    },
    plans: {
      validate: () => Promise.resolve({ plan: null, diagnostics: [], secretUses: [], size: null } as never),
    },
    wakeups: { news: () => undefined, canceled: () => undefined },
    clock: { now: () => 0 },
    logger: { error: () => undefined },
    lease: { workerId: 'worker', leaseMs: 1_000 } as never,
    claims: { open: () => () => true, abandon: () => undefined },
  })
  expect(await endCanceled()).toBe(sizes.length)
  expect(read.flat()).toEqual(jobs.map(({ id }) => id))
  expect(read).toEqual([['job0', 'job1', 'job2'], ['job3'], ['job4'], ['job5', 'job6']])
  expect(END_GROUP_BYTES).toBe(524_288)
})
