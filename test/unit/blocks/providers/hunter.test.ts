import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { RunStop } from '../../../../src/engine/run/context/run-stop.ts'
import type { JsonObject } from '../../../../src/lib/json/json.ts'
import {
  HUNTER_BASE_PATH,
  HUNTER_KEY,
  HUNTER_REFUSALS,
  startHunterServer,
  type HunterServer,
} from '../../../support/providers/hunter-server.ts'
import { openProviderRoom, type ProviderRoom } from '../../../support/providers/provider-room.ts'

const FIND = 'api.hunter.findEmail'
const VERIFY = 'api.hunter.verifyEmail'
const SEARCH = 'api.hunter.searchDomain'
const DANA = { domain: 'acme.test', firstName: 'Dana', lastName: 'Rosen' }

let room: ProviderRoom<HunterServer>
beforeEach(async () => {
  room = await openProviderRoom({
    start: startHunterServer,
    provider: 'hunter',
    key: HUNTER_KEY,
    basePath: HUNTER_BASE_PATH,
  })
})
afterEach(() => room.close())

const entry = (number: number): JsonObject => ({
  value: `mail${number}@acme.test`,
  type: 'personal',
  confidence: 92,
  first_name: number === 0 ? 'Dana' : `First${number}`,
  last_name: 'Rosen',
  sources: [{ uri: 'http://acme.test/team' }],
})
const entries = (count: number) => Array.from({ length: count }, (_, number) => entry(number))
const credits = () =>
  room.reports.usage.reduce((sum, { quantities }) => sum + (quantities?.['hunterCredits'] ?? 0), 0)

describe('an address', () => {
  it('is found by name and domain, for a credit', async () => {
    room.server.putDomain('acme.test', entries(1))
    expect(await room.run(FIND, DANA)).toEqual({
      found: true,
      email: 'mail0@acme.test',
      score: 92,
      optedOut: false,
      details: {
        first_name: 'Dana',
        last_name: 'Rosen',
        domain: 'acme.test',
        position: null,
        company: 'Acme',
      },
    })
    const [call] = room.server.calls
    expect(call?.headers['x-api-key']).toBe(HUNTER_KEY)
    expect(Object.fromEntries(call?.query ?? [])).toEqual({
      domain: 'acme.test',
      first_name: 'Dana',
      last_name: 'Rosen',
      max_duration: '10',
    })
    expect(credits()).toBe(1)
  })

  it('is found by the whole name', async () => {
    room.server.putDomain('acme.test', entries(1))
    const config = { domain: 'acme.test', fullName: 'Dana Rosen', firstName: null }
    expect(await room.run(FIND, config)).toMatchObject({ email: 'mail0@acme.test' })
  })

  it('that is not known is null and costs nothing', async () => {
    expect(await room.run(FIND, DANA)).toMatchObject({ found: false, email: null, score: null })
    expect(credits()).toBe(0)
  })

  it('of a person who has opted out leaves nothing of them', async () => {
    room.server.putDomain('acme.test', entries(1))
    room.server.optOut('mail0@acme.test')
    const nothing = { found: false, email: null, score: null, optedOut: true, details: null }
    expect(await room.run(FIND, DANA)).toEqual(nothing)
  })

  it.each([
    { domain: 'acme.test' },
    { firstName: 'Dana', lastName: 'Rosen' },
    { domain: 'a.test', firstName: 'Dana' },
  ])('is not looked for by %j', (config) => {
    expect(room.block(FIND).config.safeParse(config).success).toBe(false)
  })

  it('is let go of at once by a cancel', async () => {
    const reason = new RunStop({ kind: 'cancel' })
    const cancel = new AbortController()
    room.server.failNext({ kind: 'silence' })
    const attempt = room.run(FIND, DANA, { signal: cancel.signal })
    await room.server.received(/finder$/)
    cancel.abort(reason)
    await expect(attempt).rejects.toBe(reason)
    await room.server.deserted()
  })
})

describe('a refusal', () => {
  it('with 403 means too many calls: the next one waits, longer each time', async () => {
    room.server.failNext(HUNTER_REFUSALS.throttled)
    room.server.failNext(HUNTER_REFUSALS.throttled)
    const refused = { code: 'PROVIDER_RATE_LIMITED', retryable: true }
    await expect(room.run(FIND, DANA)).rejects.toMatchObject(refused)
    await expect(room.run(FIND, DANA)).rejects.toMatchObject(refused)
    await room.run(FIND, DANA)
    expect(room.clock.waits).toEqual([500, 1_000])
  })

  it('with 429 means that the plan is used up: final', async () => {
    room.server.failNext(HUNTER_REFUSALS.usedUp)
    await expect(room.run(FIND, DANA)).rejects.toMatchObject({
      code: 'PROVIDER_OUT_OF_CREDITS',
      retryable: false,
      message: expect.stringContaining('per billing period'),
    })
  })

  it.each([
    [400, 'PROVIDER_REQUEST_INVALID', false],
    [404, 'PROVIDER_NOT_FOUND', false],
    [422, 'PROVIDER_REQUEST_INVALID', false],
    [500, 'PROVIDER_UNAVAILABLE', true],
    [503, 'PROVIDER_UNAVAILABLE', true],
  ])('with %d is %s', async (status, code, retryable) => {
    const errors = [
      { id: 'wrong_params', code: status, details: 'One is wrong.' },
      { id: 'other', code: status, details: 'Two are wrong.' },
    ]
    room.server.failNext({ status, body: { errors } })
    await expect(room.run(FIND, DANA)).rejects.toMatchObject({
      code,
      retryable,
      message: expect.stringContaining('One is wrong. Two are wrong.'),
      details: { reason: 'wrong_params' },
    })
  })

  it('of the key is final and told without the key', async () => {
    const failure = await room.run(FIND, DANA, { key: 'wrong-hunter-key' }).catch((thrown: unknown) => thrown)
    expect(failure).toMatchObject({ code: 'PROVIDER_UNAUTHORIZED', retryable: false })
    expect(JSON.stringify([String(failure), failure])).not.toContain('wrong-hunter-key')
  })

  it.each([{ kind: 'cut' }, { kind: 'part' }] as const)(
    'without an answer (%j) may be repeated',
    async (fault) => {
      room.server.failNext(fault)
      await expect(room.run(FIND, DANA)).rejects.toMatchObject({ code: 'HTTP_NETWORK', retryable: true })
    },
  )
})

