import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { createExecutionStore } from '../../src/db/executions/execution-store.ts'
import { eventCode } from '../../src/db/log/codes.ts'
import { completed } from '../../src/engine/block/block.ts'
import { defineBlock } from '../../src/engine/block/define-block.ts'
import type { EventKind } from '../../src/engine/record/event.ts'
import { readGlobalId } from '../../src/lib/global-id.ts'
import type { JobId } from '../../src/lib/ids.ts'
import { start } from '../support/fleet.ts'
import { createGraphqlClient } from '../support/graphql-client.ts'
import { jobRow, OWNER, timelineKinds } from '../support/jobs.ts'
import {
  APPROVAL,
  APPROVED,
  BOUGHT,
  CHILD,
  DELIVERY,
  ORDER,
  ORDERED,
  parentOf,
  PURCHASE,
  WITH_CHILD,
} from '../support/ledger-definitions.ts'
import { openMortalServer, type MortalServer } from '../support/mortal-server.ts'
import { brokenPromises } from '../support/promises.ts'
import { EXECUTE } from '../support/runs.ts'

/** The journal's statement and that of a start. */
const COMMIT = 'journal-flush'
const START = 'job-insert'
/** For one kill -9 and one start, on a machine that does much else. */
const PATIENCE_MS = 240_000
/** Longer than a process takes to be killed and to start: it comes due while nobody is there. */
const WAIT_MS = 1_500

const SIDES = ['before', 'after'] as const
type Side = (typeof SIDES)[number]

let mortal: MortalServer

describe('killed at a commit, an execution ends as an unbroken one:', () => {
  beforeAll(async () => {
    mortal = await openMortalServer()
    await mortal.boot()
  }, PATIENCE_MS)
  afterAll(() => mortal.close(), PATIENCE_MS)

  test(
    'the unbroken one, for comparison',
    async () => {
      const id = await startRun(ORDER)
      await expectOutput(id, ORDERED)
      expect(callsOf(id)).toBe(5)
    },
    PATIENCE_MS,
  )

  test.each(
    bothSidesOf([
      ['of its start', 'JOB_STARTED', 1],
      ['of the first call’s result', 'STEP_COMPLETED', 1],
      ['of the loop’s second item', 'LOOP_ITEM_COMPLETED', 2],
      ['of a delay', 'STEP_WAITING', 1],
      ['of its end', 'JOB_COMPLETED', 1],
    ]),
  )(
    '%s the commit %s',
    async (side, _what, kind, nth) => {
      await mortal.boot()
      const struck = mortal.killAt({ statement: COMMIT, holding: eventText(kind), nth, side })
      const id = await startRun(ORDER)
      await struck
      await mortal.boot()
      await expectOutput(id, ORDERED)
      // At most the one call that was under way is made again.
      expect(callsOf(id)).toBeLessThanOrEqual(6)
    },
    PATIENCE_MS,
  )

  test.each(
    bothSidesOf([
      ['that parks it for a signal', 'JOB_WAITING', 1],
      ['that uses the signal', 'SIGNAL_RECEIVED', 1],
    ]),
  )(
    '%s the commit %s',
    async (side, _what, kind, nth) => {
      await mortal.boot()
      const struck = mortal.killAt({ statement: COMMIT, holding: eventText(kind), nth, side })
      const id = await startRun(APPROVAL)
      if (kind === 'JOB_WAITING') await struck
      else await mortal.standsAt(id, 'WAITING')
      await approve(id)
      await struck
      await mortal.boot()
      await expectOutput(id, APPROVED)
      expect(callsOf(id)).toBe(2)
    },
    PATIENCE_MS,
  )

  test.each(bothSidesOf([['of a child’s end', 'JOB_COMPLETED', 1]]))(
    '%s the commit %s',
    async (side, _what, kind, nth) => {
      await mortal.boot()
      const definition = parentOf(await storeChild())
      const struck = mortal.killAt({ statement: COMMIT, holding: eventText(kind), nth, side })
      const id = await startRun(definition)
      await struck
      await mortal.boot()
      await expectOutput(id, WITH_CHILD)
      expect(await childrenOf(id)).toMatchObject([{ status: 'COMPLETED' }])
    },
    PATIENCE_MS,
  )

  test.each(bothSidesOf([['of a cancel’s end', 'JOB_CANCELED', 1]]))(
    '%s the commit %s (P5)',
    async (side, _what, kind, nth) => {
      await mortal.boot()
      const id = await startHanging(ORDER, '/items/b')
      const struck = mortal.killAt({ statement: COMMIT, holding: eventText(kind), nth, side })
      await mortal.api.jobs.cancelJob(id)
      await struck
      await mortal.boot()
      expect((await mortal.endOf(id)).status).toBe('CANCELED')
      expect(await broken(id)).toEqual([])
      // The cancel stands: the call that hung is not made again.
      expect(callsOf(id)).toBe(3)
    },
    PATIENCE_MS,
  )

  test.each(SIDES.map((side) => [side] as const))(
    '%s the commit that accepts it; sent again with its key it is one execution (P1)',
    async (side) => {
      const struck = mortal.killAt({ statement: START, side })
      const key = randomUUID()
      await expect(startOverGraphql(key)).rejects.toThrow()
      await struck
      expect(await jobsWithKey(key)).toHaveLength(side === 'before' ? 0 : 1)
      const id = await startOverGraphql(key)
      expect(await jobsWithKey(key)).toEqual([id])
      await expectOutput(id, ORDERED)
    },
    PATIENCE_MS,
  )
})

