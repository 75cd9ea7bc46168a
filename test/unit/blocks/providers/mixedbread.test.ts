import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { JsonObject } from '../../../../src/lib/json/json.ts'
import {
  startMixedbreadServer,
  tooManyRequests,
  vectorOf,
} from '../../../support/providers/mixedbread-server.ts'
import { openProviderRoom, type ProviderRoom } from '../../../support/providers/provider-room.ts'
import type { Answer, ProviderServer } from '../../../support/providers/provider-server.ts'

const KEY = 'mxb_test'

let room: ProviderRoom<ProviderServer>
let server: ProviderServer

beforeEach(async () => {
  room = await openProviderRoom({ start: () => startMixedbreadServer(KEY), provider: 'mixedbread', key: KEY })
  ;({ server } = room)
})
afterEach(() => room.close())

type Given = Parameters<typeof room.run>[2]

const embed = (config: JsonObject, given: Given = {}) =>
  room.run('api.mixedbread.embed', { dimensions: 4, ...config }, given)
const rerank = (config: JsonObject, given: Given = {}) =>
  room.run('api.mixedbread.rerank', { query: 'running shoes', ...config }, given)

/** What an attempt comes to whose first calls get that answer. */
async function answeredBy(answer: Answer, count = 1): Promise<unknown> {
  for (let i = 0; i < count; i++) server.failNext(answer)
  return embed({ texts: ['a'] }).catch((failure: unknown) => failure)
}

describe('embedding', () => {
  it('gives a vector for each text, in order, in batches', async () => {
    const texts = ['first', 'second', 'third', 'fourth', 'fifth']
    expect(await embed({ texts, batchSize: 2 })).toEqual({
      embeddings: texts.map((text) => vectorOf(text, 4)),
      model: 'mixedbread-ai/mxbai-embed-large-v1',
      dimensions: 4,
      tokens: 8,
    })
    expect(server.calls.map(({ json }) => (json as JsonObject)['input'])).toEqual([
      ['first', 'second'],
      ['third', 'fourth'],
      ['fifth'],
    ])
    expect(room.reports.progress.map(({ fraction }) => fraction)).toEqual([0.4, 0.8, 1])
    expect(room.reports.usage.map(({ quantities }) => quantities)).toEqual([
      { mixedbreadTokens: 3 },
      { mixedbreadTokens: 3 },
      { mixedbreadTokens: 2 },
    ])
  })

  it('sends what the config says', async () => {
    await embed({ texts: ['who?'], prompt: 'Query: ', encoding: 'base64', normalized: false, model: 'm/x' })
    expect(server.calls[0]?.json).toEqual({
      model: 'm/x',
      input: ['who?'],
      prompt: 'Query: ',
      encoding_format: 'base64',
      normalized: false,
      dimensions: 4,
    })
  })

  it('gives base64 as texts', async () => {
    const { embeddings } = await embed({ texts: ['a'], encoding: 'base64' })
    const [text] = embeddings as readonly string[]
    const bytes = Buffer.from(text ?? '', 'base64')
    const first = vectorOf('a', 4)[0] ?? 0
    expect(bytes.readFloatLE(0)).toBeCloseTo(first, 6)
  })

  it('of nothing calls nobody, not even for the key', async () => {
    expect(await embed({ texts: [] }, { key: '' })).toMatchObject({ embeddings: [], tokens: 0 })
    expect(server.calls).toHaveLength(0)
  })

  it('refuses an answer that has not one vector a text', async () => {
    const data = [{ index: 0, embedding: [1] }]
    server.failNext({ body: { data, model: 'm', usage: { total_tokens: 1 } } })
    await expect(embed({ texts: ['a', 'b'] })).rejects.toMatchObject({ code: 'PROVIDER_ANSWER_INVALID' })
  })
})

