import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import type { Lume } from '../../src/app.ts'
import { BlockError, completed, type Block } from '../../src/engine/block/block.ts'
import { defineBlock } from '../../src/engine/block/define-block.ts'
import type { RetryRequest } from '../../src/jobs/start/retry-execution.ts'
import { ownerId, type JobId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createFleet, start, type Fleet } from '../support/fleet.ts'
import { expireLease, jobRow, OWNER, timelineKinds } from '../support/jobs.ts'
import { recordOf } from '../support/recorded.ts'
import { countStatements } from '../support/statement-count.ts'
import { until } from '../support/until.ts'

const USER = { userId: OWNER }
const LONG_LEASE_MS = 600_000

let database: TestDatabase
let fleet: Fleet
/** What breaks, by the name that its config gives. */
let broken: Set<string>
/** What does not come back. */
let hanging: Set<string>
let calls: { readonly name: string; readonly key: string }[]

beforeAll(async () => {
  database = await createTestDatabase()
})

beforeEach(async () => {
  await database.pool.query('TRUNCATE jobs CASCADE')
  fleet = createFleet(database)
  broken = new Set()
  hanging = new Set()
  calls = []
})

afterEach(() => fleet.close())

afterAll(() => database.drop())

function stepBlock(type: string, repeat: 'safe' | 'never'): Block {
  return defineBlock({
    type,
    name: type,
    description: 'Does what the test says.',
    config: z.strictObject({ name: z.string() }),
    output: z.json(),
    sample: null,
    effect: 'external',
    repeat,
    async run({ config: { name }, input, idempotencyKey, signal }) {
      calls.push({ name, key: idempotencyKey })
      if (hanging.has(name)) {
        await new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
        )
      }
      if (broken.has(name)) throw new BlockError('BROKEN', `${name} is broken`)
      return completed({ name, input })
    },
  })
}

const open = (config: Parameters<Fleet['open']>[0] = {}): Promise<Lume> =>
  fleet.open(config, { blocks: [stepBlock('test.step', 'safe'), stepBlock('test.costly', 'never')] })

const CHAIN = {
  nodes: [
    { id: 'read', type: 'core.transform', config: { value: { lead: '{{ input.lead }}' } } },
    { id: 'find', type: 'test.step', config: { name: 'find' } },
    { id: 'send', type: 'test.step', config: { name: 'send' } },
  ],
  edges: [
    { source: 'read', target: 'find' },
    { source: 'find', target: 'send' },
  ],
}
const FOUND = { name: 'find', input: { lead: 1 } }

/** An execution of the chain whose last step failed. */
async function brokenChain(lume: Lume): Promise<JobId> {
  broken.add('send')
  const id = await start(lume, CHAIN, { input: { lead: 1 } })
  expect(await endOf(id)).toBe('FAILED')
  return id
}

async function endOf(id: string): Promise<string> {
  const row = await until(`job ${id} ends`, async () => {
    const job = await jobRow(database.pool, id)
    return job.finished_at && job
  })
  return row.status
}

async function retry(lume: Lume, id: JobId, more: Partial<RetryRequest> = {}): Promise<JobId> {
  const result = await lume.services.retry({
    ownerId: OWNER,
    id,
    from: 'FAILED',
    version: 'SAME',
    idempotencyKey: null,
    ...more,
  })
  if (result.kind !== 'started') throw new Error(JSON.stringify(result))
  return result.jobId
}

async function stepsOf(id: JobId) {
  const { steps } = await recordOf(database.pool, id)
  return steps.flatMap(({ path, reusedFrom, config, output = null }) =>
    config === undefined ? [] : { path, reusedFrom, output },
  )
}

const names = () => calls.map(({ name }) => name)