describe('killed in between, an execution ends as an unbroken one:', () => {
  const ids = new Map<string, JobId>()
  const idOf = (what: string) => ids.get(what) as JobId

  // One kill for all: each stands at its point when it comes.
  beforeAll(async () => {
    mortal = await openMortalServer()
    await mortal.boot()
    const child = await storeChild()
    ids.set('call', await startHanging(ORDER, '/first'))
    ids.set('loop', await startHanging(ORDER, '/items/b'))
    ids.set('kept', await startHanging(APPROVAL, '/first'))
    ids.set('pausing', await startHanging(ORDER, '/first'))
    ids.set('child', await startHanging(parentOf(child), '/inside'))
    for (const what of ['sent while down', 'sent after', 'paused']) ids.set(what, await startRun(APPROVAL))
    for (const what of ['sent while down', 'sent after', 'paused', 'child'])
      await mortal.standsAt(idOf(what), 'WAITING')
    await mortal.api.jobs.pauseJob(idOf('paused'))
    await mortal.standsAt(idOf('paused'), 'PAUSED')
    await mortal.api.jobs.pauseJob(idOf('pausing'))
    await approve(idOf('kept'))
    ids.set('timer', await startRun(ORDER, WAIT_MS))
    await mortal.standsAt(idOf('timer'), 'WAITING')
    await mortal.kill()
    await approve(idOf('sent while down'))
    await mortal.boot()
  }, PATIENCE_MS)
  afterAll(() => mortal.close(), PATIENCE_MS)

  test(
    'during a call, which is made once more under its key',
    async () => {
      await expectOutput(idOf('call'), ORDERED)
      expect(callsOf(idOf('call'))).toBe(6)
    },
    PATIENCE_MS,
  )

  test(
    'in the middle of a loop, whose ended items are not run again',
    async () => {
      await expectOutput(idOf('loop'), ORDERED)
      expect(callsOf(idOf('loop'))).toBe(6)
    },
    PATIENCE_MS,
  )

  test(
    'while a timer runs, which fires once',
    async () => {
      await expectOutput(idOf('timer'), ORDERED)
      expect(callsOf(idOf('timer'))).toBe(5)
    },
    PATIENCE_MS,
  )

  test(
    'behind a signal that came before its wait, which is kept',
    async () => {
      await expectOutput(idOf('kept'), APPROVED)
      expect(callsOf(idOf('kept'))).toBe(3)
    },
    PATIENCE_MS,
  )

  test(
    'while it waits for a signal, which is sent while nobody is there',
    async () => {
      await expectOutput(idOf('sent while down'), APPROVED)
      expect(callsOf(idOf('sent while down'))).toBe(2)
    },
    PATIENCE_MS,
  )

  test(
    'while it waits for a signal, which is sent to the next process',
    async () => {
      expect((await jobRow(mortal.database.pool, idOf('sent after'))).status).toBe('WAITING')
      await approve(idOf('sent after'))
      await expectOutput(idOf('sent after'), APPROVED)
      expect(callsOf(idOf('sent after'))).toBe(2)
    },
    PATIENCE_MS,
  )

  test(
    'while it is paused: it stays so until it is resumed',
    async () => {
      await approve(idOf('paused'))
      expect((await jobRow(mortal.database.pool, idOf('paused'))).status).toBe('PAUSED')
      await mortal.api.jobs.resumeJob(idOf('paused'))
      await expectOutput(idOf('paused'), APPROVED)
      expect(callsOf(idOf('paused'))).toBe(2)
    },
    PATIENCE_MS,
  )

  test(
    'while it is about to pause: it pauses, and calls again once it is resumed',
    async () => {
      await mortal.standsAt(idOf('pausing'), 'PAUSED')
      expect(callsOf(idOf('pausing'))).toBe(1)
      await mortal.api.jobs.resumeJob(idOf('pausing'))
      await expectOutput(idOf('pausing'), ORDERED)
      expect(callsOf(idOf('pausing'))).toBe(6)
    },
    PATIENCE_MS,
  )

  test(
    'while a child runs, which is recovered by itself and not started again',
    async () => {
      await expectOutput(idOf('child'), WITH_CHILD)
      const children = await childrenOf(idOf('child'))
      expect(children).toMatchObject([{ status: 'COMPLETED' }])
      expect(callsOf(children[0]?.id as JobId)).toBe(2)
      expect(await broken(children[0]?.id as JobId)).toEqual([])
    },
    PATIENCE_MS,
  )
})

