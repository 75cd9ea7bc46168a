import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { JsonObject } from '../../../../src/lib/json/json.ts'
import { ACCOUNT, openMetaRoom, people, type MetaRoom } from '../../../support/providers/meta-room.ts'
import { metaError, usageHeaders, type MetaServer } from '../../../support/providers/meta-server.ts'

const USERS = /\/users$/
const MINUTE_MS = 60_000

let room: MetaRoom
let server: MetaServer
let audienceId: string

beforeEach(async () => {
  room = await openMetaRoom()
  ;({ server } = room)
  audienceId = server.addAudience(ACCOUNT, 'Buyers')
})
afterEach(() => room.close())

type Given = Parameters<typeof room.run>[2]

const create = (config: JsonObject = {}, given: Given = {}) =>
  room.run('api.meta.createAudience', { accountId: `act_${ACCOUNT}`, name: 'New', ...config }, given)
const upload = (config: JsonObject = {}, given: Given = {}) =>
  room.run('api.meta.uploadAudience', { audienceId, contacts: people(1), ...config }, given)

describe('creating an audience', () => {
  it('gives its id', async () => {
    const output = await create({
      description: 'from a workflow',
      customerFileSource: 'PARTNER_PROVIDED_ONLY',
    })

    expect(output).toMatchObject({ name: 'New', isNew: true })
    expect(server.audiences(ACCOUNT)).toContainEqual({
      account: ACCOUNT,
      id: output['audienceId'],
      name: 'New',
    })
    expect(server.calls.at(-1)?.json).toEqual({
      name: 'New',
      subtype: 'CUSTOM',
      description: 'from a workflow',
      customer_file_source: 'PARTNER_PROVIDED_ONLY',
    })
  })

  it('takes the one that is called so, wherever it is in the list', async () => {
    for (let i = 0; i < 150; i++) server.addAudience(ACCOUNT, `Audience ${i}`)
    const id = server.addAudience(ACCOUNT, 'New')
    expect(await create({ accountId: ACCOUNT })).toEqual({ audienceId: id, name: 'New', isNew: false })
    expect(server.callsTo(/customaudiences$/, 'POST')).toHaveLength(0)
  })

  it('whose answer was lost makes no second one', async () => {
    server.failNext({ status: 200, body: { data: [] } })
    server.failNext({ kind: 'cut', isDone: true })
    await expect(create()).rejects.toMatchObject({ code: 'HTTP_NETWORK', retryable: true })

    expect(await create({}, { attempt: 2 })).toMatchObject({ isNew: false })
    expect(server.audiences(ACCOUNT).filter(({ name }) => name === 'New')).toHaveLength(1)
  })
})

describe('a refusal', () => {
  it.each<[number, number, string, boolean]>([
    [1, 500, 'PROVIDER_UNAVAILABLE', true],
    [2, 200, 'PROVIDER_UNAVAILABLE', true],
    [4, 400, 'PROVIDER_RATE_LIMITED', true],
    [17, 400, 'PROVIDER_RATE_LIMITED', true],
    [613, 200, 'PROVIDER_RATE_LIMITED', true],
    [80_003, 400, 'PROVIDER_RATE_LIMITED', true],
    [100, 400, 'PROVIDER_REQUEST_INVALID', false],
    [100, 200, 'PROVIDER_REQUEST_INVALID', false],
    [102, 400, 'PROVIDER_UNAUTHORIZED', false],
    [190, 401, 'PROVIDER_UNAUTHORIZED', false],
    [10, 403, 'PROVIDER_FORBIDDEN', false],
    [200, 403, 'PROVIDER_FORBIDDEN', false],
    [2_635, 400, 'PROVIDER_REQUEST_INVALID', false],
    [2_650, 400, 'PROVIDER_REFUSED', false],
    [368, 400, 'PROVIDER_REFUSED', false],
  ])('with code %d under status %d is %s (retryable: %s)', async (code, status, expected, retryable) => {
    server.failNext(metaError({ code, status, subcode: 7 }))
    await expect(upload()).rejects.toMatchObject({
      code: expected,
      retryable,
      message: expect.stringContaining('No.'),
      details: { reason: `${code}/7`, traceId: 'AbCdEf123' },
    })
  })

  it('that calls itself passing may be tried again', async () => {
    server.failNext(metaError({ code: 9_999, isTransient: true }))
    await expect(upload()).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryable: true })
  })

  it('of too many calls says when they are taken again, and holds back the others until then', async () => {
    server.failNext(metaError({ code: 80_003, usage: { percent: 100, regainMinutes: 1 } }))
    await expect(upload()).rejects.toMatchObject({ retryable: true, retryAfterMs: MINUTE_MS })

    await upload()
    expect(room.clock.waits).toEqual([MINUTE_MS])
  })

  it('of too many calls for longer than is worth waiting is final', async () => {
    server.failNext(metaError({ code: 80_003, usage: { regainMinutes: 60 } }))
    await expect(upload()).rejects.toMatchObject({
      retryable: false,
      details: { retryAfterMs: 60 * MINUTE_MS },
    })
  })

  it('of the token does not repeat it', async () => {
    await expect(upload({}, { key: 'another-token' })).rejects.toMatchObject({
      code: 'PROVIDER_UNAUTHORIZED',
      message: expect.not.stringContaining('another-token'),
    })
  })

  it('in words that are not JSON is told as it came', async () => {
    server.failNext({ status: 502, body: 'Bad gateway' })
    await expect(upload()).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryable: true })
  })
})

it('makes one call after the other when most of what is allowed is used up', async () => {
  server.failNext({ headers: usageHeaders({ percent: 95 }), body: { num_received: 1 } })
  await upload()
  const gate = server.holdNext(USERS)
  const both = Promise.all([upload(), upload()])
  await server.received(USERS, 2)
  // A way there and back: a second call under way would have come in meanwhile.
  for (let i = 0; i < 2; i++) await fetch(`${server.origin}/v26.0/elsewhere`)
  expect(server.callsTo(USERS)).toHaveLength(2)
  gate.open()
  await both
  expect(server.callsTo(USERS)).toHaveLength(3)
})

it('ends at once when it is canceled', async () => {
  server.failNext({ kind: 'silence' })
  const stop = new AbortController()
  const canceled = expect(upload({}, { signal: stop.signal })).rejects.toThrow('canceled')
  await server.received(USERS)
  stop.abort(new Error('canceled'))
  await canceled
  await server.deserted()
})

it.each([
  ['accountId', { accountId: 'mine' }, create],
  ['audienceId', { audienceId: 'mine' }, upload],
  ['contacts', { contacts: ['Mary'] }, upload],
  ['fields', { fields: { NAME: 'name' } }, upload],
  ['defaultCountry', { defaultCountry: 'Atlantis' }, upload],
  ['batchSize', { batchSize: 10_001 }, upload],
])('refuses a config whose %s cannot be', async (_, config: JsonObject, run) => {
  await expect(run(config)).rejects.toThrow()
  expect(server.calls).toHaveLength(0)
})

it('makes up results of the right shape', () => {
  const block = room.block('api.meta.uploadAudience')
  const config = block.config.parse({ audienceId: '1', contacts: people(3) })
  const sample = block.sampleFor?.({ config, input: null, random: () => 0 })
  expect(block.output.parse(sample)).toMatchObject({ audienceId: '1', sent: 3, received: 3 })
})