describe('a retry on Postgres', () => {
  test('runs what had failed, and points to the outputs of the rest', async () => {
    const lume = await open()
    const original = await brokenChain(lume)
    broken.clear()
    calls = []
    const job = await lume.executions.retryExecution(original, USER)
    expect(job).toMatchObject({ status: 'completed', result: { name: 'send', input: FOUND } })
    expect(names()).toEqual(['send'])
    expect(await stepsOf(job.id as JobId)).toEqual([
      { path: 'read', reusedFrom: original, output: null },
      { path: 'find', reusedFrom: original, output: null },
      { path: 'send', reusedFrom: null, output: { name: 'send', input: FOUND } },
    ])
    expect(await timelineKinds(database.pool, job.id)).toEqual([
      'JOB_QUEUED',
      'JOB_STARTED',
      'STEP_COMPLETED',
      'STEP_COMPLETED',
      'STEP_STARTED',
      'STEP_COMPLETED',
      'JOB_COMPLETED',
    ])
  })

  test('of a retry of a retry names the execution that really holds each output', async () => {
    const lume = await open()
    const first = await brokenChain(lume)
    const second = await retry(lume, first, { from: 'find' })
    expect(await endOf(second)).toBe('FAILED')
    broken.clear()
    calls = []
    const third = await retry(lume, second)
    expect(await endOf(third)).toBe('COMPLETED')
    expect(names()).toEqual(['send'])
    const holders = async (id: JobId) => (await stepsOf(id)).map(({ reusedFrom }) => reusedFrom)
    expect(await holders(third)).toEqual([first, second, null])
    const fourth = await retry(lume, third)
    expect(await endOf(fourth)).toBe('COMPLETED')
    expect(await holders(fourth)).toEqual([first, second, third])
    expect((await lume.jobs.getJob(fourth))?.result).toEqual({ name: 'send', input: FOUND })
  })

  test('runs only the items of a loop that had failed, and gathers the others from where they are', async () => {
    const body = { nodes: [{ id: 'call', type: 'test.step', config: { name: '{{ item }}' } }], edges: [] }
    const config = { items: '{{ input }}', concurrency: 1, body }
    const loop = { nodes: [{ id: 'each', type: 'core.forEach', config }], edges: [] }
    const lume = await open()
    broken.add('c')
    const first = await start(lume, loop, { input: ['a', 'b', 'c', 'd'] })
    expect(await endOf(first)).toBe('FAILED')
    broken = new Set(['d'])
    const second = await retry(lume, first)
    expect(await endOf(second)).toBe('FAILED')
    broken.clear()
    const third = await retry(lume, second)
    expect(await endOf(third)).toBe('COMPLETED')
    expect(names()).toEqual(['a', 'b', 'c', 'c', 'd', 'd'])
    expect((await lume.jobs.getJob(third))?.result).toEqual(
      ['a', 'b', 'c', 'd'].map((name) => ({ name, input: name })),
    )
    const { items } = await recordOf(database.pool, third)
    expect(items.map(({ reusedFrom: holder, output = null }) => ({ holder, output }))).toEqual([
      { holder: first, output: null },
      { holder: first, output: null },
      { holder: second, output: null },
      { holder: null, output: { name: 'd', input: 'd' } },
    ])
    const fourth = await retry(lume, third)
    expect(await endOf(fourth)).toBe('COMPLETED')
    const fifth = await retry(lume, fourth, { patchInput: ['a', 'b', 'c', 'd', 'e'] })
    expect(await endOf(fifth)).toBe('COMPLETED')
    expect(names().slice(6)).toEqual(['e'])
    expect((await lume.jobs.getJob(fifth))?.result).toHaveLength(5)
  })

  test('is taken up by a worker that did not accept it, which derives the same', async () => {
    const lume = await open()
    const original = await brokenChain(lume)
    await lume.close()
    broken.clear()
    calls = []
    const api = await open({ role: 'api' })
    const id = await retry(api, original, { patchOutputs: { find: 'given' } })
    await open({ role: 'worker' })
    expect(await endOf(id)).toBe('COMPLETED')
    expect(names()).toEqual(['send'])
    expect(await stepsOf(id)).toEqual([
      { path: 'read', reusedFrom: original, output: null },
      { path: 'find', reusedFrom: null, output: 'given' },
      { path: 'send', reusedFrom: null, output: { name: 'send', input: 'given' } },
    ])
  })

  test('whose worker is lost goes on elsewhere without calling what it has taken over', async () => {
    const lost = await open({ leaseMs: LONG_LEASE_MS })
    const original = await brokenChain(lost)
    broken.clear()
    hanging.add('send')
    calls = []
    const id = await retry(lost, original)
    await until('the call is under way', () => calls.length === 1)
    hanging.clear()
    await expireLease(database.pool, id)
    await open()
    expect(await endOf(id)).toBe('COMPLETED')
    expect(names()).toEqual(['send', 'send'])
    expect(new Set(calls.map(({ key }) => key))).toEqual(new Set([`${id}/send`]))
    expect((await stepsOf(id)).map(({ reusedFrom }) => reusedFrom)).toEqual([original, original, null])
  })

  test('makes a call of unknown outcome under the key that it had', async () => {
    const definition = {
      nodes: [{ id: 'pay', type: 'test.costly', config: { name: 'pay' } }],
      edges: [],
    }
    const lost = await open({ leaseMs: LONG_LEASE_MS })
    hanging.add('pay')
    const original = await start(lost, definition)
    await until('the call is under way', () => calls.length === 1)
    await expireLease(database.pool, original)
    const lume = await open()
    expect(await endOf(original)).toBe('FAILED')
    expect((await jobRow(database.pool, original)).error?.code).toBe('CALL_OUTCOME_UNKNOWN')
    hanging.clear()
    const job = await lume.executions.retryExecution(original, USER)
    expect(job.status).toBe('completed')
    expect(calls.map(({ key }) => key)).toEqual([`${original}/pay`, `${original}/pay`])
  })
})