describe('what must not be bought twice is not, killed', () => {
  const buyBlock = defineBlock({
    type: 'test.buy',
    name: 'Buy',
    description: 'Stands for the block of the process that is killed.',
    effect: 'external',
    repeat: 'never',
    config: z.strictObject({ url: z.string(), deliveryUrl: z.string().optional() }),
    output: z.json(),
    sample: null,
    run: async () => completed(null),
  })

  beforeAll(async () => {
    const blockModule = fileURLToPath(new URL('../support/purchase-blocks.js', import.meta.url))
    mortal = await openMortalServer({ blockModule, blocks: [buyBlock] })
  }, PATIENCE_MS)
  afterAll(() => mortal.close(), PATIENCE_MS)

  test.each([
    ['before the commit of the attempt’s start: it is bought then', 'before', 'STEP_STARTED', 'bought', 1],
    ['after that commit: whether it was called is unknown', 'after', 'STEP_STARTED', 'unknown', 0],
    ['before the commit of its result: that is unknown, too', 'before', 'STEP_COMPLETED', 'unknown', 1],
    ['after that commit: it has been bought', 'after', 'STEP_COMPLETED', 'bought', 1],
  ] as const)(
    '%s',
    async (_what, side, kind, end, purchases) => {
      await mortal.boot()
      const struck = mortal.killAt({ statement: COMMIT, holding: eventText(kind), side })
      const id = await startRun(PURCHASE)
      await struck
      await mortal.boot()
      await expectPurchase(id, { end, purchases })
    },
    PATIENCE_MS,
  )

  test(
    'during the call: its outcome is unknown',
    async () => {
      await mortal.boot()
      const id = await startHanging(PURCHASE, '/purchase')
      await mortal.kill()
      await mortal.boot()
      await expectPurchase(id, { end: 'unknown', purchases: 1 })
    },
    PATIENCE_MS,
  )

  test(
    'behind a checkpoint: the next attempt goes on from there',
    async () => {
      await mortal.boot()
      const id = await startHanging(DELIVERY, '/delivery')
      await mortal.kill()
      await mortal.boot()
      await expectPurchase(id, { end: 'bought', purchases: 1 })
      expect(mortal.ledger.count(`${id}/buy/delivery`)).toBe(2)
    },
    PATIENCE_MS,
  )
})

