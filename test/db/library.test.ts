import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals'
import { z } from 'zod'
import {
  BaseBlockExecutor,
  completed,
  createLume,
  defineBlock,
  DefinitionUnsoundError,
  InputInvalidError,
  registerBlock,
  type HandlerContext,
  type LibraryJob,
  type Lume,
  type TimelineEntry,
} from '../../src/index.ts'
import { currentUserCode } from '../../src/engine/block/user-code.ts'
import { systemClock } from '../../src/lib/time/clock.ts'
import { ownerId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createFleet, type Fleet } from '../support/fleet.ts'
import { expireLease, jobRow, timelineKinds } from '../support/jobs.ts'
import { createProbe, probes, type Probe } from '../support/probe.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'

const UNKNOWN_ID = '01890000-0000-7000-8000-000000000000'

const GREETING = {
  inputSchema: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
  variables: { greeting: 'Hello' },
  nodes: [
    { id: 'greet', type: 'core.transform', config: { value: '{{ variables.greeting }} {{ input.name }}' } },
  ],
  edges: [],
}

let database: TestDatabase
let fleet: Fleet
let probe: Probe
let lume: Lume

beforeAll(async () => {
  database = await createTestDatabase()
})

beforeEach(async () => {
  await database.pool.query('TRUNCATE jobs, workflows, idempotency_keys CASCADE')
  fleet = createFleet(database)
  probe = createProbe()
  lume = await fleet.open({}, { blocks: [probe.block] })
})

afterEach(() => fleet.close())

afterAll(() => database.drop())

// Durable jobs

test('a created job waits until it is started, and starting it gives the ended job', async () => {
  const created = await lume.jobs.createWorkflowJob('user-1', {
    workflowId: 'greeting',
    workflowDefinition: GREETING,
    input: { name: 'Ada' },
    metadata: { from: 'test' },
  })
  expect(created).toMatchObject({
    userId: 'user-1',
    type: 'WORKFLOW',
    status: 'created',
    progress: 0,
    payload: {
      workflowId: 'greeting',
      input: { name: 'Ada' },
      mode: 'production',
      variables: { greeting: 'Hello' },
      metadata: { from: 'test' },
    },
    result: null,
    error: null,
    executionTime: 0,
    startedAt: null,
    finishedAt: null,
  })
  const ended = await lume.jobs.startJob(created.id)
  expect(ended).toMatchObject({
    id: created.id,
    status: 'completed',
    progress: 100,
    result: 'Hello Ada',
    error: null,
  })
  expect(ended.executionTime).toBe(Number(ended.finishedAt) - Number(ended.startedAt))
  expect(await lume.jobs.getJob(created.id)).toEqual(ended)
})

test('processWorkflowJob as the handler is the durable way, too', async () => {
  const { id } = await create(probes('a'))
  expect((await lume.jobs.startJob(id, lume.jobs.processWorkflowJob)).status).toBe('completed')
  expect(await handlerOf(id)).toBe('engine')
})

test('processWorkflowJob called directly starts the job and gives it back ended', async () => {
  const job = await create(probes('a'))
  expect(await lume.jobs.processWorkflowJob(job)).toMatchObject({
    id: job.id,
    status: 'completed',
    result: 'a',
  })
})

test('the progress of a workflow job tells how far it is', async () => {
  const { id } = await create(probes('a', 'b…', 'c'))
  const ended = lume.jobs.startJob(id)
  const call = await probe.called('b')
  const progress = await until('the second step is on record', async () => {
    const told = await lume.jobs.getWorkflowJobProgress({ id })
    return told.currentStep === 'b' && told
  })
  expect(progress).toMatchObject({
    status: 'running',
    currentStep: 'b',
    completedNodes: 1,
    totalNodes: 3,
    error: null,
  })
  expect(progress.progress).toBeGreaterThan(30)
  expect(progress.executionTime).toBeGreaterThanOrEqual(0)
  call.finish()
  await ended
  expect(await lume.jobs.getWorkflowJobProgress({ id })).toMatchObject({
    status: 'completed',
    progress: 100,
    completedNodes: 3,
  })
})

