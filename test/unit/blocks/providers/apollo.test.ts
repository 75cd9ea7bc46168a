import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { BlockError } from '../../../../src/engine/block/block.ts'
import { RunStop } from '../../../../src/engine/run/context/run-stop.ts'
import type { JsonObject } from '../../../../src/lib/json/json.ts'
import { emptyReports } from '../../../support/block-context.ts'
import {
  APOLLO_BASE_PATH,
  APOLLO_KEY,
  APOLLO_NARROW_KEY,
  startApolloServer,
  type ApolloServer,
} from '../../../support/providers/apollo-server.ts'
import { openProviderRoom, type ProviderRoom } from '../../../support/providers/provider-room.ts'

const PEOPLE = 'api.apollo.searchPeople'
const ORGANIZATIONS = 'api.apollo.searchOrganizations'
const PERSON = 'api.apollo.enrichPerson'
const MANY = 'api.apollo.enrichPeople'
const BULK = /bulk_match$/

let room: ProviderRoom<ApolloServer>
beforeEach(async () => {
  room = await openProviderRoom({
    start: startApolloServer,
    provider: 'apollo',
    key: APOLLO_KEY,
    basePath: APOLLO_BASE_PATH,
  })
})
afterEach(() => room.close())

const person = (number: number): JsonObject => ({
  id: `p${number}`,
  first_name: `First${number}`,
  last_name: 'Rosen',
  title: number % 2 === 0 ? 'CTO' : 'CEO',
  email: `first${number}@acme.test`,
  domain: 'acme.test',
  employment_history: [{ title: 'Intern' }],
  organization: { id: 'o1', name: 'Acme', keywords: ['shoes'] },
})
const people = (count: number) => Array.from({ length: count }, (_, number) => person(number))
const ids = (output: JsonObject, field: string) => (output[field] as JsonObject[]).map(({ id }) => id)
const credits = () =>
  room.reports.usage.reduce((sum, { quantities }) => sum + (quantities?.['apolloCredits'] ?? 0), 0)

describe('a search of people', () => {
  it('sends the filters under Apollo’s names and leaves out what is empty', async () => {
    room.server.putPeople(people(4))
    const output = await room.run(PEOPLE, {
      titles: ['CTO'],
      seniorities: ['vp'],
      organizationDomains: ['acme.test'],
      employeeRanges: ['1,10'],
      revenueMin: 5,
      filters: { q_organization_job_titles: ['engineer'] },
    })
    expect(ids(output, 'people')).toEqual(['p0', 'p2'])
    expect(output['total']).toBe(2)
    expect(room.server.calls[0]).toMatchObject({
      method: 'POST',
      json: {
        person_titles: ['CTO'],
        person_seniorities: ['vp'],
        q_organization_domains_list: ['acme.test'],
        organization_num_employees_ranges: ['1,10'],
        revenue_range: { min: 5 },
        q_organization_job_titles: ['engineer'],
        page: 1,
        per_page: 100,
      },
    })
    expect(Object.keys(room.server.calls[0]?.json as JsonObject)).toHaveLength(8)
    expect(room.reports.usage).toEqual([])
  })

  it('reads page by page to what is wanted', async () => {
    room.server.putPeople(people(320))
    const output = await room.run(PEOPLE, { maxResults: 250 })
    expect(ids(output, 'people')).toEqual(people(250).map(({ id }) => id))
    expect(room.server.calls).toHaveLength(3)
  })

  it('goes on over a short page to the total', async () => {
    room.server.putPeople(people(150))
    room.server.shortenPages(10)
    expect(await room.run(PEOPLE, { maxResults: 200 })).toMatchObject({ total: 150 })
    expect(room.server.calls).toHaveLength(2)
  })

  it('may find nobody', async () => {
    expect(await room.run(PEOPLE, {})).toEqual({ people: [], total: 0 })
    expect(room.server.calls).toHaveLength(1)
  })

  it('may simply be repeated when it was not answered', async () => {
    room.server.failNext({ kind: 'cut' })
    await expect(room.run(PEOPLE, {})).rejects.toMatchObject({ code: 'HTTP_NETWORK', retryable: true })
  })
})

