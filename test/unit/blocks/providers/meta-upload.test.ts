import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { JsonObject } from '../../../../src/lib/json/json.ts'
import { emptyReports } from '../../../support/block-context.ts'
import { ACCOUNT, openMetaRoom, people, type MetaRoom } from '../../../support/providers/meta-room.ts'
import type { MetaServer } from '../../../support/providers/meta-server.ts'

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

const upload = (config: JsonObject = {}, given: Given = {}) =>
  room.run('api.meta.uploadAudience', { audienceId, contacts: people(1), ...config }, given)
const sent = () => server.callsTo(USERS).map(({ json }) => json as JsonObject)
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

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
