import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  ALL_RUNS,
  createRunList,
  type RunFilter,
  type RunList,
  type RunOrder,
} from '../../src/db/lists/run-list.ts'
import {
  createWorkflowList,
  type WorkflowList,
  type WorkflowOrder,
} from '../../src/db/lists/workflow-list.ts'
import type { KeysetPage, KeysetPosition } from '../../src/db/sql/keyset.ts'
import { newId, type JobId, type WorkflowId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { OWNER, STRANGER, storeJob } from '../support/jobs.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

/** Walks a list page by page, forwards or backwards, and gives its ids in the order of the list. */
async function walk(
  page: (page: KeysetPage) => Promise<readonly KeysetPosition[]>,
  { direction, isDescending }: Pick<KeysetPage, 'direction' | 'isDescending'>,
): Promise<readonly string[]> {
  const seen: string[] = []
  let beyond: KeysetPosition | null = null
  for (;;) {
    const found: readonly KeysetPosition[] = await page({ limit: 3, beyond, direction, isDescending })
    const ids = found.map(({ id }) => id)
    if (direction === 'forward') seen.push(...ids)
    else seen.unshift(...ids)
    beyond = (direction === 'forward' ? found.at(-1) : found.at(0)) ?? null
    if (found.length < 3) return seen
  }
}

describe('workflows', () => {
  const NAMES = ['beta', 'Alpha', 'alpha', 'Ωmega', 'ALPHA 2', 'zed', 'beta', '50% off', 'under_score']
  const ids: WorkflowId[] = []
  let list: WorkflowList
  const ALL = { text: null, tags: [], archived: false, published: null }

  beforeAll(async () => {
    list = createWorkflowList(database.pool)
    for (const [index, name] of NAMES.entries()) {
      const id = newId<WorkflowId>()
      ids.push(id)
      // Two of each instant, so that ids break ties.
      await database.pool.query(
        `INSERT INTO workflows (id, owner_id, name, description, tags, draft, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, '{}', to_timestamp($6), to_timestamp($7))`,
        [id, OWNER, name, `About ${index}`, index % 2 ? ['odd', 'all'] : ['all'], index >> 1, -(index >> 1)],
      )
    }
  })

  const expected = (order: WorkflowOrder) => {
    const keyed = ids.map((id, index) => {
      const name = (NAMES[index] ?? '').toLowerCase()
      const key = { CREATED_AT: index >> 1, UPDATED_AT: -(index >> 1), NAME: name }[order]
      return { id, key }
    })
    return keyed.toSorted(
      (a, b) => (a.key === b.key ? (a.id < b.id ? -1 : 1) : 0) || (a.key < b.key ? -1 : 1),
    )
  }

  test.each<WorkflowOrder>(['CREATED_AT', 'UPDATED_AT'])(
    'by %s come without a gap or a repetition, in both directions, from both ends',
    async (order) => {
      const ascending = expected(order).map(({ id }) => id)
      for (const direction of ['forward', 'backward'] as const) {
        for (const isDescending of [true, false]) {
          const seen = await walk((page) => list.page(OWNER, ALL, order, page), { direction, isDescending })
          expect(seen).toEqual(isDescending ? ascending.toReversed() : ascending)
        }
      }
    },
  )

  test('by name come in the database’s own order, capitals or not, the same from both ends', async () => {
    const { rows } = await database.pool.query<{ id: string }>(
      'SELECT id FROM workflows WHERE owner_id = $1 ORDER BY lower(name), id',
      [OWNER],
    )
    const ascending = rows.map(({ id }) => id)
    for (const direction of ['forward', 'backward'] as const) {
      for (const isDescending of [true, false]) {
        const seen = await walk((page) => list.page(OWNER, ALL, 'NAME', page), { direction, isDescending })
        expect(seen).toEqual(isDescending ? ascending.toReversed() : ascending)
      }
    }
  })

  test('go on where a page ended although its last workflow moved or went', async () => {
    const page = { limit: 3, direction: 'forward', isDescending: false } as const
    const first = await list.page(OWNER, ALL, 'CREATED_AT', { ...page, beyond: null })
    const beyond = first.at(-1) ?? null
    const rest = await list.page(OWNER, ALL, 'CREATED_AT', { ...page, beyond })
    await database.pool.query(`UPDATE workflows SET created_at = now(), deleted_at = now() WHERE id = $1`, [
      beyond?.id,
    ])
    expect(await list.page(OWNER, ALL, 'CREATED_AT', { ...page, beyond })).toEqual(rest)
    await database.pool.query(
      `UPDATE workflows SET created_at = $2::timestamptz, deleted_at = NULL WHERE id = $1`,
      [beyond?.id, beyond?.value],
    )
  })

  test.each<[text: string, names: readonly string[]]>([
    ['alpha', ['Alpha', 'alpha', 'ALPHA 2']],
    ['ABOUT 3', ['Ωmega']],
    ['0%', ['50% off']],
    ['r_s', ['under_score']],
    ['ΩMEGA', ['Ωmega']],
    ['a_p', []],
    ['\\', []],
  ])('are found by %s', async (text, names) => {
    const page = { limit: 100, beyond: null, direction: 'forward', isDescending: false } as const
    const found = await list.page(OWNER, { ...ALL, text }, 'CREATED_AT', page)
    expect(found.map(({ id }) => NAMES[ids.indexOf(id as WorkflowId)])).toEqual(names)
    expect(await list.count(OWNER, { ...ALL, text })).toBe(names.length)
  })

  test('are found by all of several tags', async () => {
    expect(await list.count(OWNER, { ...ALL, tags: ['all'] })).toBe(9)
    expect(await list.count(OWNER, { ...ALL, tags: ['all', 'odd'] })).toBe(4)
    expect(await list.count(OWNER, { ...ALL, tags: ['odd', 'none'] })).toBe(0)
    expect(await list.count(STRANGER, { ...ALL, tags: ['all'] })).toBe(0)
  })
})

describe('runs', () => {
  let list: RunList
  let workflowId: WorkflowId
  const jobs: JobId[] = []
  const at = (minute: number) => Date.UTC(2026, 0, 1, 0, minute)

  beforeAll(async () => {
    list = createRunList(database.pool)
    workflowId = newId<WorkflowId>()
    await database.pool.query(
      `INSERT INTO workflows (id, owner_id, name, draft) VALUES ($1, $2, 'Run', '{}')`,
      [workflowId, STRANGER],
    )
    for (let index = 0; index < 12; index++) {
      jobs.push(
        await storeJob(database.pool, {
          ownerId: STRANGER,
          at: at(index >> 1),
          workflowId: index % 2 ? workflowId : null,
          mode: index % 3 ? 'production' : 'test',
          tags: index % 4 ? ['often'] : ['often', 'rarely'],
          type: index === 11 ? 'SEARCH' : 'WORKFLOW',
        }),
      )
    }
    const end = (index: number, status: string, minute: number) =>
      database.pool.query(
        `UPDATE jobs SET status = $2, wake_at = NULL, finished_at = to_timestamp($3::float8 / 1000),
           error = CASE WHEN $2 = 'FAILED' THEN '{"code":"HTTP_ERROR","message":"It answered 503"}'::json END
         WHERE id = $1`,
        [jobs[index], status, at(minute)],
      )
    await end(0, 'COMPLETED', 59)
    await end(1, 'FAILED', 30)
    await end(2, 'FAILED', 30)
    await end(3, 'CANCELED', 10)
    await database.pool.query(
      `UPDATE jobs SET cancel_requested_at = now(), commands_sent = 1 WHERE id = $1`,
      [jobs[4]],
    )
  })

  const indexesOf = async (filter: Partial<RunFilter>, order: RunOrder = 'CREATED_AT') => {
    const whole = { ...ALL_RUNS, ...filter }
    const page = { limit: 100, beyond: null, direction: 'forward', isDescending: false } as const
    const found = await list.page(STRANGER, whole, order, page)
    expect(await list.count(STRANGER, whole, order)).toBe(found.length)
    expect(await list.page(OWNER, whole, order, page)).toEqual([])
    return found.map(({ id }) => jobs.indexOf(id as JobId))
  }
  const time = (minute: number) => new Date(at(minute))

  test.each<[what: string, filter: Partial<RunFilter>, indexes: readonly number[]]>([
    ['their workflow', { workflowId: undefined }, []],
    ['one state', { statuses: ['FAILED'] }, [1, 2]],
    ['several states, open and ended', { statuses: ['CANCELED', 'CANCELING', 'COMPLETED'] }, [0, 3, 4]],
    [
      'an open state, without those that are being canceled',
      { statuses: ['QUEUED'] },
      [5, 6, 7, 8, 9, 10, 11],
    ],
    ['no state at all', { statuses: [] }, []],
    ['their mode', { modes: ['test'] }, [0, 3, 6, 9]],
    ['a tag', { tags: ['rarely'] }, [0, 4, 8]],
    ['all of several tags', { tags: ['rarely', 'often'] }, [0, 4, 8]],
    ['a tag that none has', { tags: ['never'] }, []],
    ['their type', { types: ['SEARCH'] }, [11]],
    ['when they were accepted', { created: { after: time(1), before: time(3) } }, [2, 3, 4, 5]],
    ['when they ended', { finished: { after: time(10), before: time(59) } }, [1, 2, 3]],
    ['text in the error’s message', { errorText: 'ANSWERED 5' }, [1, 2]],
    ['text in the error’s code', { errorText: 'http_' }, [1, 2]],
    ['text in no error', { errorText: '%' }, []],
    ['several conditions at once', { statuses: ['FAILED'], modes: ['production'], tags: ['often'] }, [1, 2]],
  ])('are found by %s', async (_what, filter, indexes) => {
    if ('workflowId' in filter) {
      expect(await indexesOf({ workflowId })).toEqual([1, 3, 5, 7, 9, 11])
      expect(await indexesOf({ workflowId, statuses: ['FAILED'] })).toEqual([1])
      expect(
        await indexesOf({ workflowId, tags: ['often'], created: { after: time(4), before: null } }),
      ).toEqual([9, 11])
      return
    }
    expect(await indexesOf(filter)).toEqual(indexes)
  })

  test('by their end are those that ended', async () => {
    expect(await indexesOf({}, 'FINISHED_AT')).toEqual([3, 1, 2, 0])
    expect(await indexesOf({ workflowId }, 'FINISHED_AT')).toEqual([3, 1])
  })

  test.each<[order: RunOrder, ids: () => readonly string[]]>([
    ['CREATED_AT', () => jobs],
    ['FINISHED_AT', () => [3, 1, 2, 0].map((index) => jobs[index] ?? '')],
  ])('by %s come without a gap or a repetition, from both ends', async (order, ids) => {
    for (const direction of ['forward', 'backward'] as const) {
      for (const isDescending of [true, false]) {
        const seen = await walk((page) => list.page(STRANGER, ALL_RUNS, order, page), {
          direction,
          isDescending,
        })
        expect(seen).toEqual(isDescending ? ids().toReversed() : ids())
      }
    }
  })

  test('of several workflows come in one statement', async () => {
    const none = newId<WorkflowId>()
    const under = (ids: readonly string[]) => ({ kind: 'workflow', ids }) as const
    const page = { limit: 2, beyond: null, direction: 'forward', isDescending: true } as const
    const [empty, newest] = await list.pagesOf(STRANGER, under([none, workflowId]), page)
    expect(empty).toEqual([])
    expect(newest?.map(({ id }) => jobs.indexOf(id as JobId))).toEqual([11, 9])
    const before = { ...page, direction: 'backward', beyond: newest?.[1] ?? null } as const
    expect(
      (await list.pagesOf(STRANGER, under([workflowId]), before))[0]?.map(({ id }) =>
        jobs.indexOf(id as JobId),
      ),
    ).toEqual([11])
    expect(await list.pagesOf(OWNER, under([workflowId]), page)).toEqual([[]])
    expect(await list.countsOf(STRANGER, under([none, workflowId]))).toEqual([0, 6])
    expect(await list.countsOf(OWNER, under([workflowId]))).toEqual([0])
  })

  test('that retry others come by their ids, from both ends, and under their own original alone', async () => {
    const [original = '', ...retries] = jobs
    await database.pool.query(
      `UPDATE executions SET retry_of = $1, retry_from = 'START' WHERE id = ANY($2::uuid[])`,
      [original, retries],
    )
    const under = { kind: 'original', ids: [retries[0] ?? '', original] } as const
    for (const direction of ['forward', 'backward'] as const) {
      for (const isDescending of [true, false]) {
        const page = async (place: KeysetPage) => {
          const [none, found = []] = await list.retriesOf(STRANGER, under.ids, place)
          expect(none).toEqual([])
          return found
        }
        const seen = await walk(page, { direction, isDescending })
        expect(seen).toEqual(isDescending ? retries.toSorted().toReversed() : retries.toSorted())
      }
    }
    expect(await list.countsOf(STRANGER, under)).toEqual([0, retries.length])
    expect(await list.countsOf(OWNER, under)).toEqual([0, 0])
  })
})
