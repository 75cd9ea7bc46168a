import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Lume } from '../../src/app.ts'
import { createExecutionStore } from '../../src/db/executions/execution-store.ts'
import { globalId } from '../../src/lib/global-id.ts'
import type { JobId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createFleet, start, type Fleet } from '../support/fleet.ts'
import { createCommandStore } from '../../src/db/jobs/command-store.ts'
import { jobRow, OWNER, storeJob, timelineKinds } from '../support/jobs.ts'
import { createProbe, probes, type Probe, type ProbeCall } from '../support/probe.ts'
import { recordEntries, sendTo } from '../support/record-entries.ts'
import { recordOf } from '../support/recorded.ts'
import { until } from '../support/until.ts'

let database: TestDatabase
let probe: Probe
let fleet: Fleet
let lume: Lume

beforeAll(async () => {
  database = await createTestDatabase()
})

beforeEach(async () => {
  await database.pool.query('TRUNCATE jobs, workflows CASCADE')
  probe = createProbe()
  fleet = createFleet(database)
  lume = await open()
})

afterEach(() => fleet.close())

afterAll(() => database.drop())

const open = (concurrency = 10) => fleet.open({ concurrency }, { blocks: [probe.block] })

const standsAt = (id: JobId, status: string) =>
  until(`job ${id} is ${status}`, async () => (await jobRow(database.pool, id)).status === status)

/** The holder has read the inbox: its next commit says so, and the call that runs makes one. */
const hasRead = (id: JobId, call: ProbeCall) =>
  until('the holder has read its inbox', async () => {
    call.beat()
    const { commands_applied, commands_sent } = await jobRow(database.pool, id)
    return commands_applied === commands_sent
  })

async function outputOf(id: JobId): Promise<unknown> {
  return createExecutionStore(database.pool).output({ id, ownerId: OWNER })
}

async function messagesTo(id: JobId): Promise<number | null> {
  return (await database.pool.query('SELECT FROM commands WHERE job_id = $1', [id])).rowCount
}

async function itemsOf(id: JobId): Promise<number> {
  return (await recordOf(database.pool, id)).items.length
}

/** As if as many signals had been sent that no step waits for. */
async function putUnusedSignals(id: JobId, count: number): Promise<void> {
  await database.pool.query(
    `WITH job AS (
       UPDATE jobs SET commands_sent = commands_sent + $2 WHERE id = $1
       RETURNING owner_id, id, commands_sent - $2 AS before
     )
     INSERT INTO commands (owner_id, job_id, number, kind, payload)
     SELECT owner_id, id, before + n, 'SIGNAL', '{"name":"x","path":null,"payload":null}'
     FROM job, generate_series(1, $2) AS n`,
    [id, count],
  )
}

const waitFor = (id: string, config: object = {}) => ({
  id,
  type: 'core.waitForSignal',
  config: { name: 'approval', ...config },
})

test('neither the bound of an inbox nor its reading needs the payloads of signals that lie in it', async () => {
  await lume.close()
  const { pool } = database
  const id = await storeJob(pool)
  const store = createCommandStore(pool)
  const signal = (payload: string, path: string | null) =>
    store.send(OWNER, id, { kind: 'SIGNAL', name: 'approval', path, payload, key: null })
  const MIB = 1024 * 1024
  for (let n = 0; n < 7; n++)
    expect(await signal('x'.repeat(MIB), n === 0 ? 'ask' : null)).toEqual({ kind: 'sent' })
  await pool.query(`UPDATE commands SET payload = '{}' WHERE job_id = $1`, [id])
  expect(await signal('x'.repeat(MIB), null)).toEqual({ kind: 'full' })
  const { commands } = await store.after(id, 0)
  expect(commands).toHaveLength(7)
  expect(commands.slice(0, 2)).toEqual([
    { number: 1, kind: 'SIGNAL', name: 'approval', path: 'ask', bytes: MIB + 2 },
    { number: 2, kind: 'SIGNAL', name: 'approval', path: null, bytes: MIB + 2 },
  ])
})

