import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { RunStop } from '../../../../src/engine/run/context/run-stop.ts'
import { APIFY_TOKEN, startApifyServer, type ApifyServer } from '../../../support/providers/apify-server.ts'
import { openProviderRoom, type ProviderRoom } from '../../../support/providers/provider-room.ts'

const TYPE = 'api.apify.readDataset'
const ITEMS = /\/items$/

let room: ProviderRoom<ApifyServer>
beforeEach(async () => {
  room = await openProviderRoom({ start: startApifyServer, provider: 'apify', key: APIFY_TOKEN })
})
afterEach(() => room.close())

const numbered = (count: number) => Array.from({ length: count }, (_, number) => ({ number }))

it('reads all items of a dataset, page by page, and says how far it is', async () => {
  room.server.putDataset('d1', numbered(600))
  expect(await room.run(TYPE, { datasetId: 'd1' })).toEqual({
    items: numbered(600),
    failures: [],
    total: 600,
    isCut: false,
  })
  expect(room.server.calls).toHaveLength(3)
  expect(room.reports.progress.map(({ fraction }) => fraction)).toEqual([250 / 600, 500 / 600, 1])
})

it('begins where it is told and ends with what is wanted', async () => {
  room.server.putDataset('d1', numbered(600))
  const { items } = await room.run(TYPE, { datasetId: 'd1', offset: 100, maxResults: 3 })
  expect(items).toEqual([{ number: 100 }, { number: 101 }, { number: 102 }])
  expect(room.server.calls[0]?.query.get('limit')).toBe('3')
})

it('keeps hidden fields only where that is wanted', async () => {
  room.server.putDataset('d1', [{ a: 1, '#debug': true }, { '#debug': true }])
  expect(await room.run(TYPE, { datasetId: 'd1' })).toMatchObject({ items: [{ a: 1 }] })
  const whole = await room.run(TYPE, { datasetId: 'd1', clean: false })
  expect(whole['items']).toHaveLength(2)
})

it('reads an empty dataset', async () => {
  room.server.putDataset('d1', [])
  expect(await room.run(TYPE, { datasetId: 'd1' })).toEqual({
    items: [],
    failures: [],
    total: 0,
    isCut: false,
  })
})

it('leaves out what would make the output too large, and says so', async () => {
  room.server.putDataset(
    'd1',
    numbered(600).map((item) => ({ ...item, text: 'é'.repeat(5_000) })),
  )
  const output = await room.run(TYPE, { datasetId: 'd1' })
  expect(output).toMatchObject({ total: 600, isCut: true })
  expect((output['items'] as unknown[]).length).toBeGreaterThan(300)
  expect(Buffer.byteLength(JSON.stringify(output))).toBeLessThan(4 * 1024 * 1024)
  expect(await room.run(TYPE, { datasetId: 'd1', fields: ['number'] })).toMatchObject({ isCut: false })
})

it('tells of a dataset that is not there', async () => {
  await expect(room.run(TYPE, { datasetId: 'gone' })).rejects.toMatchObject({
    code: 'PROVIDER_NOT_FOUND',
    retryable: false,
    message: expect.stringContaining('Dataset was not found'),
  })
})

it('reads a page again that was refused or lost', async () => {
  room.server.putDataset('d1', numbered(3))
  room.server.failNext(
    { status: 429, body: { error: { type: 'rate-limit-exceeded', message: 'slow' } } },
    ITEMS,
  )
  room.server.failNext({ kind: 'part' }, ITEMS)
  expect(await room.run(TYPE, { datasetId: 'd1' })).toMatchObject({ items: numbered(3) })
})

it('ends with a cancel in the middle', async () => {
  const reason = new RunStop({ kind: 'cancel' })
  const cancel = new AbortController()
  room.server.putDataset('d1', numbered(600))
  const gate = room.server.holdNext(ITEMS)
  const attempt = room.run(TYPE, { datasetId: 'd1' }, { signal: cancel.signal })
  await room.server.received(ITEMS)
  room.server.failNext({ kind: 'silence' }, ITEMS)
  gate.open()
  await room.server.received(ITEMS, 2)
  cancel.abort(reason)
  await expect(attempt).rejects.toBe(reason)
  await room.server.deserted()
})

it.each(['', '../runs', 'a/b', 'a?b'])('is not configured by the id %j', (datasetId) => {
  expect(room.block(TYPE).config.safeParse({ datasetId }).success).toBe(false)
})