function bothSidesOf(points: readonly (readonly [what: string, kind: EventKind, nth: number])[]) {
  return points.flatMap((point) => SIDES.map((side): [Side, string, EventKind, number] => [side, ...point]))
}

/** How an event of this kind begins in the values of a flush. */
function eventText(kind: EventKind): string {
  return `["${eventCode(kind)}",`
}

function startRun(definition: object, delayMs = 50): Promise<JobId> {
  return start(mortal.api, definition, { input: { ledger: mortal.ledger.url, delayMs } })
}

/** Starts a run and resolves when it waits for the answer of a call to that path, which never comes. */
async function startHanging(definition: object, path: string): Promise<JobId> {
  const held = mortal.ledger.holdNext(path)
  const id = await startRun(definition)
  await held
  return id
}

/** As a client does, by the process that is killed. */
async function startOverGraphql(idempotencyKey: string): Promise<JobId> {
  const { url } = await mortal.boot()
  const input = { definition: ORDER, input: { ledger: mortal.ledger.url, delayMs: 50 }, idempotencyKey }
  const { executeWorkflow } = await createGraphqlClient(url).ask(EXECUTE, { input })
  if (executeWorkflow.__typename !== 'ExecuteWorkflowPayload') throw new Error(executeWorkflow.__typename)
  return readGlobalId<JobId>('Job', executeWorkflow.job.id) as JobId
}

async function jobsWithKey(key: string): Promise<JobId[]> {
  const { rows } = await mortal.database.pool.query<{ job_id: JobId }>(
    'SELECT job_id FROM idempotency_keys WHERE key = $1',
    [key],
  )
  return rows.map(({ job_id }) => job_id)
}

async function approve(id: JobId): Promise<void> {
  const sent = await mortal.api.jobs.signalJob(id, { name: 'approval', payload: { by: 'Ada' } })
  expect(sent.kind).toBe('sent')
}

async function storeChild(): Promise<string> {
  const saved = await mortal.api.services.drafts.create(OWNER, { name: 'child', definition: CHILD })
  if (saved.kind !== 'saved') throw new Error(saved.kind)
  return saved.id
}

async function childrenOf(id: JobId): Promise<{ id: JobId; status: string }[]> {
  const query = 'SELECT id, status FROM jobs WHERE parent_id = $1'
  return (await mortal.database.pool.query<{ id: JobId; status: string }>(query, [id])).rows
}

async function expectOutput(id: JobId, output: unknown): Promise<void> {
  expect(await mortal.endOf(id)).toMatchObject({ status: 'COMPLETED', error: null })
  expect((await createExecutionStore(mortal.database.pool).details(id))?.output).toEqual(output)
  expect(await broken(id)).toEqual([])
}

async function expectPurchase(
  id: JobId,
  { end, purchases }: { end: 'bought' | 'unknown'; purchases: number },
): Promise<void> {
  if (end === 'bought') await expectOutput(id, BOUGHT)
  else {
    const { status, error } = await mortal.endOf(id)
    expect([status, error?.code]).toEqual(['FAILED', 'CALL_OUTCOME_UNKNOWN'])
    expect(await timelineKinds(mortal.database.pool, id)).toContain('STEP_FAILED')
    expect(await broken(id)).toEqual([])
  }
  expect(mortal.ledger.count(`${id}/buy`)).toBe(purchases)
}

function broken(id: JobId): Promise<readonly string[]> {
  return brokenPromises({ pool: mortal.database.pool, ledger: mortal.ledger }, id)
}

function callsOf(id: JobId): number {
  return mortal.ledger.calls.filter(({ key }) => key.startsWith(id)).length
}
