import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { readJson } from '../../../../src/blocks/ai/read-json.ts'
import { inputProblems } from '../../../../src/engine/json-schema/input-schema.ts'
import { validateDefinition } from '../../../../src/engine/validate/validate-definition.ts'
import type { JsonObject } from '../../../../src/lib/json/json.ts'
import { EXPONENTIAL_SCHEMA } from '../../../support/hostile-schemas.ts'
import { openModelRoom, type ModelRoom } from '../../../support/providers/model-room.ts'
import { openRouterError } from '../../../support/providers/openrouter-server.ts'
import { registryWith } from '../../../support/run-definition.ts'

const LEAD: JsonObject = {
  type: 'object',
  properties: { score: { type: 'integer', minimum: 0, maximum: 100 }, reason: { type: 'string' } },
  required: ['score', 'reason'],
  additionalProperties: false,
}
const FITS = '{"score":72,"reason":"fits"}'

let room: ModelRoom

beforeEach(async () => {
  room = await openModelRoom()
})
afterEach(() => room.close())

const ask = (config: JsonObject = {}) =>
  room.run('ai.openrouter.object', { prompt: 'Score Acme.', schema: LEAD, ...config })

describe('a structured answer', () => {
  it('satisfies the schema and tells what it cost', async () => {
    room.server.say(FITS)

    expect(await ask()).toEqual({
      object: { score: 72, reason: 'fits' },
      model: 'openai/gpt-4o-mini',
      isRepaired: false,
      usage: expect.objectContaining({ outputTokens: 7 }),
    })
    expect(room.reports.usage).toHaveLength(1)
    expect(room.reports.streamed).toEqual([])
  })

  it('is asked of providers that keep to the schema', async () => {
    room.server.say(FITS)
    await ask({ strict: true, instructions: 'Be strict.' })
    expect(room.server.requests[0]).toMatchObject({
      temperature: 0,
      provider: { require_parameters: true },
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'answer', strict: true, schema: LEAD },
      },
      messages: [
        { role: 'system', content: expect.stringContaining('Be strict.') },
        { role: 'user', content: 'Score Acme.' },
      ],
    })
  })

  it('may stand in a fence or between words', async () => {
    room.server.say(`Here you are:\n\`\`\`json\n${FITS}\n\`\`\`\nAnything else?`)
    expect(await ask()).toMatchObject({ object: { score: 72 }, isRepaired: false })
  })

  it.each([
    [
      'does not fit the schema',
      '{"score":720}',
      ['/score must be <= 100', "must have required property 'reason'"],
    ],
    ['is not JSON', 'Seventy-two.', ['is not JSON']],
  ])('that %s is asked for once more, with what is wrong', async (_, first, problems) => {
    room.server.say(first, FITS)

    expect(await ask()).toMatchObject({ object: { score: 72, reason: 'fits' }, isRepaired: true })
    const [, , echo, repair] = (room.server.requests[1]?.['messages'] ?? []) as readonly JsonObject[]
    expect(echo).toEqual({ role: 'assistant', content: first })
    for (const problem of problems) expect(repair?.['content']).toContain(problem)
    expect(room.reports.usage).toHaveLength(2)
  })

  it('that does not fit twice fails the step, for good, and tells why', async () => {
    room.server.say('{"score":720,"reason":""}', '{"score":-1,"reason":""}')
    await expect(ask()).rejects.toMatchObject({
      code: 'AI_ANSWER_INVALID',
      retryable: false,
      details: { problems: [{ pointer: '/score', message: 'must be >= 0' }] },
    })
    expect(room.server.requests).toHaveLength(2)
  })

  it('that cannot be checked is not asked for again: the next one could not be either', async () => {
    room.server.say('"text"')
    await expect(ask({ schema: EXPONENTIAL_SCHEMA })).rejects.toMatchObject({
      code: 'AI_ANSWER_UNCHECKED',
      retryable: false,
    })
    expect(room.server.requests).toHaveLength(1)
  })

  it('that was cut off is not asked for again: it would be cut off again', async () => {
    room.server.say({ text: '{"score":72,"rea', finishReason: 'length' })
    await expect(ask({ maxTokens: 5 })).rejects.toMatchObject({
      code: 'AI_ANSWER_TRUNCATED',
      retryable: false,
    })
    expect(room.server.requests).toHaveLength(1)
  })

  it('that broke off is asked for once more', async () => {
    room.server.say({ text: FITS, end: 'cut' }, FITS)
    expect(await ask()).toMatchObject({ object: { score: 72 } })
    expect(room.server.requests).toHaveLength(2)
  })

  it('that broke off twice fails the step', async () => {
    room.server.say({ text: FITS, end: 'error' }, { text: FITS, end: 'error' })
    await expect(ask()).rejects.toMatchObject({ code: 'PROVIDER_ANSWER_BROKEN', retryable: false })
    expect(room.server.requests).toHaveLength(2)
  })

  it('of a provider that is not there is for the step to try again', async () => {
    room.server.failNext({ status: 503, body: openRouterError(503, 'Overloaded.') })
    await expect(ask()).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryable: true })
    expect(room.server.calls).toHaveLength(1)
  })
})

describe('the config', () => {
  it('refuses a schema that is none', async () => {
    const config = { prompt: 'Score Acme.', schema: { type: 'lead' } }
    const node = { id: 'score', type: 'ai.openrouter.object', config }
    const blocks = registryWith([room.block('ai.openrouter.object')])
    expect(validateDefinition({ nodes: [node] }, { blocks }).diagnostics).toMatchObject([
      {
        code: 'CONFIG_INVALID',
        pointer: '/nodes/0/config/schema',
        message: expect.stringContaining('The schema is not valid JSON Schema 2020-12'),
      },
    ])
    await expect(ask({ schema: 'lead' })).rejects.toThrow(/must be an object/)
    expect(room.server.calls).toHaveLength(0)
  })
})

describe('without a model', () => {
  it.each<[string, JsonObject]>([
    ['objects', LEAD],
    ['lists', { type: 'array', minItems: 2, items: { enum: ['a', 'b'] } }],
    ['references', { $ref: '#/$defs/lead', $defs: { lead: LEAD } }],
    ['texts of a length', { type: 'string', minLength: 30, maxLength: 31 }],
    ['formats', { type: 'object', properties: { a: { type: 'string', format: 'email' }, b: { const: 5 } } }],
    ['alternatives', { anyOf: [{ type: 'null' }, LEAD] }],
  ])('makes up what fits: %s', (_, schema) => {
    for (const drawn of [0, 0.3, 0.999]) {
      const { object } = room.sample('ai.openrouter.object', { prompt: 'x', schema }, () => drawn)
      expect(inputProblems(schema, object ?? null)).toEqual([])
    }
  })

  it('gives null for what cannot be made up', () => {
    const schema = { type: 'string', pattern: '^[0-9]{7}$' }
    expect(room.sample('ai.openrouter.object', { prompt: 'x', schema }, () => 0)).toMatchObject({
      object: null,
    })
  })
})

it.each([
  ['{"a":1}', { a: 1 }],
  ['[1]', [1]],
  ['```\n{"a":1}\n```', { a: 1 }],
  ['So: {"a":{"b":[1]}}.', { a: { b: [1] } }],
  ['null', null],
  ['none at all', undefined],
  ['{"a":', undefined],
  ['} {', undefined],
])('reads %j', (text, value) => {
  expect(readJson(text)).toEqual(value)
})