describe('a refusal', () => {
  const plain = (status: number, message: string) => ({ status, body: { message } })

  it('of the key comes as plain text and is told without the key', async () => {
    const failure = await room.run(PEOPLE, {}, { key: 'wrong-apollo-key' }).catch((thrown: unknown) => thrown)
    expect(failure).toMatchObject({
      code: 'PROVIDER_UNAUTHORIZED',
      retryable: false,
      message: expect.stringContaining('Invalid API key'),
    })
    expect(JSON.stringify([String(failure), failure])).not.toContain('wrong-apollo-key')
  })

  it('for a key that may not search says why', async () => {
    await expect(room.run(PEOPLE, {}, { key: APOLLO_NARROW_KEY })).rejects.toMatchObject({
      code: 'PROVIDER_FORBIDDEN',
      details: { provider: 'Apollo', status: 403, reason: 'API_INACCESSIBLE' },
    })
  })

  it.each([
    [
      plain(403, 'This endpoint is only available to Apollo users on paid plans.'),
      'PROVIDER_FORBIDDEN',
      false,
    ],
    [{ status: 422, body: { error: 'Invalid parameters' } }, 'PROVIDER_REQUEST_INVALID', false],
    [{ status: 422, body: { error: 'You have insufficient credits' } }, 'PROVIDER_OUT_OF_CREDITS', false],
    [{ status: 400, body: { error_code: 'INVALID_REQUEST' } }, 'PROVIDER_REQUEST_INVALID', false],
    [{ status: 500, body: 'oops' }, 'PROVIDER_UNAVAILABLE', true],
    [{ status: 429, body: {}, headers: { 'retry-after': '37' } }, 'PROVIDER_RATE_LIMITED', true],
  ])('%j of a search is %s', async (fault, code, retryable) => {
    room.server.failNext(fault)
    await expect(room.run(PEOPLE, {})).rejects.toMatchObject({ code, retryable })
  })

  it('for too many calls carries the wait, and holds back the next call by as much', async () => {
    const message = JSON.stringify({ message: 'The maximum number of api calls is 200 times per minute' })
    room.server.failNext({ ...plain(429, message), headers: { 'retry-after': '37' } })
    await expect(room.run(PEOPLE, {})).rejects.toMatchObject({
      retryAfterMs: 37_000,
      message: expect.stringMatching(/: The maximum number of api calls is 200/),
    })
    await room.run(PEOPLE, {})
    expect(room.clock.waits).toEqual([37_000])
  })

  it('in words of an HTTP date is waited for until then', async () => {
    const date = new Date(room.clock.now() + 20_000).toUTCString()
    room.server.failNext({ ...plain(429, 'slow down'), headers: { 'retry-after': date } })
    await expect(room.run(PEOPLE, {})).rejects.toMatchObject({ retryAfterMs: 20_000 })
  })

  it('for a day that is used up is final', async () => {
    const headers = { 'retry-after': '37', 'x-24-hour-requests-left': '0' }
    room.server.failNext({ ...plain(429, 'The maximum number of api calls is 2000 times per day'), headers })
    const failure = room.run(PEOPLE, {})
    await expect(failure).rejects.toMatchObject({ code: 'PROVIDER_RATE_LIMITED', retryable: false })
    await expect(failure).rejects.not.toHaveProperty('retryAfterMs', expect.any(Number))
  })

  it('on one endpoint holds back that endpoint alone', async () => {
    room.server.failNext({ ...plain(429, 'slow down'), headers: { 'retry-after': '37' } })
    await room.run(PEOPLE, {}).catch(() => undefined)
    await room.run(PERSON, { id: 'p1' })
    expect(room.clock.waits).toEqual([])
  })
})

it('many steps at once meet few refusals, because they share what one of them learns', async () => {
  room.server.limitMinute(10)
  room.server.putPeople(people(45))
  /** As the engine does: a failed attempt is made again after the wait that it names. */
  const persevere = async (id: string): Promise<JsonObject> => {
    for (;;) {
      try {
        return await room.run(PERSON, { id })
      } catch (failure) {
        if (!(failure instanceof BlockError && failure.retryable)) throw failure
        await room.clock.wait(failure.retryAfterMs ?? 500)
      }
    }
  }
  const found = await Promise.all(people(45).map(({ id }) => persevere(id as string)))
  expect(found.every((output) => output['found'])).toBe(true)
  expect(room.server.spent).toBe(45)
  // Four minutes run full; in each one call asks whether there is more.
  expect(room.server.calls.length - 45).toBeLessThanOrEqual(6)
})