describe('the check of a retry', () => {
  test('reads no output and no config of the source execution', async () => {
    const worker = await open()
    const original = await brokenChain(worker)
    await worker.close()
    const api = await open({ role: 'api' })
    const count = countStatements()
    try {
      const id = await retry(api, original, { patchOutputs: { find: 'given' } })
      const sent = count.take()
      expect(sent.some((text) => text.includes('job_log'))).toBe(true)
      expect(sent.filter((text) => text.includes('json_each'))).toEqual([])
      expect((await jobRow(database.pool, id)).status).toBe('QUEUED')
    } finally {
      count.stop()
    }
  })
})

describe('the key of a retry', () => {
  test('gives the same execution for the same request, and a conflict for any other', async () => {
    const lume = await open()
    const original = await brokenChain(lume)
    const asked = {
      ownerId: OWNER,
      id: original,
      from: 'FAILED',
      version: 'SAME',
      idempotencyKey: 'once',
    } as const
    const first = await lume.services.retry(asked)
    expect(first).toMatchObject({ kind: 'started', deduplicated: false })
    expect(await lume.services.retry(asked)).toEqual({ ...first, deduplicated: true, stored: null })
    const others = [{ from: 'START' }, { patchInput: { lead: 2 } }, { patchOutputs: { find: 1 } }] as const
    for (const other of others) {
      expect((await lume.services.retry({ ...asked, ...other })).kind).toBe('idempotencyConflict')
    }
  })
})

describe('the original', () => {
  test('cannot be deleted as long as a retry points to it, and can with it', async () => {
    const lume = await open()
    const original = await brokenChain(lume)
    const id = await retry(lume, original)
    await endOf(id)
    const remove = (ids: readonly JobId[]) =>
      database.pool.query('DELETE FROM jobs WHERE id = ANY($1)', [ids])
    await expect(remove([original])).rejects.toMatchObject({ code: '23503' })
    expect((await remove([original, id])).rowCount).toBe(2)
  })
})

describe('a retry is refused', () => {
  const codeOf = (call: Promise<unknown>) =>
    call.then(
      () => null,
      (fault: { code?: string }) => fault.code,
    )

  test('of what has not ended', async () => {
    const lume = await open()
    hanging.add('find')
    const id = await start(lume, CHAIN, { input: { lead: 1 } })
    await until('it runs', () => calls.length === 1)
    expect(await codeOf(lume.executions.retryExecution(id, USER))).toBe('NOT_ENDED')
  })

  test('of what is not there, or is somebody else’s', async () => {
    const lume = await open()
    const original = await brokenChain(lume)
    const { executions } = lume
    expect(await codeOf(executions.retryExecution('nothing', USER))).toBe('EXECUTION_NOT_FOUND')
    expect(await codeOf(executions.retryExecution(original, { userId: ownerId('stranger') }))).toBe(
      'EXECUTION_NOT_FOUND',
    )
  })

  test('for an unknown step, naming the one that was meant', async () => {
    const lume = await open()
    const { executions } = lume
    const original = await brokenChain(lume)
    const from = executions.retryExecution(original, { ...USER, from: 'fnid' })
    await expect(from).rejects.toThrow(/^from: There is no step "fnid"; did you mean "find"\?/)
    const patched = executions.retryExecution(original, { ...USER, patchOutputs: { 'a/b': 1 } })
    await expect(patched).rejects.toThrow(/There is no step "a\/b"; there are "read", "find", "send"\./)
  })

  test('for a newest version of what ran no stored workflow', async () => {
    const lume = await open()
    const original = await brokenChain(lume)
    expect(await codeOf(lume.executions.retryExecution(original, { ...USER, version: 'LATEST' }))).toBe(
      'RETRY_INVALID',
    )
  })

  test('for an input that the definition does not take', async () => {
    const lume = await open()
    broken.add('find')
    const inputSchema = { type: 'object', properties: { lead: { type: 'integer' } }, required: ['lead'] }
    const id = await start(lume, { ...CHAIN, inputSchema }, { input: { lead: 1, more: true } })
    await endOf(id)
    const { executions } = lume
    expect(await codeOf(executions.retryExecution(id, { ...USER, patchInput: { lead: null } }))).toBe(
      'INPUT_INVALID',
    )
    broken.clear()
    const job = await executions.retryExecution(id, { ...USER, patchInput: { lead: 2 } })
    expect(job.payload.input).toEqual({ lead: 2, more: true })
    expect(job.status).toBe('completed')
  })
})