describe('pause and resume', () => {
  test('what runs is finished, nothing starts, and the job is given back until it is resumed', async () => {
    const id = await start(lume, probes('a…', 'b'))
    const call = await probe.called('a')
    expect(await lume.jobs.pauseJob(id)).toBe(true)
    await hasRead(id, call)
    call.finish()
    await standsAt(id, 'PAUSED')
    expect(await jobRow(database.pool, id)).toMatchObject({ holder: null, wake_at: null })
    expect(probe.count('b')).toBe(0)
    expect(await lume.jobs.resumeJob(id)).toBe(true)
    await standsAt(id, 'COMPLETED')
    const kinds = await timelineKinds(database.pool, id)
    expect(kinds.filter((kind) => kind !== 'STEP_LOG')).toEqual([
      'JOB_QUEUED',
      'JOB_STARTED',
      'STEP_STARTED',
      'STEP_COMPLETED',
      'JOB_PAUSED',
      'JOB_RESUMED',
      'STEP_STARTED',
      'STEP_COMPLETED',
      'JOB_COMPLETED',
    ])
  })

  test('a waiting job is paused at once though all places are taken', async () => {
    const full = await open(1)
    const waiting = await start(full, { nodes: [waitFor('ask')], edges: [] })
    await standsAt(waiting, 'WAITING')
    await lume.close()
    await start(full, probes('busy…'))
    await probe.called('busy')
    await full.jobs.pauseJob(waiting)
    await standsAt(waiting, 'PAUSED')
    ;(await probe.called('busy')).finish()
  })

  test('a paused job can be canceled, and does not come back', async () => {
    const id = await start(lume, { nodes: [waitFor('ask')], edges: [] })
    await standsAt(id, 'WAITING')
    await lume.jobs.pauseJob(id)
    await standsAt(id, 'PAUSED')
    expect(await lume.jobs.cancelJob(id)).toBe(true)
    await standsAt(id, 'CANCELED')
    expect(await lume.jobs.resumeJob(id)).toBe(false)
  })

  test('however often both are asked for, the inbox keeps the newest that was read', async () => {
    const id = await start(lume, { nodes: [waitFor('ask')], edges: [] })
    await standsAt(id, 'WAITING')
    for (let n = 0; n < 4; n++) {
      await lume.jobs.pauseJob(id)
      await standsAt(id, 'PAUSED')
      await lume.jobs.resumeJob(id)
      await standsAt(id, 'WAITING')
    }
    const { rows } = await database.pool.query('SELECT kind FROM commands ORDER BY number')
    expect(rows).toEqual([{ kind: 'RESUME' }])
    await lume.jobs.pauseJob(id)
    await standsAt(id, 'PAUSED')
    await lume.jobs.cancelJob(id)
    await standsAt(id, 'CANCELED')
  })

  test('another process than the holder may ask for both', async () => {
    const other = await open()
    const id = await start(lume, probes('a…', 'b'))
    const call = await probe.called('a')
    await other.jobs.pauseJob(id)
    await hasRead(id, call)
    call.finish()
    await standsAt(id, 'PAUSED')
    await other.jobs.resumeJob(id)
    await standsAt(id, 'COMPLETED')
  })
})