describe('a search of organizations', () => {
  const organizations = (count: number, prefix = 'o') =>
    Array.from({ length: count }, (_, number) => ({ id: `${prefix}${number}`, name: 'Acme' }))

  it('gives saved and other ones together, a credit a page', async () => {
    room.server.putOrganizations(organizations(120), organizations(2, 'saved'))
    const output = await room.run(ORGANIZATIONS, { name: 'Acme', maxResults: 110 })
    expect(ids(output, 'organizations').slice(0, 3)).toEqual(['saved0', 'saved1', 'o0'])
    expect(output['organizations']).toHaveLength(110)
    expect(output['total']).toBe(122)
    expect(credits()).toBe(2)
    expect(room.server.calls[0]?.json).toEqual({ q_organization_name: 'Acme', page: 1, per_page: 100 })
  })

  it('pays for no page twice when an attempt fails in between', async () => {
    room.server.putOrganizations(organizations(250))
    const crash = new AbortController()
    const gate = room.server.holdNext(/search$/)
    const first = room.run(ORGANIZATIONS, { maxResults: 250 }, { signal: crash.signal })
    await room.server.received(/search$/)
    room.server.failNext({ status: 429, body: {} }, /search$/)
    gate.open()
    await expect(first).rejects.toMatchObject({ code: 'PROVIDER_RATE_LIMITED' })

    const output = await room.run(
      ORGANIZATIONS,
      { maxResults: 250 },
      { attempt: 2, checkpoints: room.recorded() },
    )
    expect(output['organizations']).toHaveLength(250)
    expect(room.server.spent).toBe(3)
    expect(credits()).toBe(3)
  })
})

describe('one person', () => {
  it('is asked for by what is known and given without what is bulky', async () => {
    room.server.putPeople(people(3))
    const output = await room.run(PERSON, {
      firstName: 'First1',
      domain: ' acme.test ',
      lastName: '',
      email: null,
    })
    expect(output).toMatchObject({ found: true, person: { id: 'p1', email: 'first1@acme.test' } })
    expect(output['person']).not.toHaveProperty('employment_history')
    expect((output['person'] as JsonObject)['organization']).toEqual({ id: 'o1', name: 'Acme' })
    expect(room.server.calls[0]?.json).toEqual({
      first_name: 'First1',
      domain: 'acme.test',
      reveal_personal_emails: false,
    })
    expect(credits()).toBe(1)
  })

  it('is given in full where that is wanted', async () => {
    room.server.putPeople(people(1))
    expect(await room.run(PERSON, { id: 'p0', full: true })).toEqual({ found: true, person: person(0) })
  })

  it('that Apollo does not know costs nothing', async () => {
    expect(await room.run(PERSON, { email: 'nobody@acme.test' })).toEqual({ found: false, person: null })
    expect(credits()).toBe(0)
  })

  it('of whom nothing is known is not asked for', async () => {
    await expect(room.run(PERSON, { firstName: ' ' })).rejects.toMatchObject({
      code: 'APOLLO_PERSON_UNNAMED',
    })
    expect(room.server.calls).toHaveLength(0)
  })

  it.each([
    { kind: 'cut', isDone: true },
    { status: 502, body: 'Bad Gateway', isDone: true },
  ] as const)('is not asked for again when nobody knows whether it was paid for: %j', async (fault) => {
    room.server.failNext(fault)
    await expect(room.run(PERSON, { id: 'p0' })).rejects.toMatchObject({ code: 'CALL_OUTCOME_UNKNOWN' })
    expect(room.server.calls).toHaveLength(1)
  })

  it('is let go of at once by a cancel', async () => {
    const reason = new RunStop({ kind: 'cancel' })
    const cancel = new AbortController()
    room.server.failNext({ kind: 'silence' })
    const attempt = room.run(PERSON, { id: 'p0' }, { signal: cancel.signal })
    await room.server.received(/match$/)
    cancel.abort(reason)
    await expect(attempt).rejects.toBe(reason)
    await room.server.deserted()
  })
})

