import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { RunStop } from '../../../../src/engine/run/context/run-stop.ts'
import type { Json } from '../../../../src/lib/json/json.ts'
import { runBlock } from '../../../support/block-context.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { APIFY_TOKEN, startApifyServer, type ApifyServer } from '../../../support/providers/apify-server.ts'
import { openProviderRoom, type ProviderRoom } from '../../../support/providers/provider-room.ts'

const TYPE = 'api.apify.runActor'
const STARTS = /\/runs$/
const POLLS = /^\/v2\/actor-runs\/[^/]+$/
const ITEMS = /\/items$/
const CONFIG = { actor: 'acme/scraper', input: { q: 'shoes' } }

let room: ProviderRoom<ApifyServer>
beforeEach(async () => {
  room = await openProviderRoom({ start: startApifyServer, provider: 'apify', key: APIFY_TOKEN })
})
afterEach(() => room.close())

const numbered = (count: number) => Array.from({ length: count }, (_, number) => ({ number }))
const starts = () => room.server.callsTo(STARTS)
const aborts = () => room.server.callsTo(/\/abort$/)

describe('a run', () => {
  it('is started once, waited for and read', async () => {
    room.server.scriptNextRun({ items: [{ id: 1 }], costUsd: 0.12, polls: 3 })
    expect(await room.run(TYPE, { ...CONFIG, timeoutSecs: 60, maxItems: 5, maxCostUsd: 1 })).toEqual({
      runId: 'run1',
      status: 'SUCCEEDED',
      datasetId: 'dataset-of-run1',
      items: [{ id: 1 }],
      failures: [],
      total: 1,
      isCut: false,
      costUsd: 0.12,
    })
    expect(starts()).toHaveLength(1)
    expect(starts()[0]).toMatchObject({ path: '/v2/actors/acme~scraper/runs', json: { q: 'shoes' } })
    expect(starts()[0]?.headers.authorization).toBe(`Bearer ${APIFY_TOKEN}`)
    expect(Object.fromEntries(starts()[0]?.query ?? [])).toEqual({
      timeout: '60',
      maxItems: '5',
      maxTotalChargeUsd: '1',
      waitForFinish: '0',
    })
    expect(room.reports.usage).toEqual([{ costUsd: 0.12, quantities: { apifyRuns: 1 } }])
  })

  it('is asked for by long polls, and no more than once a second where they come back at once', async () => {
    room.server.scriptNextRun({ polls: 4 })
    await room.run(TYPE, CONFIG)
    const polls = room.server.callsTo(POLLS)
    expect(polls).toHaveLength(5)
    expect(polls.every(({ query }) => query.get('waitForFinish') === '60')).toBe(true)
    expect(room.clock.waits).toEqual([1_000, 1_000, 1_000, 1_000])
  })

  it('goes on being waited for when a long poll ends before it', async () => {
    room.server.scriptNextRun({ isHeld: true, items: [{ id: 1 }] })
    const output = room.run(TYPE, CONFIG)
    await room.server.received(POLLS)
    room.server.answerPolls()
    await room.server.received(POLLS, 2)
    room.server.finish('run1')
    expect(await output).toMatchObject({ items: [{ id: 1 }] })
  })

  it('may give nothing', async () => {
    expect(await room.run(TYPE, CONFIG)).toMatchObject({ items: [], failures: [], total: 0 })
  })

  it('tells results from items that say what went wrong', async () => {
    const failed = { url: 'https://a.example/', error: 'not_found', errorDescription: 'no such page' }
    room.server.scriptNextRun({ items: [{ id: 1 }, failed, { id: 2, error: null }] })
    const { items, failures } = await room.run(TYPE, CONFIG)
    expect(items).toEqual([{ id: 1 }, { id: 2, error: null }])
    expect(failures).toEqual([failed])
  })

  it('is read page by page to its total, over short and empty pages', async () => {
    const items: Json[] = [...numbered(250).map(() => ({ '#debug': 1 })), ...numbered(300)]
    room.server.scriptNextRun({ items })
    const output = await room.run(TYPE, CONFIG)
    expect(output['items']).toEqual(numbered(300))
    expect(output['total']).toBe(550)
    expect(room.server.callsTo(ITEMS).map(({ query }) => query.get('offset'))).toEqual(['0', '250', '500'])
  })

  it('is read no further than wanted, and only in the fields wanted', async () => {
    room.server.scriptNextRun({ items: numbered(600).map((item) => ({ ...item, more: true })) })
    const output = await room.run(TYPE, { ...CONFIG, maxResults: 300, fields: ['number'] })
    expect(output['items']).toEqual(numbered(300))
    expect(room.server.callsTo(ITEMS)).toHaveLength(2)
  })

  it('of a preset asks the Instagram scraper for addresses, each once', async () => {
    const targets = ['@acme', 'https://www.instagram.com/humans/', 'acme']
    const config = { preset: 'instagram.posts', targets, resultsPerTarget: 5, newerThan: '10 days' }
    await room.run(TYPE, { ...config, input: { addParentData: true } })
    expect(starts()[0]).toMatchObject({
      path: '/v2/actors/apify~instagram-scraper/runs',
      json: {
        directUrls: ['https://www.instagram.com/acme/', 'https://www.instagram.com/humans/'],
        resultsType: 'posts',
        resultsLimit: 5,
        onlyPostsNewerThan: '10 days',
        addParentData: true,
      },
    })
  })

  it.each([
    ['instagram.profiles', 'acme', 'https://www.instagram.com/acme/', 'details'],
    ['instagram.hashtags', '#Café', 'https://www.instagram.com/explore/tags/caf%C3%A9/', 'posts'],
    ['instagram.comments', 'C9abc', 'https://www.instagram.com/p/C9abc/', 'comments'],
    ['instagram.reels', 'acme', 'https://www.instagram.com/acme/', 'reels'],
  ])('of the preset %s for %s asks for %s', async (preset, target, url, resultsType) => {
    await room.run(TYPE, { preset, targets: [target] })
    expect(starts()[0]?.json).toMatchObject({ directUrls: [url], resultsType, resultsLimit: 20 })
  })

  it('is not started for a target that is no name', async () => {
    const attempt = room.run(TYPE, { preset: 'instagram.posts', targets: ['not a name!'] })
    await expect(attempt).rejects.toMatchObject({ code: 'APIFY_TARGET_INVALID', retryable: false })
    expect(starts()).toHaveLength(0)
  })

  it.each([
    {},
    { actor: 'a', preset: 'instagram.posts', targets: ['b'] },
    { preset: 'instagram.posts' },
    { actor: '../x' },
  ])('is not configured by %j', (config) => {
    expect(room.block(TYPE).config.safeParse(config).success).toBe(false)
  })
})