describe('signals', () => {
  test('wake the job that waits, whichever process it is sent to', async () => {
    const other = await open()
    const id = await start(lume, { nodes: [waitFor('ask')], edges: [] })
    await standsAt(id, 'WAITING')
    expect(await other.jobs.signalJob(id, { name: 'approval', payload: { by: 'Ada' } })).toEqual({
      kind: 'sent',
      deduplicated: false,
    })
    await standsAt(id, 'COMPLETED')
    expect(await outputOf(id)).toEqual({ by: 'Ada' })
  })

  test('one that comes before the wait is kept, and used once', async () => {
    const nodes = [...probes('first…').nodes, waitFor('ask'), waitFor('again')]
    const edges = [
      { source: 'first', target: 'ask' },
      { source: 'ask', target: 'again' },
    ]
    const id = await start(lume, { nodes, edges })
    const call = await probe.called('first')
    await lume.jobs.signalJob(id, { name: 'approval', payload: 1 })
    call.finish()
    await standsAt(id, 'WAITING')
    await until('the first wait took it', async () => {
      const { rows } = await database.pool.query<{ used_by: string | null }>('SELECT used_by FROM commands')
      return rows[0]?.used_by === 'ask'
    })
    await lume.jobs.signalJob(id, { name: 'approval', payload: 2 })
    await standsAt(id, 'COMPLETED')
    expect(await outputOf(id)).toBe(2)
  })

  test('the same idempotency key stands for one signal', async () => {
    const id = await start(lume, probes('a…'))
    const call = await probe.called('a')
    const send = () => lume.jobs.signalJob(id, { name: 'x', payload: 1, idempotencyKey: 'k' })
    const results = await Promise.all([send(), send(), send()])
    expect(results.filter((one) => one.kind === 'sent' && !one.deduplicated)).toHaveLength(1)
    expect((await database.pool.query('SELECT 1 FROM commands')).rowCount).toBe(1)
    call.finish()
    await standsAt(id, 'COMPLETED')
  })

  test('a payload that does not fit a wait that is known is refused, and the wait stands', async () => {
    const schema = { type: 'object', required: ['approved'] }
    const id = await start(lume, { nodes: [waitFor('ask', { schema })], edges: [] })
    await standsAt(id, 'WAITING')
    expect(await lume.jobs.signalJob(id, { name: 'approval', payload: {} })).toMatchObject({
      kind: 'invalid',
      argument: 'payload',
      problems: [{ message: expect.stringContaining('approved') }],
    })
    expect((await jobRow(database.pool, id)).status).toBe('WAITING')
    await lume.jobs.cancelJob(id)
  })

  test('to a job that has ended is refused', async () => {
    const id = await start(lume, probes('a'))
    await standsAt(id, 'COMPLETED')
    expect(await lume.jobs.signalJob(id, { name: 'approval' })).toEqual({
      kind: 'refused',
      why: { kind: 'ended' },
    })
  })

  test('over 1,000 that nothing has used are refused; what is repeated, and other commands, are not', async () => {
    const id = await start(lume, probes('a…'))
    const call = await probe.called('a')
    await lume.jobs.signalJob(id, { name: 'x', idempotencyKey: 'first' })
    await putUnusedSignals(id, 998)
    expect(await lume.jobs.signalJob(id, { name: 'x' })).toMatchObject({ kind: 'sent' })
    expect(await lume.jobs.signalJob(id, { name: 'x' })).toEqual({
      kind: 'full',
      message: expect.stringContaining('1000 of them'),
    })
    expect(await lume.jobs.signalJob(id, { name: 'x', idempotencyKey: 'first' })).toEqual({
      kind: 'sent',
      deduplicated: true,
    })
    await database.pool.query(`UPDATE commands SET used_at = now() WHERE number = 1`)
    expect(await lume.jobs.signalJob(id, { name: 'x' })).toMatchObject({ kind: 'sent' })
    expect(await lume.jobs.pauseJob(id)).toBe(true)
    expect(await lume.jobs.resumeJob(id)).toBe(true)
    expect(await lume.jobs.cancelJob(id)).toBe(true)
    await standsAt(id, 'CANCELED')
    call.finish()
  })

  test('over 8 MiB that nothing has used are refused', async () => {
    const id = await start(lume, probes('a…'))
    const call = await probe.called('a')
    const payload = 'x'.repeat(1_000_000)
    const kinds: string[] = []
    for (let sent = 0; sent < 9; sent++)
      kinds.push((await lume.jobs.signalJob(id, { name: 'x', payload })).kind)
    expect(kinds).toEqual([...Array<string>(8).fill('sent'), 'full'])
    expect(await lume.jobs.signalJob(id, { name: 'x', payload: 'small' })).toMatchObject({ kind: 'sent' })
    call.finish()
    await standsAt(id, 'COMPLETED')
  })

  test.each([
    ['no name', { name: '' }, 'name'],
    ['a name with NUL', { name: 'a\u0000' }, 'name'],
    ['an empty path', { name: 'x', path: '' }, 'path'],
    ['a payload that is no JSON', { name: 'x', payload: 1n }, 'payload'],
    ['a payload over 1 MiB', { name: 'x', payload: 'x'.repeat(1_100_000) }, 'payload'],
    ['a long key', { name: 'x', idempotencyKey: 'k'.repeat(300) }, 'idempotencyKey'],
  ])('%s: refused, naming the argument', async (_what, signal, argument) => {
    const id = await start(lume, probes('a…'))
    expect(await lume.jobs.signalJob(id, signal)).toMatchObject({ kind: 'invalid', argument })
    ;(await probe.called('a')).finish()
  })
})

