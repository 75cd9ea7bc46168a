import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { JsonObject } from '../../../../src/lib/json.ts'
import { emptyReports } from '../../../support/block-context.ts'
import {
  metaError,
  startMetaServer,
  usageHeaders,
  type MetaServer,
} from '../../../support/providers/meta-server.ts'
import { openProviderRoom, type ProviderRoom } from '../../../support/providers/provider-room.ts'

const TOKEN = 'meta-test-token'
const ACCOUNT = '1234567890'
const USERS = /\/users$/
const MINUTE_MS = 60_000

let room: ProviderRoom<MetaServer>
let server: MetaServer
let audienceId: string

beforeEach(async () => {
  room = await openProviderRoom({
    start: () => startMetaServer(TOKEN),
    provider: 'meta',
    key: TOKEN,
    basePath: '/v26.0',
  })
  ;({ server } = room)
  audienceId = server.addAudience(ACCOUNT, 'Buyers')
})
afterEach(() => room.close())

type Given = Parameters<typeof room.run>[2]

const create = (config: JsonObject = {}, given: Given = {}) =>
  room.run('api.meta.createAudience', { accountId: `act_${ACCOUNT}`, name: 'New', ...config }, given)
const upload = (config: JsonObject = {}, given: Given = {}) =>
  room.run('api.meta.uploadAudience', { audienceId, contacts: people(1), ...config }, given)

const people = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ email: `person${index}@example.com` }))
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const sent = () => server.callsTo(USERS).map(({ json }) => json as JsonObject)

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

describe('an upload', () => {
  it('sends what is known of people, normalised and hashed, and only the keys that somebody has', async () => {
    const contacts: JsonObject[] = [
      {
        email: ' Mary@Example.com',
        phone: '(555) 987-6543',
        firstName: 'Mary',
        country: 'US',
        zip: 2134,
        note: 'x',
      },
      { email: 'jo@example.com', externalId: 'crm-42' },
    ]
    expect(await upload({ contacts })).toMatchObject({ sent: 2, received: 2, skipped: 0, invalidValues: 0 })

    expect(sent()).toEqual([
      {
        payload: {
          schema: ['EMAIL', 'PHONE', 'FN', 'ZIP', 'COUNTRY', 'EXTERN_ID'],
          data: [
            [
              sha256('mary@example.com'),
              sha256('15559876543'),
              sha256('mary'),
              sha256('02134'),
              sha256('us'),
              '',
            ],
            [sha256('jo@example.com'), '', '', '', '', 'crm-42'],
          ],
        },
      },
    ])
  })

  it('finds values under the names that are given, and leaves out keys that are not wanted', async () => {
    const contacts = [{ email: 'a@b.de', first_name: 'Jo', last_name: 'Li', city: 'Bern' }]
    await upload({ contacts, fields: { FN: 'first_name', LN: 'last_name', CT: null } })
    expect(sent()[0]?.['payload']).toMatchObject({ schema: ['EMAIL', 'FN', 'LN'] })
  })

  it('reads numbers without a country as those of the default one', async () => {
    await upload({ contacts: [{ phone: '030 1234567' }], defaultCountry: 'Germany' })
    expect(sent()[0]?.['payload']).toMatchObject({ data: [[sha256('49301234567')]] })
  })

  it('tells what it left out, without telling the values', async () => {
    const contacts: JsonObject[] = [
      { email: 'nonsense', phone: '+1 555 987 6543' },
      { email: 'a@b.de' },
      { email: 'A@B.de' },
      { firstName: 'Nobody' },
      { firstName: 'Some', lastName: 'Body' },
    ]
    const output = await upload({ contacts })
    expect(output).toMatchObject({
      sent: 3,
      skipped: 1,
      duplicates: 1,
      invalidValues: 1,
      invalidSamples: [{ index: 0, key: 'EMAIL', reason: 'is no e-mail address' }],
    })
    expect(JSON.stringify(output)).not.toContain('nonsense')
  })

  it('tells what Meta could not read, told as a list or as an object', async () => {
    const receipt = { num_received: 1, num_invalid_entries: 1 }
    server.failNext({ body: { ...receipt, invalid_entry_samples: { abc: 'not hashed' } } })
    expect(await upload()).toMatchObject({ invalidEntries: 1, invalidEntrySamples: [{ abc: 'not hashed' }] })
    server.failNext({ body: { ...receipt, invalid_entry_samples: ['abc'] } })
    expect(await upload()).toMatchObject({ invalidEntries: 1, invalidEntrySamples: ['abc'] })
  })

  it('removes people, too', async () => {
    await upload({ contacts: people(3) })
    await upload({ contacts: people(2), action: 'remove' })
    expect(server.members(audienceId)).toEqual([[sha256('person2@example.com')]])
  })

  it.each([[[]], [[{ note: 'nothing known' }]]])(
    'of nobody (%j) calls nobody, not even for the token',
    async (contacts) => {
      expect(await upload({ contacts }, { key: '' })).toMatchObject({ sent: 0, received: 0 })
      expect(server.calls).toHaveLength(0)
    },
  )

  it('in batches is one session, recorded after each', async () => {
    const output = await upload({ contacts: people(5), batchSize: 2 })

    expect(output).toMatchObject({ sent: 5, received: 5, invalidEntries: 0 })
    const sessions = sent().map(({ session }) => session as JsonObject)
    const [{ session_id: id } = {}] = sessions
    expect(sessions).toEqual([
      { session_id: id, batch_seq: 1, last_batch_flag: false, estimated_num_total: 5 },
      { session_id: id, batch_seq: 2, last_batch_flag: false, estimated_num_total: 5 },
      { session_id: id, batch_seq: 3, last_batch_flag: true, estimated_num_total: 5 },
    ])
    expect(Number.isSafeInteger(id)).toBe(true)
    expect(room.reports.checkpoints).toHaveLength(4)
    expect(room.reports.progress.map(({ fraction }) => fraction)).toEqual([0.4, 0.8, 1])
    expect(server.members(audienceId)).toHaveLength(5)
  })
})