test('a workflow that fails gives a failed job, not an exception', async () => {
  const failing = { nodes: [{ id: 'a', type: 'core.delay', config: { until: '{{ input }}' } }], edges: [] }
  const { id } = await create(failing, { input: 'no instant' })
  expect(await lume.jobs.startJob(id)).toMatchObject({
    status: 'failed',
    error: { code: 'DELAY_INVALID', path: 'a' },
    result: null,
  })
})

// Handlers of one's own

test('a handler of one’s own runs here; what it returns is the result, and what it reports the timeline', async () => {
  const { id } = await create(probes('not-run'))
  const timeline: TimelineEntry[] = []
  const handler = async (job: LibraryJob, context: HandlerContext) => {
    expect(job).toMatchObject({ id, payload: { workflowId: 'inline' } })
    context.progress(10, 'begun')
    context.progress(60)
    context.progress(40, 'never back')
    context.progress(1_000)
    context.progress(Number.NaN)
    return { done: [1, 2] }
  }
  const ended = await lume.jobs.startJob(id, handler, {
    onProgress: (_id, _progress, entries) => timeline.splice(0, timeline.length, ...entries),
  })
  expect(ended).toMatchObject({ status: 'completed', progress: 100, result: { done: [1, 2] } })
  expect(probe.calls).toEqual([])
  expect(timeline.map(({ kind, progress, message }) => [kind, progress, message])).toEqual([
    ['JOB_QUEUED', 0, undefined],
    ['JOB_STARTED', 0, undefined],
    ['JOB_PROGRESS', 10, 'begun'],
    ['JOB_PROGRESS', 60, null],
    ['JOB_PROGRESS', 60, 'never back'],
    ['JOB_PROGRESS', 99, null],
    ['JOB_COMPLETED', 100, undefined],
  ])
})

const ENDINGS: readonly (readonly [string, () => unknown, object])[] = [
  ['returns nothing', () => undefined, { status: 'completed', result: null }],
  [
    'throws',
    () => {
      throw new Error('oh no')
    },
    { status: 'failed', error: { code: 'HANDLER_FAILED', message: 'oh no' } },
  ],
  [
    'rejects',
    () => Promise.reject(new Error('oh no')),
    { status: 'failed', error: { code: 'HANDLER_FAILED', message: 'oh no' } },
  ],
  [
    'throws what has a code',
    () => {
      throw Object.assign(new Error('denied'), { code: 'DENIED' })
    },
    { status: 'failed', error: { code: 'DENIED', message: 'denied' } },
  ],
  [
    'throws a text',
    () => {
      throw 'just text'
    },
    { status: 'failed', error: { code: 'HANDLER_FAILED', message: 'just text' } },
  ],
  [
    'returns what JSON cannot carry',
    () => ({ at: 1n }),
    { status: 'failed', error: { code: 'OUTPUT_INVALID' } },
  ],
  [
    'returns too much',
    () => 'x'.repeat(5_000_000),
    { status: 'failed', error: { code: 'OUTPUT_TOO_LARGE' } },
  ],
]

test.each(ENDINGS)('a handler that %s', async (_what, handler, end) => {
  const { id } = await create(probes('not-run'))
  expect(await lume.jobs.startJob(id, handler as () => Promise<unknown>)).toMatchObject(end)
})

test('a canceled handler is told by its signal, and its job ends CANCELED whatever it returns', async () => {
  const { id } = await create(probes('not-run'))
  let signal: AbortSignal | undefined
  const ended = lume.jobs.startJob(id, async (_job, context) => {
    signal = context.signal
    await new Promise((resolve) => context.signal.addEventListener('abort', resolve, { once: true }))
    return 'too late'
  })
  await until('the handler runs', () => signal)
  expect(await lume.jobs.cancelJob(id)).toBe(true)
  expect(await ended).toMatchObject({ status: 'canceled', result: null, error: null })
  expect((await timelineKinds(database.pool, id)).slice(-2)).toEqual(['JOB_CANCELING', 'JOB_CANCELED'])
})