describe('core.callWorkflow', () => {
  const store = async (definition: unknown): Promise<string> => {
    const saved = await lume.services.drafts.create(OWNER, { name: 'child', definition })
    if (saved.kind !== 'saved') throw new Error(saved.kind)
    return saved.id
  }
  const call = (workflowId: string, more: object = {}) => ({
    nodes: [{ id: 'call', type: 'core.callWorkflow', config: { workflowId, ...more } }],
    edges: [],
  })

  test('runs the child as an execution of its own, and gives its output', async () => {
    const workflowId = await store({
      nodes: [{ id: 'double', type: 'core.transform', config: { value: '{{ input.x * 2 }}' } }],
      edges: [],
    })
    const id = await start(lume, call(globalId('Workflow', workflowId), { input: { x: 21 } }))
    await standsAt(id, 'COMPLETED')
    expect(await outputOf(id)).toBe(42)
    const { rows } = await database.pool.query(
      'SELECT parent_id, parent_path, depth FROM jobs WHERE id <> $1',
      [id],
    )
    expect(rows).toEqual([{ parent_id: id, parent_path: 'call', depth: 1 }])
  })

  test('the parent holds no worker while the child runs', async () => {
    const alone = await open(1)
    await lume.close()
    lume = alone
    const workflowId = await store(probes('inside…'))
    const id = await start(alone, call(workflowId))
    const inside = await probe.called('inside')
    await standsAt(id, 'WAITING')
    inside.finish('from the child')
    await standsAt(id, 'COMPLETED')
    expect(await outputOf(id)).toBe('from the child')
  })

  test('a cancel of the parent ends the child, too', async () => {
    const workflowId = await store(probes('inside…'))
    const id = await start(lume, call(workflowId))
    await probe.called('inside')
    await standsAt(id, 'WAITING')
    await lume.jobs.cancelJob(id)
    await standsAt(id, 'CANCELED')
    await until('the child is canceled', async () => {
      const { rows } = await database.pool.query<{ status: string }>(
        'SELECT status FROM jobs WHERE parent_id = $1',
        [id],
      )
      return rows[0]?.status === 'CANCELED'
    })
  })

  test('the parent shows how far its child is (E11)', async () => {
    const workflowId = await store(probes('one', 'two…'))
    const id = await start(lume, call(workflowId))
    await probe.called('two')
    await standsAt(id, 'WAITING')
    // The child stands at 5 + 90 / 2 percent: that much of the parent's only step.
    await until('it shows', async () => (await jobRow(database.pool, id)).progress === 5 + (90 * 50) / 100)
    ;(await probe.called('two')).finish()
    await standsAt(id, 'COMPLETED')
    const shown = (await recordOf(database.pool, id)).events.map(({ progress }) => progress)
    expect(shown).toEqual(shown.toSorted((a, b) => a - b))
  })

  test('a parent whose process was lost is told by another one', async () => {
    const workflowId = await store({ nodes: [waitFor('ask')], edges: [] })
    const id = await start(lume, call(workflowId))
    await standsAt(id, 'WAITING')
    const { rows } = await database.pool.query<{ id: JobId }>('SELECT id FROM jobs WHERE parent_id = $1', [
      id,
    ])
    const childId = rows[0]?.id as JobId
    await standsAt(childId, 'WAITING')
    await lume.close()
    // The child ends while no worker is there to tell.
    await database.pool.query(
      `UPDATE jobs SET status = 'FAILED', error = '{"code":"X","message":"gone"}', finished_at = now(), wake_at = NULL
       WHERE id = $1`,
      [childId],
    )
    lume = await open()
    await standsAt(id, 'FAILED')
    expect((await jobRow(database.pool, id)).error).toMatchObject({ code: 'CHILD_FAILED' })
  })

  test('messages about the ends of children go with the next commit after they were read', async () => {
    const workflowId = await store({ nodes: [waitFor('ask')], edges: [] })
    const node = { id: 'call', type: 'core.callWorkflow', config: { workflowId } }
    const config = { items: [0, 1, 2, 3], concurrency: 4, body: { nodes: [node], edges: [] } }
    const id = await start(lume, { nodes: [{ id: 'each', type: 'core.forEach', config }], edges: [] })
    const children = await until('four children wait', async () => {
      const { rows } = await database.pool.query<{ id: JobId }>(
        `SELECT id FROM jobs WHERE parent_id = $1 AND status = 'WAITING'`,
        [id],
      )
      return rows.length === 4 && rows
    })
    for (const [n, child] of children.entries()) {
      if (n === 3) {
        expect(await messagesTo(id)).toBe(0)
        expect(await jobRow(database.pool, id)).toMatchObject({ status: 'WAITING', commands_applied: 3 })
      }
      await lume.jobs.signalJob(child.id, { name: 'approval', payload: n })
      await until('the item has ended', async () => (await itemsOf(id)) === n + 1)
      if (n < 3) await standsAt(id, 'WAITING')
    }
    await standsAt(id, 'COMPLETED')
    expect(((await outputOf(id)) as number[]).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3])
    expect(await messagesTo(id)).toBe(0)
  })

  test('a holder that was lost after it had read the end of a child leaves it to the next one', async () => {
    const workflowId = await store({ nodes: [waitFor('ask')], edges: [] })
    const id = await start(lume, call(workflowId))
    await standsAt(id, 'WAITING')
    const { rows } = await database.pool.query<{ id: JobId }>('SELECT id FROM jobs WHERE parent_id = $1', [
      id,
    ])
    const childId = rows[0]?.id as JobId
    await standsAt(childId, 'WAITING')
    await lume.close()
    // As if a holder had read the message, committed something else, and been lost before the end of the step.
    const end = { status: 'COMPLETED', at: Date.now(), output: '"of the child"' } as const
    await recordEntries(sendTo(database.pool), childId, [{ job: { end } }])
    await database.pool.query('UPDATE jobs SET is_parent_told = true WHERE id = $1', [childId])
    await database.pool.query(
      `UPDATE jobs SET commands_sent = 1, commands_applied = 1, holder = gen_random_uuid(), fence = fence + 1,
         leased_until = now() - interval '1 s' WHERE id = $1`,
      [id],
    )
    lume = await open()
    await standsAt(id, 'COMPLETED')
    expect(await outputOf(id)).toBe('of the child')
    expect((await timelineKinds(database.pool, id)).filter((kind) => kind === 'STEP_COMPLETED')).toHaveLength(
      1,
    )
  })

  test('over ten levels it is refused', async () => {
    const saved = await lume.services.drafts.create(OWNER, { name: 'endless', definition: {} })
    if (saved.kind !== 'saved') throw new Error(saved.kind)
    const { id: workflowId } = saved
    const target = { ownerId: OWNER, id: workflowId as never, expectedRevision: null }
    await lume.services.drafts.update(target, { definition: call(workflowId) })
    const id = await start(lume, call(workflowId))
    await standsAt(id, 'FAILED')
    const { rows } = await database.pool.query<{ depth: number }>('SELECT max(depth) AS depth FROM jobs')
    expect(rows[0]?.depth).toBe(10)
  })

  test('a workflow that is not there fails the step', async () => {
    const id = await start(lume, call('01890000-0000-7000-8000-000000000000'))
    await standsAt(id, 'FAILED')
    expect((await jobRow(database.pool, id)).error).toMatchObject({ code: 'WORKFLOW_NOT_FOUND' })
  })
})

describe('waits on record', () => {
  test('are recorded with their due time, until the step ends', async () => {
    const id = await start(lume, { nodes: [waitFor('ask', { timeout: '1h' })], edges: [] })
    await standsAt(id, 'WAITING')
    const recorded = async () => {
      const { steps } = await recordOf(database.pool, id)
      return steps.map(({ wait, dueAt }) => ({ wait, due: dueAt !== null }))
    }
    expect(await recorded()).toEqual([
      { wait: { kind: 'signal', name: 'approval', schemaBytes: 0, timeoutHandle: null }, due: true },
    ])
    await lume.jobs.cancelJob(id)
    await standsAt(id, 'CANCELED')
    expect(await recorded()).toEqual([{ wait: null, due: false }])
  })
})