describe('a run that fails', () => {
  it('fails the step for good, and its cost counts', async () => {
    room.server.scriptNextRun({ status: 'FAILED', statusMessage: 'the site blocks us', costUsd: 0.4 })
    await expect(room.run(TYPE, CONFIG)).rejects.toMatchObject({
      code: 'APIFY_RUN_FAILED',
      retryable: false,
      message: expect.stringContaining('the site blocks us'),
      details: { runId: 'run1', status: 'FAILED', datasetId: 'dataset-of-run1' },
    })
    expect(room.reports.usage).toEqual([{ costUsd: 0.4, quantities: { apifyRuns: 1 } }])
  })

  it.each(['FAILED', 'TIMED-OUT'] as const)(
    'as %s gives what it has, where that is accepted',
    async (status) => {
      room.server.scriptNextRun({ status, items: [{ id: 1 }] })
      const output = await room.run(TYPE, { ...CONFIG, acceptFailedRun: true })
      expect(output).toMatchObject({ status, items: [{ id: 1 }] })
    },
  )
})

describe('a start that is refused', () => {
  const error = (type: string) => ({ error: { type, message: `it is ${type}` } })

  it.each([
    [400, 'invalid-input', 'PROVIDER_REQUEST_INVALID', false],
    [402, 'not-enough-usage-to-run-paid-actor', 'PROVIDER_OUT_OF_CREDITS', false],
    [403, 'insufficient-permissions', 'PROVIDER_FORBIDDEN', false],
    [403, 'actor-is-not-rented', 'PROVIDER_FORBIDDEN', false],
    [404, 'record-not-found', 'PROVIDER_NOT_FOUND', false],
    [409, 'conflict', 'PROVIDER_REFUSED', false],
    [413, 'request-too-large', 'PROVIDER_REQUEST_INVALID', false],
    [429, 'rate-limit-exceeded', 'PROVIDER_RATE_LIMITED', true],
    [402, 'actor-memory-limit-exceeded', 'PROVIDER_RATE_LIMITED', true],
    [500, 'internal-server-error', 'CALL_OUTCOME_UNKNOWN', true],
  ])('by %d %s is %s', async (status, type, code, retryable) => {
    room.server.failNext({ status, body: error(type) }, STARTS)
    await expect(room.run(TYPE, CONFIG)).rejects.toMatchObject({
      code,
      retryable,
      details: { provider: 'Apify', status, reason: type },
    })
    expect(starts()).toHaveLength(1)
  })

  it('for a wrong token names neither token nor header', async () => {
    const attempt = room.run(TYPE, CONFIG, { key: 'apify_api_wrong' })
    const failure = await attempt.catch((thrown: unknown) => thrown)
    expect(failure).toMatchObject({ code: 'PROVIDER_UNAUTHORIZED', retryable: false })
    expect(JSON.stringify([String(failure), failure])).not.toContain('apify_api_wrong')
  })

  it('in words that repeat the token is told without it', async () => {
    room.server.failNext({ status: 400, body: `bad token ${APIFY_TOKEN}` }, STARTS)
    await expect(room.run(TYPE, CONFIG)).rejects.toThrow(/bad token \[secret\]/)
  })

  it.each([
    ['without an answer after the run was made', { kind: 'cut', isDone: true }],
    ['in the middle of an answer', { kind: 'part', isDone: true }],
    ['by a gateway after the run was made', { status: 502, body: 'Bad Gateway', isDone: true }],
  ] as const)('%s is a call of which nobody knows, and is not made again', async (_, fault) => {
    room.server.failNext(fault, STARTS)
    await expect(room.run(TYPE, CONFIG)).rejects.toMatchObject({ code: 'CALL_OUTCOME_UNKNOWN' })
    expect(starts()).toHaveLength(1)
    expect(room.recorded()).toEqual({})
  })
})