test('a handler that does not listen to its signal is left behind', async () => {
  const hasty = await fleet.open(
    {},
    { clock: { ...systemClock, after: (ms, call) => systemClock.after(Math.min(ms, 30), call) } },
  )
  const { id } = await create(probes('not-run'))
  let isRunning = false
  const ended = hasty.jobs.startJob(id, () => {
    isRunning = true
    return new Promise(() => undefined)
  })
  await until('the handler runs', () => isRunning)
  await hasty.jobs.cancelJob(id)
  expect((await ended).status).toBe('canceled')
})

test('a handler whose process has stopped ends its job as HANDLER_LOST', async () => {
  const { id } = await create(probes('not-run'))
  const other = await fleet.open()
  let signal: AbortSignal | undefined
  const ended = other.jobs.startJob(id, async (_job, context) => {
    signal = context.signal
    await new Promise((resolve) => context.signal.addEventListener('abort', resolve, { once: true }))
  })
  await until('the handler runs', () => signal)
  const [closed] = await Promise.allSettled([ended, other.close()])
  expect(closed).toMatchObject({ status: 'rejected', reason: { code: 'CLOSED' } })
  expect(await lume.jobs.watchJob(id)).toMatchObject({ status: 'failed', error: { code: 'HANDLER_LOST' } })
})

test('a handler whose process has died ends its job as HANDLER_LOST', async () => {
  const proxy = await startTcpProxy(database.url)
  const dying = await fleet.open({ databaseUrl: proxy.url })
  const { id } = await create(probes('not-run'))
  let finish = (_result: string) => {}
  let isRunning = false
  const abandoned = dying.jobs.startJob(id, () => {
    isRunning = true
    return new Promise<string>((resolve) => (finish = resolve))
  })
  await until('the handler runs', () => isRunning)
  proxy.sever()
  await expireLease(database.pool, id)
  expect(await lume.jobs.watchJob(id)).toMatchObject({ status: 'failed', error: { code: 'HANDLER_LOST' } })
  finish('late')
  proxy.restore()
  await Promise.allSettled([abandoned, dying.close()])
  expect((await jobRow(database.pool, id)).status).toBe('FAILED')
  await proxy.close()
})

test('a process that runs no jobs cannot take a handler', async () => {
  const api = await fleet.open({ role: 'api' }, { blocks: [probe.block] })
  const { id } = await create(probes('a'))
  await expect(api.jobs.startJob(id, async () => 1)).rejects.toMatchObject({ code: 'NO_WORKER' })
  expect((await api.jobs.startJob(id)).status).toBe('completed')
})

// Callbacks

test('callbacks hear how a job goes on and how it ends', async () => {
  const { id } = await create(probes('a', 'b'))
  const heard: unknown[] = []
  const ended = await lume.jobs.startJob(id, null, {
    onProgress: (jobId, progress, timeline) => heard.push([jobId, progress, timeline.length]),
    onComplete: (jobId, result) => heard.push(['complete', jobId, result]),
    onError: (jobId, error) => heard.push(['error', jobId, error]),
  })
  expect(heard.at(-1)).toEqual(['complete', id, 'b'])
  const progress = heard.slice(0, -1) as [string, number, number][]
  expect(progress.length).toBeGreaterThan(0)
  expect(progress).toEqual(progress.toSorted((a, b) => a[2] - b[2]))
  expect(progress.at(-1)).toEqual([id, 100, 7])
  expect(ended.status).toBe('completed')
})

test('callbacks that throw or reject harm nothing', async () => {
  const { id } = await create(probes('a'))
  const onComplete = jest.fn(() => Promise.reject(new Error('rejected')))
  const ended = await lume.jobs.startJob(id, null, {
    onProgress: () => {
      throw new Error('thrown')
    },
    onComplete,
  })
  expect(ended.status).toBe('completed')
  expect(onComplete).toHaveBeenCalledTimes(1)
})

test('callbacks that never settle do not keep startJob from resolving', async () => {
  const { id } = await create(probes('a'))
  const never = jest.fn(() => new Promise(() => {}))
  const ended = await lume.jobs.startJob(id, null, { onProgress: never, onComplete: never })
  expect(ended.status).toBe('completed')
  expect(never.mock.calls.length).toBeGreaterThan(2)
})

