import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Block } from '../../../../src/engine/block/block.ts'
import type { JsonObject } from '../../../../src/lib/json/json.ts'
import type { Reports } from '../../../support/block-context.ts'
import { Gate, type ManualClock } from '../../../support/manual-clock.ts'
import { openModelRoom, type Given, type ModelRoom } from '../../../support/providers/model-room.ts'
import { openRouterError, type OpenRouterServer } from '../../../support/providers/openrouter-server.ts'

const TYPE = 'ai.openrouter.chat'
const CHAT_PATH = '/api/v1/chat/completions'

let room: ModelRoom
let server: OpenRouterServer
let reports: Reports
let clock: ManualClock
let block: Block

beforeEach(async () => {
  room = await openModelRoom()
  ;({ server, reports, clock } = room)
  block = room.block(TYPE)
})
afterEach(() => room.close())

const chat = (config: JsonObject = {}, given: Given = {}) =>
  room.run(TYPE, { messages: [{ role: 'user', content: 'Say hello.' }], ...config }, given)

describe('an answer', () => {
  it('is handed out as it comes and given back whole, with real tokens and cost', async () => {
    server.say('Hello, world.')

    expect(await chat()).toEqual({
      text: 'Hello, world.',
      model: 'openai/gpt-4o-mini',
      finishReason: 'stop',
      id: 'gen-1',
      usage: { inputTokens: 10, outputTokens: 4, costUsd: 0.000014 },
    })
    expect(reports.streamed).toEqual(['Hello, ', 'world.'])
    expect(reports.usage).toEqual([{ costUsd: 0.000014, quantities: { inputTokens: 10, outputTokens: 4 } }])
  })

  it('is asked for with what the config says', async () => {
    await chat({
      model: 'a/one',
      fallbackModels: ['b/two'],
      temperature: 0.2,
      maxTokens: 50,
      dataCollection: 'deny',
      messages: [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }] },
      ],
    })

    expect(server.requests).toEqual([
      {
        model: 'a/one',
        models: ['b/two'],
        temperature: 0.2,
        max_tokens: 50,
        stream: true,
        provider: { data_collection: 'deny' },
        messages: [
          { role: 'system', content: 'Be kind.' },
          { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }] },
        ],
      },
    ])
  })

  it('is counted once although the cost is told along the way', async () => {
    const piece = (content: string, tokens: number, finish: string | null) => ({
      id: 'gen-x',
      model: 'm/x',
      choices: [{ delta: { content }, finish_reason: finish }],
      usage: { prompt_tokens: 5, completion_tokens: tokens, cost: tokens / 1_000 },
    })
    const pieces = [piece('One ', 1, null), piece('two.', 2, 'stop')]
    server.failNext({
      headers: { 'content-type': 'text/event-stream' },
      body: pieces.map((one) => `data: ${JSON.stringify(one)}\r\n\r\n`).join(''),
    })
    expect(await chat()).toMatchObject({ text: 'One two.', usage: { outputTokens: 2 } })
    expect(reports.usage).toEqual([{ costUsd: 0.002, quantities: { inputTokens: 5, outputTokens: 2 } }])
  })

  it('is not handed out in pieces when the config does not want it', async () => {
    server.say('Quiet.')
    expect(await chat({ stream: false })).toMatchObject({ text: 'Quiet.' })
    expect(reports.streamed).toEqual([])
  })

  it('is whole without the mark of the end, if there is a reason to finish', async () => {
    server.say({ text: 'No mark.', end: 'no done' })
    expect(await chat()).toMatchObject({ text: 'No mark.', finishReason: 'stop' })
  })

  it('tells when it was cut off at the most tokens', async () => {
    server.say({ text: 'And then', finishReason: 'length' })
    expect(await chat({ maxTokens: 2 })).toMatchObject({ text: 'And then', finishReason: 'length' })
  })

  it('may take as long as it likes while signs of life come', async () => {
    const thoughts = [new Gate(), new Gate(), new Gate()]
    server.say({ text: 'At last.', thoughts })
    const answer = chat()
    for (const thought of thoughts) {
      // Every sign of life begins the minute of silence anew.
      while (clock.nextDueAt !== clock.now() + 60_000) await clock.advance(0)
      await clock.advance(59_999)
      thought.open()
    }
    expect(await answer).toMatchObject({ text: 'At last.' })
  })

  it('may come as one document although it was asked to stream', async () => {
    const message = { role: 'assistant', content: 'In one piece.' }
    const body = { id: 'gen-x', model: 'm/x', choices: [{ finish_reason: 'stop', message }] }
    server.failNext({ body })
    expect(await chat()).toMatchObject({ text: 'In one piece.', id: 'gen-x', model: 'm/x' })
  })
})