describe('a check', () => {
  const config = { email: 'dana@acme.test' }

  it.each(['valid', 'invalid', 'accept_all', 'disposable', 'unknown'])('tells %s', async (status) => {
    room.server.putStatus('dana@acme.test', status)
    const output = await room.run(VERIFY, config)
    expect(output).toMatchObject({
      email: 'dana@acme.test',
      status,
      optedOut: false,
      details: { mx_records: true },
    })
    expect(credits()).toBe(0.5)
  })

  it('that goes on is asked for again every three seconds, and costs once', async () => {
    room.server.takeLonger(3)
    expect(await room.run(VERIFY, config)).toMatchObject({ status: 'valid', score: 100 })
    expect(room.server.calls).toHaveLength(4)
    expect(room.clock.waits).toEqual([3_000, 3_000, 3_000])
    expect(credits()).toBe(0.5)
  })

  it('that goes on for too long is left to a later attempt', async () => {
    room.server.takeLonger(100)
    await expect(room.run(VERIFY, { ...config, patienceMs: 10_000 })).rejects.toMatchObject({
      code: 'HUNTER_STILL_CHECKING',
      retryable: true,
      retryAfterMs: 60_000,
    })
    expect(room.server.calls).toHaveLength(4)
    expect(credits()).toBe(0)
  })

  it('is asked for again when the mail server answered oddly', async () => {
    room.server.failNext({ status: 222, body: { errors: [] } })
    expect(await room.run(VERIFY, config)).toMatchObject({ status: 'valid' })
  })

  it('of a person who has opted out leaves nothing of them', async () => {
    room.server.optOut('dana@acme.test')
    expect(await room.run(VERIFY, config)).toMatchObject({ status: null, optedOut: true, details: null })
  })

  it('ends with a cancel while it waits', async () => {
    const reason = new RunStop({ kind: 'cancel' })
    const cancel = new AbortController()
    room.server.takeLonger(1_000)
    const attempt = room.run(VERIFY, { ...config, patienceMs: 240_000 }, { signal: cancel.signal })
    await room.server.received(/verifier$/, 3)
    cancel.abort(reason)
    await expect(attempt).rejects.toBe(reason)
  })
})

describe('a domain', () => {
  it('is read page by page, a credit for every ten, without sources', async () => {
    room.server.putDomain('acme.test', entries(235))
    const output = await room.run(SEARCH, { domain: 'acme.test', maxResults: 500 })
    expect(output).toMatchObject({
      domain: 'acme.test',
      organization: 'Acme',
      pattern: '{first}',
      total: 235,
    })
    expect(output['emails']).toHaveLength(235)
    expect((output['emails'] as JsonObject[])[0]).not.toHaveProperty('sources')
    expect(room.server.calls.map(({ query }) => query.get('offset'))).toEqual(['0', '100', '200'])
    expect(credits()).toBe(24)
  })

  it('is read no further than wanted', async () => {
    room.server.putDomain('acme.test', entries(35))
    const output = await room.run(SEARCH, { domain: 'acme.test', withSources: true })
    expect(output).toMatchObject({ emails: entries(10), total: 35, isLimited: false })
    expect(room.server.calls).toHaveLength(1)
  })

  it('may have no addresses', async () => {
    expect(await room.run(SEARCH, { domain: 'acme.test' })).toMatchObject({ emails: [], total: 0 })
    expect(credits()).toBe(0)
  })

  it('on a small plan gives what the plan gives, and says so', async () => {
    room.server.useFreePlan()
    room.server.putDomain('acme.test', entries(35))
    const output = await room.run(SEARCH, { domain: 'acme.test', maxResults: 30 })
    expect(output).toMatchObject({ total: 35, isLimited: true })
    expect(output['emails']).toHaveLength(10)
    expect(room.reports.logs).toHaveLength(1)
  })

  it('on a small plan is complete when it is small itself', async () => {
    room.server.useFreePlan()
    room.server.putDomain('acme.test', entries(4))
    expect(await room.run(SEARCH, { domain: 'acme.test', maxResults: 30 })).toMatchObject({
      isLimited: false,
    })
  })

  it('passes the filters on', async () => {
    await room.run(SEARCH, { company: 'Acme', type: 'personal', seniorities: ['senior', 'executive'] })
    const query = Object.fromEntries(room.server.calls[0]?.query ?? [])
    expect(query).toEqual({
      company: 'Acme',
      type: 'personal',
      seniority: 'senior,executive',
      limit: '10',
      offset: '0',
    })
  })
})

it('calls begin no faster than Hunter takes them', async () => {
  for (let i = 0; i < 31; i++) await room.run(FIND, DANA)
  expect(room.clock.waits).toEqual([1_000, 1_000])
})