test('a handler that leaves an error unhandled while it runs ends its job as FAILED', async () => {
  const { id } = await create(probes('not-run'))
  const ended = await lume.jobs.startJob(id, async (_job, { signal }) => {
    const code = currentUserCode()
    setImmediate(() => code?.onUnhandledError(new Error('lost')))
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    throw new Error('aborted')
  })
  expect(ended).toMatchObject({
    status: 'failed',
    error: { code: 'HANDLER_UNHANDLED_ERROR', message: 'The handler left an error unhandled: lost' },
  })
})

test('onError hears of a failed job', async () => {
  const { id } = await create(probes('not-run'))
  const onError = jest.fn()
  await lume.jobs.startJob(id, () => Promise.reject(new Error('oh no')), { onError })
  expect(onError.mock.calls).toEqual([[id, { code: 'HANDLER_FAILED', message: 'oh no' }]])
})

test('onError hears of a canceled job', async () => {
  const { id } = await create(probes('a…'))
  const onError = jest.fn()
  const ended = lume.jobs.startJob(id, null, { onError, onComplete: onError })
  await probe.called('a')
  await lume.jobs.cancelJob(id)
  expect((await ended).status).toBe('canceled')
  expect(onError.mock.calls).toEqual([[id, expect.objectContaining({ code: 'JOB_CANCELED' })]])
})

// What is refused

test('a job starts once', async () => {
  const { id } = await create(probes('a…'))
  const starts = [lume.jobs.startJob(id), lume.jobs.startJob(id), lume.jobs.startJob(id, async () => 1)]
  ;(await Promise.race([probe.called('a'), Promise.any(starts).then(() => null)]))?.finish()
  const outcomes = await Promise.allSettled(starts)
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'JOB_STARTED_ALREADY' })
  }
  await expect(lume.jobs.startJob(id)).rejects.toMatchObject({ code: 'JOB_STARTED_ALREADY' })
})

test('a job that was canceled before its start cannot be started', async () => {
  const { id } = await create(probes('a'))
  expect(await lume.jobs.cancelJob(id)).toBe(true)
  await expect(lume.jobs.startJob(id)).rejects.toMatchObject({ code: 'JOB_STARTED_ALREADY' })
  expect((await lume.jobs.watchJob(id)).status).toBe('canceled')
  expect(await lume.jobs.cancelJob(id)).toBe(false)
})

test.each([UNKNOWN_ID, 'no uuid', ''])('an unknown job is told as such: %j', async (id) => {
  expect(await lume.jobs.getJob(id)).toBeNull()
  const notFound = expect.objectContaining({ code: 'JOB_NOT_FOUND' })
  await expect(lume.jobs.startJob(id)).rejects.toEqual(notFound)
  await expect(lume.jobs.watchJob(id)).rejects.toEqual(notFound)
  await expect(lume.jobs.cancelJob(id)).rejects.toEqual(notFound)
  await expect(lume.jobs.processWorkflowJob({ id })).rejects.toEqual(notFound)
  await expect(lume.jobs.getWorkflowJobProgress({ id })).rejects.toEqual(notFound)
})

const BAD_PAYLOADS: readonly (readonly [string, unknown, string])[] = [
  ['nothing', undefined, 'JOB_INVALID'],
  ['no workflow', {}, 'JOB_INVALID'],
  [
    'a mode that does not exist',
    { workflowId: 'x', workflowDefinition: probes('a'), mode: 'fast' },
    'JOB_INVALID',
  ],
  ['a name with NUL', { workflowId: 'x\u0000', workflowDefinition: probes('a') }, 'JOB_INVALID'],
  ['a workflow that does not exist', { workflowId: UNKNOWN_ID }, 'WORKFLOW_NOT_FOUND'],
  ['a workflow id that is none', { workflowId: 'x' }, 'WORKFLOW_NOT_FOUND'],
  ['a definition that is none', { workflowId: 'x', workflowDefinition: 'x' }, 'DEFINITION_UNSOUND'],
  [
    'a block that does not exist',
    { workflowId: 'x', workflowDefinition: { nodes: [{ id: 'a', type: 'no.such' }], edges: [] } },
    'DEFINITION_UNSOUND',
  ],
  [
    'an input that is no JSON',
    { workflowId: 'x', workflowDefinition: probes('a'), input: { at: 1n } },
    'INPUT_INVALID',
  ],
  [
    'an input that does not fit',
    { workflowId: 'x', workflowDefinition: GREETING, input: {} },
    'INPUT_INVALID',
  ],
  [
    'variables that are no object',
    { workflowId: 'x', workflowDefinition: probes('a'), variables: [] },
    'INPUT_INVALID',
  ],
]