describe('after a crash', () => {
  /** What is recorded when the worker is lost while the second of three batches is under way. */
  async function lostInTheMiddle() {
    server.holdNext(USERS).open()
    server.holdNext(USERS)
    const stop = new AbortController()
    const attempt = upload({ contacts: people(6), batchSize: 2 }, { signal: stop.signal })
    const lost = expect(attempt).rejects.toThrow('lost')
    await server.received(USERS, 2)
    const checkpoints = room.recorded()
    stop.abort(new Error('lost'))
    await lost
    return checkpoints
  }
  const resume = (checkpoints: ReturnType<typeof room.recorded>) =>
    upload({ contacts: people(6), batchSize: 2 }, { attempt: 2, checkpoints, reports: emptyReports() })
  const batches = () =>
    sent().map(({ session, payload }) => [
      (session as JsonObject)['batch_seq'],
      ((payload as JsonObject)['data'] as readonly unknown[]).length,
    ])

  it('the upload goes on with the batch that was under way, in the same session', async () => {
    const checkpoints = await lostInTheMiddle()
    expect(await resume(checkpoints)).toMatchObject({ sent: 6, received: 6 })

    expect(batches()).toEqual([
      [1, 2],
      [2, 2],
      [2, 2],
      [3, 2],
    ])
    expect(new Set(sent().map(({ session }) => (session as JsonObject)['session_id'])).size).toBe(1)
    expect(server.members(audienceId)).toHaveLength(6)
  })

  it('too long ago for the session, the rest goes in a new one', async () => {
    const checkpoints = await lostInTheMiddle()
    await room.clock.wait(85 * MINUTE_MS)
    expect(await resume(checkpoints)).toMatchObject({ sent: 6, received: 6 })

    expect(batches()).toEqual([
      [1, 2],
      [2, 2],
      [1, 2],
      [2, 2],
    ])
    expect(sent().at(-1)?.['session']).toMatchObject({ estimated_num_total: 4, last_batch_flag: true })
    expect(server.members(audienceId)).toHaveLength(6)
  })

  it('at its very end, nothing is sent again', async () => {
    await upload({ contacts: people(4), batchSize: 2 })
    const again = await upload({ contacts: people(4), batchSize: 2 }, { checkpoints: room.recorded() })
    expect(again).toMatchObject({ sent: 4, received: 4 })
    expect(server.callsTo(USERS)).toHaveLength(2)
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