describe('a read that fails in between', () => {
  it.each([
    ['429', { status: 429, body: { error: { type: 'rate-limit-exceeded', message: 'slow down' } } }],
    ['503', { status: 503, body: 'unavailable' }],
    ['cut', { kind: 'cut' }],
  ] as const)('by %s is read again, without another start', async (_, fault) => {
    room.server.scriptNextRun({ items: [{ id: 1 }] })
    room.server.failNext(fault, POLLS)
    room.server.failNext(fault, ITEMS)
    expect(await room.run(TYPE, CONFIG)).toMatchObject({ items: [{ id: 1 }] })
    expect(starts()).toHaveLength(1)
  })

  it('is left to the step when it goes on failing, and counts no cost twice', async () => {
    for (let i = 0; i < 5; i++) room.server.failNext({ status: 503 }, ITEMS)
    await expect(room.run(TYPE, CONFIG)).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      retryable: true,
    })
    expect(await room.run(TYPE, CONFIG, { checkpoints: room.recorded(), attempt: 2 })).toMatchObject({
      runId: 'run1',
    })
    expect(starts()).toHaveLength(1)
    expect(room.reports.usage).toHaveLength(1)
  })

  it('by an answer that is not JSON is final, and the run is aborted', async () => {
    room.server.scriptNextRun({ isHeld: true })
    room.server.failNext({ body: '<html>', headers: { 'content-type': 'text/html' } }, POLLS)
    await expect(room.run(TYPE, CONFIG)).rejects.toMatchObject({
      code: 'PROVIDER_ANSWER_INVALID',
      retryable: false,
    })
    expect(room.server.runs[0]?.status).toBe('ABORTED')
  })
})