test.each(BAD_PAYLOADS)('a payload with %s is refused, and stores nothing', async (_what, payload, code) => {
  await expect(lume.jobs.createWorkflowJob('user-1', payload as never)).rejects.toMatchObject({ code })
  expect((await lume.jobs.jobStats('user-1')).total).toBe(0)
})

test('a job type that does not exist is refused', async () => {
  await expect(lume.jobs.createJob('user-1', 'DANCE' as never, {} as never)).rejects.toMatchObject({
    code: 'JOB_INVALID',
  })
})

test('errors say what they are by their class', async () => {
  const unsound = {
    workflowId: 'x',
    workflowDefinition: { nodes: [{ id: 'a', type: 'no.such' }], edges: [] },
  }
  const error = await lume.jobs.createWorkflowJob('user-1', unsound).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(DefinitionUnsoundError)
  expect((error as DefinitionUnsoundError).diagnostics).toEqual([
    expect.objectContaining({ pointer: '/nodes/0/type' }),
  ])
  const misfit = { workflowId: 'x', workflowDefinition: GREETING, input: {} }
  await expect(lume.jobs.createWorkflowJob('user-1', misfit)).rejects.toBeInstanceOf(InputInvalidError)
})

// Statistics

test('users’ jobs are counted by what users see of them', async () => {
  await create(probes('a'))
  const { id } = await create(probes('b…'))
  const ended = lume.jobs.startJob(id)
  const call = await probe.called('b')
  await until('it runs', async () => (await lume.jobs.jobStats('user-1')).running === 1)
  expect(await lume.jobs.jobStats('user-1')).toEqual({
    total: 2,
    created: 1,
    queued: 0,
    running: 1,
    waiting: 0,
    paused: 0,
    canceling: 0,
    completed: 0,
    failed: 0,
    canceled: 0,
  })
  call.finish()
  await ended
  expect(await lume.jobs.jobStats('user-1')).toMatchObject({ total: 2, created: 1, running: 0, completed: 1 })
  expect((await lume.jobs.jobStats('user-2')).total).toBe(0)
})

// Executions

test('a definition in place is executed at once', async () => {
  const onComplete = jest.fn()
  const job = await lume.executions.executeWorkflow(
    {
      workflowId: 'inline',
      workflowDefinition: GREETING,
      input: { name: 'Ada' },
      variables: { greeting: 'Hi' },
    },
    { onComplete },
  )
  expect(job).toMatchObject({ userId: 'local', status: 'completed', result: 'Hi Ada' })
  expect(onComplete.mock.calls).toEqual([[job.id, 'Hi Ada']])
})

test('a stored workflow is executed by its id, by its owner only', async () => {
  const saved = await lume.services.drafts.create(ownerId('user-1'), {
    name: 'Greeting',
    definition: GREETING,
  })
  if (saved.kind !== 'saved') throw new Error(saved.kind)
  const payload = { workflowId: saved.id, input: { name: 'Ada' } }
  const job = await lume.executions.executeWorkflow(payload, { userId: 'user-1' })
  expect(job).toMatchObject({
    status: 'completed',
    result: 'Hello Ada',
    payload: { workflowId: saved.id },
  })
  const refused = lume.executions.executeWorkflow(payload, { userId: 'user-2' })
  await expect(refused).rejects.toMatchObject({ code: 'WORKFLOW_NOT_FOUND' })
})

test('the same key gives the same execution; with another request it is refused', async () => {
  const payload = { workflowId: 'inline', workflowDefinition: probes('a') }
  const options = { idempotencyKey: 'once' }
  const jobs = await Promise.all([1, 2, 3].map(() => lume.executions.executeWorkflow(payload, options)))
  expect(new Set(jobs.map(({ id }) => id)).size).toBe(1)
  expect(probe.count('a')).toBe(1)
  await expect(lume.executions.executeWorkflow({ ...payload, input: 2 }, options)).rejects.toMatchObject({
    code: 'IDEMPOTENCY_CONFLICT',
  })
})