describe('many people', () => {
  const wishes = (count: number) => Array.from({ length: count }, (_, number) => ({ id: `p${number}` }))

  it('come ten at a time, in the order asked for, null for who is not found', async () => {
    room.server.putPeople(people(25).filter((_, number) => number !== 3 && number !== 11))
    const output = await room.run(MANY, { people: wishes(25) })
    const found = output['people'] as (JsonObject | null)[]
    expect(found.map((one) => one?.['id'] ?? null)).toEqual(
      wishes(25).map(({ id }) => (id === 'p3' || id === 'p11' ? null : id)),
    )
    expect(output['found']).toBe(23)
    const sizes = room.server
      .callsTo(BULK)
      .map(({ json }) => ((json as JsonObject)['details'] as unknown[]).length)
    expect(sizes).toEqual([10, 10, 5])
    expect(credits()).toBe(23)
  })

  it('of whom nothing is known are null without spoiling the call for the others', async () => {
    room.server.putPeople(people(2))
    const output = await room.run(MANY, { people: [{}, { id: 'p0' }, { name: null }, { id: 'p1' }] })
    expect((output['people'] as unknown[]).map(Boolean)).toEqual([false, true, false, true])
    expect(room.server.calls).toHaveLength(1)
  })

  it('may be nobody, and nobody is asked for', async () => {
    expect(await room.run(MANY, { people: [] })).toEqual({ people: [], found: 0 })
    expect(room.server.calls).toHaveLength(0)
  })

  it('that were paid for are not paid for again after a refusal in the middle', async () => {
    room.server.putPeople(people(30))
    // The second of three calls is refused.
    const gate = room.server.holdNext(BULK)
    const first = room.run(MANY, { people: wishes(30) })
    await room.server.received(BULK)
    room.server.failNext({ status: 429, body: {}, headers: { 'retry-after': '1' } }, BULK)
    gate.open()
    await expect(first).rejects.toMatchObject({ code: 'PROVIDER_RATE_LIMITED' })

    const output = await room.run(MANY, { people: wishes(30) }, { attempt: 2, checkpoints: room.recorded() })
    expect(output['found']).toBe(30)
    expect(room.server.callsTo(BULK)).toHaveLength(4)
    expect(room.server.spent).toBe(30)
  })

  describe('after a crash in the middle of a call', () => {
    const checkpoints = { 'chunk 0': { state: 'done', value: [null] }, 'chunk 1': { state: 'begun' } }
    const config = { people: [...Array.from({ length: 10 }, () => ({ id: 'x' })), { id: 'p0' }] }

    it('nobody knows whether those ten were paid for', async () => {
      await expect(room.run(MANY, config, { checkpoints, attempt: 2 })).rejects.toMatchObject({
        code: 'CALL_OUTCOME_UNKNOWN',
        retryable: true,
      })
      expect(room.server.calls).toHaveLength(0)
    })

    it('they are asked for again if the node says so', async () => {
      room.server.putPeople(people(1))
      await room.run(MANY, config, { checkpoints, attempt: 2 }).catch(() => undefined)
      const known = { ...checkpoints, ...room.recorded() }
      expect(await room.run(MANY, config, { checkpoints: known, attempt: 3 })).toMatchObject({ found: 1 })
      expect(room.server.callsTo(BULK)).toHaveLength(1)
    })
  })

  it('who are too large for one checkpoint are recorded all the same', async () => {
    const biography = Array.from({ length: 4_000 }, (_, i) => `line ${i * 7919}`).join('\n')
    room.server.putPeople(people(3).map((one) => ({ ...one, biography })))
    const reports = emptyReports()
    const output = await room.run(MANY, { people: wishes(3) }, { reports })
    for (const checkpoint of reports.checkpoints)
      expect(Buffer.byteLength(JSON.stringify(checkpoint))).toBeLessThan(65_536)

    const again = await room.run(
      MANY,
      { people: wishes(3) },
      { attempt: 2, checkpoints: room.recorded(reports) },
    )
    expect(again).toEqual(output)
    expect(room.server.callsTo(BULK)).toHaveLength(1)
  })

  it('are left in the middle by a cancel', async () => {
    const reason = new RunStop({ kind: 'cancel' })
    const cancel = new AbortController()
    room.server.failNext({ kind: 'silence' }, BULK)
    const attempt = room.run(MANY, { people: wishes(30) }, { signal: cancel.signal })
    await room.server.received(BULK)
    cancel.abort(reason)
    await expect(attempt).rejects.toBe(reason)
    expect(room.recorded()).toEqual({ 'chunk 0': { state: 'begun' } })
    expect(room.server.callsTo(BULK)).toHaveLength(1)
  })

  it('whose matches are not as many as asked for are no answer', async () => {
    room.server.failNext({ body: { matches: [] } }, BULK)
    await expect(room.run(MANY, { people: wishes(2) })).rejects.toMatchObject({
      code: 'PROVIDER_ANSWER_INVALID',
    })
  })
})