describe('reranking', () => {
  const documents = ['bread', { title: 'running shoes', body: 'x' }, 'shoes for walking', 'running']

  it('gives documents with their place, the best first', async () => {
    expect(await rerank({ documents, topK: 3 })).toEqual({
      results: [
        { index: 1, score: 1, document: documents[1] },
        { index: 2, score: 0.5, document: documents[2] },
        { index: 3, score: 0.5, document: documents[3] },
      ],
      model: 'mixedbread-ai/mxbai-rerank-large-v2',
      tokens: expect.any(Number),
    })
  })

  it('gives all documents where nothing else is said, and leaves out what scores less than wanted', async () => {
    const many = Array.from({ length: 30 }, (_, index) => `document ${index}`)
    expect((await rerank({ documents: many }))['results']).toHaveLength(30)
    expect((await rerank({ documents, minScore: 0.6 }))['results']).toMatchObject([{ index: 1 }])
  })

  it('looks only at the fields that count', async () => {
    const { results } = await rerank({ documents: [{ a: 'running shoes', b: 'bread' }], rankFields: ['b'] })
    expect(results).toMatchObject([{ score: 0 }])
  })

  it('ranks more than a thousand documents in several calls', async () => {
    const many = Array.from({ length: 1_500 }, (_, index) => (index === 1_200 ? 'running shoes' : 'bread'))
    expect((await rerank({ documents: many, topK: 1 }))['results']).toMatchObject([
      { index: 1_200, score: 1 },
    ])
    expect(server.calls).toHaveLength(2)
  })

  it('of nothing calls nobody', async () => {
    expect(await rerank({ documents: [] }, { key: '' })).toMatchObject({ results: [], tokens: 0 })
    expect(server.calls).toHaveLength(0)
  })
})

describe('a refusal', () => {
  const error = (code: number) => ({ error: { message: 'No.', code, type: 'some_error' } })

  it.each<[number, unknown, string]>([
    [400, error(400), 'PROVIDER_REQUEST_INVALID'],
    [401, error(401), 'PROVIDER_UNAUTHORIZED'],
    [402, error(402), 'PROVIDER_OUT_OF_CREDITS'],
    [403, error(403), 'PROVIDER_FORBIDDEN'],
    [404, error(404), 'PROVIDER_NOT_FOUND'],
    [422, { detail: [{ loc: ['body', 'input', 0], msg: 'No.', type: 'x' }] }, 'PROVIDER_REQUEST_INVALID'],
    [400, { type: 'bad_request', url: 'x', message: 'No.', details: null }, 'PROVIDER_REQUEST_INVALID'],
    [400, 'No.', 'PROVIDER_REQUEST_INVALID'],
  ])('with %d and %j is %s, for good', async (status, body, code) => {
    expect(await answeredBy({ status, body })).toMatchObject({
      code,
      retryable: false,
      message: expect.stringContaining('No.'),
    })
    expect(server.calls).toHaveLength(1)
  })

  it.each([408, 409, 500, 503, 504])('with %d passes: the call is made again', async (status) => {
    expect(await answeredBy({ status, body: error(status) })).toMatchObject({ tokens: 1 })
    expect(server.calls).toHaveLength(2)
  })

  it('that does not pass fails the step, which may be tried again', async () => {
    expect(await answeredBy({ status: 503, body: error(503) }, 5)).toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      retryable: true,
    })
    expect(server.calls).toHaveLength(5)
  })

  it('because of too many calls is waited out for as long as is asked', async () => {
    expect(await answeredBy(tooManyRequests(12))).toMatchObject({ tokens: 1 })
    expect(room.clock.waits).toEqual([12_000])
  })

  it('of the key does not repeat it', async () => {
    expect(await answeredBy({ status: 401, body: { message: `bad key ${KEY}` } })).toMatchObject({
      message: expect.not.stringContaining(KEY),
    })
  })
})

it('ends at once when it is canceled', async () => {
  server.failNext({ kind: 'silence' })
  const stop = new AbortController()
  const attempt = embed({ texts: ['a'] }, { signal: stop.signal })
  const canceled = expect(attempt).rejects.toThrow('canceled')
  await server.received(/./)
  stop.abort(new Error('canceled'))
  await canceled
  await server.deserted()
})

it('makes up results of the right shape, the same for the same seed', () => {
  const sample = (type: string, config: JsonObject) => {
    const block = room.block(type)
    return block.output.parse(
      block.sampleFor?.({ config: block.config.parse(config), input: null, random: () => 0.25 }),
    )
  }
  for (const encoding of ['float', 'base64', 'int8', 'ubinary']) {
    const config = { texts: ['a', 'b'], encoding }
    expect(sample('api.mixedbread.embed', config)).toMatchObject({ embeddings: { length: 2 } })
  }
  const config = { query: 'x', documents: ['a', 'b', 'c'], topK: 2 }
  expect(sample('api.mixedbread.rerank', config)).toMatchObject({ results: [{ index: 0 }, { index: 1 }] })
})