test('a payload can be checked without running it', async () => {
  const check = (payload: object) =>
    lume.executions.validatePayload({ workflowId: 'x', workflowDefinition: GREETING, ...payload })
  expect(await check({ input: { name: 'Ada' } })).toEqual({ valid: true, diagnostics: [], inputProblems: [] })
  expect(await check({ input: {} })).toMatchObject({
    valid: false,
    inputProblems: [{ message: expect.stringContaining('name') }],
  })
  expect(await check({ input: { name: 1n } })).toMatchObject({
    valid: false,
    inputProblems: [{ pointer: '/name' }],
  })
  expect(
    await check({ workflowDefinition: { nodes: [{ id: 'a', type: 'no.such' }], edges: [] } }),
  ).toMatchObject({
    valid: false,
    diagnostics: [{ severity: 'error', nodeId: 'a' }],
  })
  expect((await lume.jobs.jobStats('local')).total).toBe(0)
  await expect(lume.executions.validatePayload({ workflowId: UNKNOWN_ID })).rejects.toMatchObject({
    code: 'WORKFLOW_NOT_FOUND',
  })
})

// Jobs that are one block

test('a SEARCH job runs by a handler of one’s own, too', async () => {
  const { id, payload } = await lume.jobs.createJob('user-1', 'SEARCH', { people: { titles: ['CTO'] } })
  expect(payload.input).toMatchObject({ people: { titles: ['CTO'], maxResults: 100, enrich: false } })
  const ended = await lume.jobs.startJob(id, async (job) => ({ asked: job.type }))
  expect(ended).toMatchObject({ type: 'SEARCH', status: 'completed', result: { asked: 'SEARCH' } })
})

test('without a handler, a SEARCH job runs its block, which says what it misses', async () => {
  const { id } = await lume.jobs.createJob('user-1', 'SEARCH', { people: { titles: ['CTO'] } })
  expect(await lume.jobs.startJob(id)).toMatchObject({
    status: 'failed',
    error: { code: 'SECRET_MISSING', path: 'search' },
  })
})

test.each([
  ['SEARCH', {}, '/: must have exactly one of people and profiles'],
  [
    'SEARCH',
    { people: {}, profiles: { targets: ['acme'] } },
    '/: must have exactly one of people and profiles',
  ],
  ['SEARCH', { people: { maxResults: 0 } }, '/people/maxResults: '],
  ['SEARCH', { profiles: { targets: [] } }, '/profiles/targets: '],
  ['UPLOAD_TO_META', { contacts: [] }, '/: must have exactly one of audienceId and audience'],
  ['UPLOAD_TO_META', { audienceId: '1' }, '/: must have exactly one of contacts and fromJobId'],
  ['UPLOAD_TO_META', { audienceId: '1', contacts: ['Ada'] }, '/contacts/0: must be an object'],
] as const)('a %s job of %j is refused with the place of what is wrong', async (type, payload, message) => {
  await expect(lume.jobs.createJob('user-1', type, payload as never)).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringContaining(message),
  })
  expect((await lume.jobs.jobStats('user-1')).total).toBe(0)
})

test('an upload takes contacts only of a completed job of the same user', async () => {
  const upload = (fromJobId: string) =>
    lume.jobs.createJob('user-1', 'UPLOAD_TO_META', { audienceId: '1', fromJobId })
  const { id: foreign } = await lume.jobs.createJob('user-2', 'SEARCH', { people: {} })
  await expect(upload(foreign)).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' })
  await expect(upload(UNKNOWN_ID)).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' })
  const { id: own } = await lume.jobs.createJob('user-1', 'SEARCH', { people: {} })
  await expect(upload(own)).rejects.toMatchObject({ code: 'NOT_ENDED' })
  await lume.jobs.cancelJob(own)
  expect((await lume.jobs.watchJob(own)).status).toBe('canceled')
  await expect(upload(own)).rejects.toMatchObject({ code: 'RESULT_MISSING' })
})