describe('a refusal', () => {
  it.each<[number, JsonObject, string, boolean]>([
    [400, { error_type: 'context_length_exceeded' }, 'PROVIDER_CONTENT_REFUSED', false],
    [400, { error_type: 'invalid_request' }, 'PROVIDER_REQUEST_INVALID', false],
    [402, {}, 'PROVIDER_OUT_OF_CREDITS', false],
    [402, { limit_source: 'openrouter_in_flight_budget' }, 'PROVIDER_RATE_LIMITED', true],
    [403, { reasons: ['violence'], provider_name: 'OpenAI' }, 'PROVIDER_CONTENT_REFUSED', false],
    [403, {}, 'PROVIDER_FORBIDDEN', false],
    [404, {}, 'PROVIDER_NOT_FOUND', false],
    [408, {}, 'PROVIDER_UNAVAILABLE', true],
    [413, {}, 'PROVIDER_REQUEST_INVALID', false],
    [422, {}, 'PROVIDER_REQUEST_INVALID', false],
    [429, {}, 'PROVIDER_RATE_LIMITED', true],
    [500, {}, 'PROVIDER_UNAVAILABLE', true],
    [502, {}, 'PROVIDER_UNAVAILABLE', true],
    [503, {}, 'PROVIDER_UNAVAILABLE', true],
    [524, {}, 'PROVIDER_UNAVAILABLE', true],
    [529, {}, 'PROVIDER_UNAVAILABLE', true],
  ])(
    'with %d and %j is %s (retryable: %s), under its own status as under 200',
    async (code, metadata, expected, retryable) => {
      const body = openRouterError(code, 'No.', metadata)
      for (const status of [code, 200]) {
        server.failNext({ status, body })
        await expect(chat()).rejects.toMatchObject({
          code: expected,
          retryable,
          message: expect.stringContaining('No.'),
        })
        await clock.advance(10_000)
      }
      expect(server.calls).toHaveLength(2)
    },
  )

  it('of the key names no key', async () => {
    await expect(chat({}, { key: 'sk-or-v1-wrong' })).rejects.toMatchObject({
      code: 'PROVIDER_UNAUTHORIZED',
      retryable: false,
      message: expect.not.stringContaining('sk-or'),
    })
  })

  it('says how long to wait', async () => {
    const headers = { 'retry-after': '7' }
    server.failNext({ status: 429, headers, body: openRouterError(429, 'Slow down.') })
    await expect(chat()).rejects.toMatchObject({ retryAfterMs: 7_000 })
  })

  it('closes the way for the next call until then', async () => {
    server.failNext({
      status: 429,
      headers: { 'retry-after': '7' },
      body: openRouterError(429, 'Slow down.'),
    })
    await expect(chat()).rejects.toMatchObject({ code: 'PROVIDER_RATE_LIMITED' })

    const next = chat()
    await clock.advance(6_999)
    expect(server.calls).toHaveLength(1)
    await clock.advance(1)
    expect(await next).toMatchObject({ text: 'Hello.' })
  })

  it('in words that are not JSON is told as it came', async () => {
    server.failNext({ status: 502, body: '<html>Bad gateway</html>' })
    await expect(chat()).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      message: expect.stringContaining('Bad gateway'),
    })
  })
})

describe('a failure', () => {
  it.each<['error' | 'cut', RegExp]>([
    ['error', /Provider disconnected/],
    ['cut', /broke off/],
  ])('in the middle of an answer (%s) is final: a part is paid for', async (end, message) => {
    server.say({ text: 'Hello, world.', end })
    await expect(chat()).rejects.toMatchObject({
      code: 'PROVIDER_ANSWER_BROKEN',
      retryable: false,
      message: expect.stringMatching(message),
    })
    expect(reports.streamed).toEqual(['Hello, '])
  })

  it.each([
    ['nothing', { choices: [{ finish_reason: 'stop', message: { content: '' } }] }],
    ['no choice', { choices: [] }],
    ['the reason "error"', { choices: [{ finish_reason: 'error', message: { content: '' } }] }],
    [
      'an error within the choice',
      { choices: [{ error: { code: 502, message: 'x' }, finish_reason: null }] },
    ],
  ])('by answering %s may be tried again', async (_, body) => {
    server.failNext({ body })
    await expect(chat()).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryable: true })
  })

  it('of the connection before the answer may be tried again', async () => {
    server.failNext({ kind: 'cut' })
    await expect(chat()).rejects.toMatchObject({ code: 'HTTP_NETWORK', retryable: true })
  })

  it('by answering what is no completion is told', async () => {
    server.failNext({ body: '"what?"' })
    await expect(chat()).rejects.toMatchObject({ code: 'PROVIDER_ANSWER_BROKEN' })
  })

  it('by silence is noticed after a minute', async () => {
    server.failNext({ kind: 'silence' })
    const answer = chat()
    const refusal = expect(answer).rejects.toMatchObject({ code: 'HTTP_TIMEOUT', retryable: true })
    await server.received(CHAT_PATH)
    await clock.advance(60_000)
    await refusal
  })
})

describe('a cancel', () => {
  it('in the middle of an answer ends the connection', async () => {
    server.say({ text: 'Hello, world.', isHanging: true })
    const stop = new AbortController()
    const reason = new Error('canceled')
    const answer = chat({}, { signal: stop.signal })
    const refusal = expect(answer).rejects.toBe(reason)
    await server.received(CHAT_PATH)
    stop.abort(reason)
    await refusal
    await server.deserted()
  })
})

it.each(['ai.openrouter.chat', 'ai.openrouter.object', 'ai.contact', 'ai.interest', 'ai.sentiment'])(
  '%s is never repeated by itself: it costs money and takes no idempotency key',
  (type) => {
    expect(room.block(type)).toMatchObject({ effect: 'external', repeat: 'never', secrets: ['openrouter'] })
  },
)

it('gives a plausible answer without a model', () => {
  const config = block.config.parse({ messages: [{ role: 'user', content: 'Hello?' }], model: 'a/one' })
  const sample = block.sampleFor?.({ config, input: null, random: () => 0.4 })
  expect(block.output.parse(sample)).toMatchObject({ model: 'a/one', usage: { costUsd: 0 } })
  expect(block.output.parse(block.sample)).toEqual(block.sample)
})

it('estimates the cost of models whose price is known', () => {
  const messages = [{ role: 'user', content: 'x'.repeat(4_000) }]
  const estimate = (model: string) =>
    block.estimate?.({ config: block.config.parse({ messages, model }), input: null, random: () => 0 })
  expect(estimate('openai/gpt-4o-mini')).toEqual({ durationMs: 5_300, costUsd: expect.closeTo(0.00033, 5) })
  expect(estimate('somebody/else')).toEqual({ durationMs: 5_300 })
})