describe('after a crash', () => {
  it('the run that was started is found again by its checkpoint', async () => {
    room.server.scriptNextRun({ isHeld: true, items: [{ id: 1 }] })
    const crash = new AbortController()
    const first = room.run(TYPE, CONFIG, { signal: crash.signal })
    await room.server.received(POLLS)
    crash.abort(new RunStop({ kind: 'yield' }))
    await expect(first).rejects.toThrow('yield')

    const second = room.run(TYPE, CONFIG, { attempt: 2, checkpoints: room.recorded() })
    await room.server.received(POLLS, 2)
    room.server.finish('run1')
    expect(await second).toMatchObject({ runId: 'run1', items: [{ id: 1 }] })
    expect(starts()).toHaveLength(1)
    expect(aborts()).toHaveLength(0)
  })

  it('a run whose id could not be recorded is aborted: nobody would find it again', async () => {
    const checkpoint = () => Promise.reject(new Error('the lease is lost'))
    room.server.scriptNextRun({ isHeld: true })
    await expect(room.run(TYPE, CONFIG, { checkpoint })).rejects.toThrow('the lease is lost')
    expect(room.server.runs[0]?.status).toBe('ABORTED')
  })
})

describe('a cancel', () => {
  const canceled = new RunStop({ kind: 'cancel' })

  it.each([
    ['cancel', canceled],
    ['sibling’s failure', new RunStop({ kind: 'fail', error: { code: 'X', message: 'failed' } })],
  ])('or a %s in the middle aborts the run', async (_, reason) => {
    room.server.scriptNextRun({ isHeld: true })
    const cancel = new AbortController()
    const attempt = room.run(TYPE, CONFIG, { signal: cancel.signal })
    await room.server.received(POLLS)
    cancel.abort(reason)
    await expect(attempt).rejects.toBe(reason)
    expect(room.server.runs[0]?.status).toBe('ABORTED')
  })

  it('that comes during the start waits for the run’s id, to abort it', async () => {
    const clock = new ManualClock()
    const cancel = new AbortController()
    room.server.scriptNextRun({ isHeld: true })
    const gate = room.server.holdNext(STARTS)
    const attempt = room.run(TYPE, CONFIG, { signal: cancel.signal, clock })
    await room.server.received(STARTS)
    cancel.abort(canceled)
    gate.open()
    await expect(attempt).rejects.toBe(canceled)
    expect(room.server.runs.map(({ status }) => status)).toEqual(['ABORTED'])
  })

  it('does not wait for ever for a start that is not answered', async () => {
    const clock = new ManualClock()
    const cancel = new AbortController()
    room.server.failNext({ kind: 'silence' }, STARTS)
    const attempt = room.run(TYPE, CONFIG, { signal: cancel.signal, clock })
    const outcome = expect(attempt).rejects.toBe(canceled)
    await room.server.received(STARTS)
    cancel.abort(canceled)
    await clock.advance(2_000)
    await outcome
  })

  it('is not held up by an abort that fails', async () => {
    room.server.scriptNextRun({ isHeld: true })
    room.server.failNext({ status: 500 }, /abort$/)
    const cancel = new AbortController()
    const attempt = room.run(TYPE, CONFIG, { signal: cancel.signal })
    await room.server.received(POLLS)
    cancel.abort(canceled)
    await expect(attempt).rejects.toBe(canceled)
    expect(room.reports.logs.at(-1)).toMatchObject({ level: 'warn' })
  })

  it('before the start starts nothing', async () => {
    await expect(room.run(TYPE, CONFIG, { signal: AbortSignal.abort(canceled) })).rejects.toBe(canceled)
    expect(room.server.calls).toHaveLength(0)
  })
})

it('without a token nothing is called', async () => {
  const attempt = runBlock(room.block(TYPE), { config: CONFIG })
  await expect(attempt).rejects.toMatchObject({ code: 'SECRET_MISSING' })
  expect(room.server.calls).toHaveLength(0)
})