test('the same key gives the same job of one block; with another payload it is refused', async () => {
  const options = { idempotencyKey: 'once' }
  const first = await lume.jobs.createJob('user-1', 'SEARCH', { people: { titles: ['CTO'] } }, options)
  const again = await lume.jobs.createJob('user-1', 'SEARCH', { people: { titles: ['CTO'] } }, options)
  expect(again.id).toBe(first.id)
  await expect(
    lume.jobs.createJob('user-1', 'SEARCH', { people: { titles: ['CEO'] } }, options),
  ).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
})

// Blocks

test('blocks registered before there is a Lume belong to the one that is created next', async () => {
  registerBlock(doubleBlock('test.early'))
  registerBlock('test.classy', Shout, { name: 'Shout', effect: 'pure' })
  const next = await fleet.open()
  expect((await run(next, 'test.early', { value: 21 })).result).toBe(42)
  expect((await run(next, 'test.classy', { value: 'hello' })).result).toBe('HELLO')
  const another = await fleet.open()
  await expect(run(another, 'test.early', { value: 21 })).rejects.toMatchObject({
    code: 'DEFINITION_UNSOUND',
  })
})

test('a Lume that exists takes blocks of both forms, and knows them at once', async () => {
  await expect(run(lume, 'test.double', { value: 21 })).rejects.toMatchObject({ code: 'DEFINITION_UNSOUND' })
  lume.registerBlock(doubleBlock('test.double'))
  lume.registerBlock('test.shout', Shout)
  expect((await run(lume, 'test.double', { value: 21 })).result).toBe(42)
  expect((await run(lume, 'test.shout', { value: 'hello' })).result).toBe('HELLO')
  expect(() => lume.registerBlock(doubleBlock('test.double'))).toThrow(
    expect.objectContaining({ code: 'BLOCK_TYPE_TAKEN' }),
  )
  expect(() => lume.registerBlock(doubleBlock('Double!'))).toThrow(
    expect.objectContaining({ code: 'BLOCK_TYPE_INVALID' }),
  )
})

test.each([
  ['a text', 'went wrong', { code: 'BLOCK_FAILED', message: 'went wrong' }],
  [
    'an error of its own',
    { code: 'NO_CREDIT', message: 'pay first' },
    { code: 'NO_CREDIT', message: 'pay first' },
  ],
] as const)('a block of the class form fails with %s', async (_what, error, expected) => {
  class Failing extends BaseBlockExecutor {
    constructor() {
      super('test.failing')
    }

    override execute() {
      return { status: 'failed' as const, error }
    }
  }
  lume.registerBlock('test.failing', Failing)
  const job = await run(lume, 'test.failing', {}, { retry: { maxAttempts: 1 } })
  expect(job).toMatchObject({ status: 'failed', error: expected })
})

// Life and death of a Lume

test('a Lume that is closed while a job runs gives it back; the next one goes on with it', async () => {
  const first = await fleet.open({ role: 'api' }, { blocks: [probe.block] })
  const { id } = await create(probes('paid', 'cut…'))
  const ended = first.jobs.startJob(id)
  await probe.called('cut')
  const [closed] = await Promise.allSettled([ended, first.close(), lume.close()])
  expect(closed).toMatchObject({
    status: 'rejected',
    reason: { code: 'CLOSED', message: expect.stringContaining(id) },
  })
  const next = await fleet.open({}, { blocks: [probe.block] })
  const watched = next.jobs.watchJob(id)
  ;(await probe.called('cut', 2)).finish('at last')
  expect(await watched).toMatchObject({ status: 'completed', result: 'at last' })
  expect(probe.count('paid')).toBe(1)
})

test('an ended job can be watched, and its callbacks told, at any later time', async () => {
  const { id } = await create(probes('a'))
  await lume.jobs.startJob(id)
  const onComplete = jest.fn()
  await lume.jobs.watchJob(id, { onComplete })
  expect(onComplete.mock.calls).toEqual([[id, 'a']])
})

test('a configuration that cannot be used is refused by name', async () => {
  await expect(createLume({ concurrency: 0, leaseMs: 1 })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/concurrency.*\n.*leaseMs/),
  })
})

test('a server that is not there is told, and leaves nothing open', async () => {
  await expect(
    createLume({ databaseUrl: 'postgres://lume@127.0.0.1:1/none', logLevel: 'silent' }),
  ).rejects.toMatchObject({
    code: 'DATABASE_UNREACHABLE',
  })
})

function doubleBlock(type: string) {
  return defineBlock({
    type,
    name: 'Double',
    description: 'Doubles a number.',
    effect: 'pure',
    config: z.object({ value: z.number() }),
    output: z.number(),
    sample: 2,
    run: async ({ config }) => completed(config.value * 2),
  })
}

class Shout extends BaseBlockExecutor {
  constructor() {
    super('test.shout')
  }

  override execute(config: Record<string, unknown>) {
    return { status: 'completed' as const, output: String(config.value).toUpperCase() }
  }
}

function create(workflowDefinition: unknown, more: { input?: unknown } = {}): Promise<LibraryJob> {
  return lume.jobs.createWorkflowJob('user-1', { workflowId: 'inline', workflowDefinition, ...more })
}

function run(on: Lume, type: string, config: object, more: object = {}): Promise<LibraryJob> {
  const workflowDefinition = { nodes: [{ id: 'a', type, config, ...more }], edges: [] }
  return on.executions.executeWorkflow({ workflowId: 'inline', workflowDefinition })
}

async function handlerOf(id: string): Promise<string | undefined> {
  const { rows } = await database.pool.query<{ handler: string }>('SELECT handler FROM jobs WHERE id = $1', [
    id,
  ])
  return rows[0]?.handler
}

// Simulation

test('a simulation foretells a run and stores nothing', async () => {
  const document = {
    ...GREETING,
    nodes: [...GREETING.nodes, { id: 'wait', type: 'core.delay', config: { duration: '7d' } }],
    edges: [{ source: 'greet', target: 'wait' }],
  }
  const payload = { workflowId: 'greeting', workflowDefinition: document, input: { name: 'Ada' } }
  const startedAt = new Date('2027-01-01T00:00:00Z')
  const simulation = await lume.executions.simulateWorkflow(payload, { userId: 'user-1', startedAt })
  expect(simulation).toMatchObject({
    status: 'COMPLETED',
    output: 'Hello Ada',
    estimatedDurationMs: 7 * 86_400_000,
  })
  expect(await lume.jobs.jobStats('user-1')).toMatchObject({ total: 0 })
  await expect(lume.executions.simulateWorkflow({ ...payload, input: {} })).rejects.toThrow(InputInvalidError)
  await expect(
    lume.executions.simulateWorkflow({ ...payload, mocks: { nobody: { output: 1 } } }),
  ).rejects.toThrow('names no node')
  const unsound = { ...payload, workflowDefinition: { nodes: [] } }
  await expect(lume.executions.simulateWorkflow(unsound)).rejects.toThrow(DefinitionUnsoundError)
})

test('a block is tried alone: by its mocks, or once for real, and stores nothing', async () => {
  const shout = {
    type: 'core.transform',
    config: { value: '{{ input.name + "!" }}' },
    input: { name: 'Ada' },
  }
  expect(await lume.executions.testBlock(shout)).toMatchObject({ status: 'COMPLETED', output: 'Ada!' })
  const call = { type: 'api.http', config: { url: 'https://nowhere.example/' }, retry: { maxAttempts: 2 } }
  const busy = { error: { code: 'BUSY', message: 'later', retryable: true } }
  const tried = await lume.executions.testBlock({ ...call, mocks: [busy, busy], onError: 'route' })
  expect(tried).toMatchObject({ status: 'FAILED', error: { code: 'BUSY' }, leadsTo: 'route' })
  expect(tried.attempts).toHaveLength(2)
  const real = { ...shout, mode: 'real' as const }
  expect(await lume.executions.testBlock(real, { userId: 'user-1' })).toMatchObject({ output: 'Ada!' })
  expect(await lume.jobs.jobStats('user-1')).toMatchObject({ total: 0 })
  await expect(lume.executions.testBlock({ type: 'core.transfrom' })).rejects.toThrow(DefinitionUnsoundError)
  await expect(lume.executions.testBlock({ ...real, mocks: busy })).rejects.toThrow(InputInvalidError)
})
