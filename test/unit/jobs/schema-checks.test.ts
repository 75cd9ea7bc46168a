import { afterEach, describe, expect, test } from '@jest/globals'
import { directSchemaChecker } from '../../../src/engine/json-schema/schema-checker.ts'
import { SchemaChecks, type SchemaChecksOptions } from '../../../src/jobs/schema-checks/schema-checks.ts'
import { SchemaThread } from '../../../src/jobs/schema-checks/schema-thread.ts'
import { yieldToEventLoop } from '../../../src/lib/turns/yield-to-event-loop.ts'
import type { Json, JsonObject } from '../../../src/lib/json/json.ts'
import {
  COLONS,
  DEEP_INPUT,
  EXPONENTIAL_SCHEMA,
  largeSchema,
  MANY_ITEMS,
  RECURSIVE_SCHEMA,
} from '../../support/hostile-schemas.ts'
import { useTurnUp } from '../../support/hold-turn.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

function checks(options: SchemaChecksOptions = {}): SchemaChecks {
  const made = new SchemaChecks({ allowance: { burstMs: 1e6, perSecondMs: 1 }, ...options })
  open.push(made)
  return made
}
const asker = (ownerId: string) => ({ ownerId, isRefusable: true })
const TIME_UP = { kind: 'unchecked', reason: expect.stringContaining('takes longer than the 250 ms') }
/** Too long to be compiled at once. */
const LONG = largeSchema(10_000)

describe('checks of JSON Schemas', () => {
  test('of short schemas are answered without the thread', async () => {
    const made = checks()
    const checker = made.for(asker('a'))
    const schema = { type: 'object', required: ['x'] }
    expect(await checker.compile(schema)).toMatchObject({ answer: { kind: 'compiled' } })
    expect(await checker.check(schema, { x: 1 })).toMatchObject({ answer: { kind: 'fits' } })
    expect(await checker.check(schema, {})).toMatchObject({ answer: { kind: 'misfits' } })
    expect(await checker.compile({ type: 'nothing' })).toMatchObject({ answer: { kind: 'refused' } })
    expect(made.threadsStarted).toBe(0)
  })

  test('are not made in a turn of the event loop that other requests have used up', async () => {
    const checker = checks().for(asker('a'))
    await yieldToEventLoop()
    expect(checker.compile({ type: 'object' })).not.toBeInstanceOf(Promise)
    useTurnUp()
    const [compiling, checking] = [checker.compile({ type: 'array' }), checker.check({ type: 'array' }, [])]
    expect([compiling, checking].every((answer) => answer instanceof Promise)).toBe(true)
    expect(await compiling).toMatchObject({ answer: { kind: 'compiled' } })
    expect(await checking).toMatchObject({ answer: { kind: 'fits' } })
  })

  test('have the same answers in the thread as where they are asked for', async () => {
    const checker = checks().for(asker('a'))
    const direct = directSchemaChecker()
    const invalid = { ...LONG, type: 'nothing' }
    for (const schema of [LONG, invalid, largeSchema(80_000)]) {
      expect((await checker.compile(schema)).answer).toEqual(direct.compile(schema).answer)
      for (const value of [{}, { field1: 'x' }, { field1: '', field2: 3 }, null] as Json[])
        expect((await checker.check(schema, value)).answer).toEqual(direct.check(schema, value).answer)
    }
  })

  test.each<[string, JsonObject, Json]>([
    ['two references at each of 60 levels', EXPONENTIAL_SCHEMA, 'text'],
    ['two references at each of 60 levels of the input', RECURSIVE_SCHEMA, DEEP_INPUT],
    ['all items compared with each other', { uniqueItems: true }, MANY_ITEMS],
    ['a format that backtracks', { format: 'url' }, COLONS],
  ])('that take too long end by themselves, and the thread is replaced: %s', async (_what, schema, value) => {
    const made = checks()
    const checker = made.for(asker('a'))
    expect((await checker.check(schema, value)).answer).toEqual(TIME_UP)
    expect(made.threadsStarted).toBe(2)
    expect((await checker.check(LONG, { field1: 3 })).answer).toMatchObject({ kind: 'misfits' })
    expect(made.threadsStarted).toBe(2)
  })

  test('of one owner that take too long do not keep another one’s waiting behind all of them', async () => {
    const made = checks()
    const done: string[] = []
    const hostile = Array.from({ length: 4 }, async () => {
      expect((await made.for(asker('a')).check({ uniqueItems: true }, MANY_ITEMS)).answer).toEqual(TIME_UP)
      done.push('a')
    })
    const honest = Promise.resolve(made.for(asker('b')).check(LONG, {})).then(() => done.push('b'))
    await Promise.all([...hostile, honest])
    expect(done.indexOf('b')).toBeLessThanOrEqual(1)
  })

  test('are refused once their owner’s allowance is spent, and those of others are not', async () => {
    const made = checks({ allowance: { burstMs: 1, perSecondMs: 1e-6 } })
    const hostile = () => made.for(asker('a')).check({ uniqueItems: true }, MANY_ITEMS)
    expect((await hostile()).answer).toEqual(TIME_UP)
    await expect(hostile()).rejects.toMatchObject({
      code: 'VALIDATION_BUSY',
      retryAfterMs: expect.any(Number),
    })
    expect((await made.for(asker('b')).check(LONG, {})).answer).toEqual({ kind: 'fits' })
    const ofRun = made.for({ ownerId: 'a', isRefusable: false })
    expect((await ofRun.check(LONG, {})).answer).toEqual({ kind: 'fits' })
  })

  test('that come or are under way when Lume is closed are rejected, and no thread is left', async () => {
    const made = checks()
    const running = Promise.resolve(made.for(asker('a')).check({ uniqueItems: true }, MANY_ITEMS))
    const waiting = Promise.resolve(made.for(asker('a')).check(LONG, {}))
    const ends = Promise.allSettled([running, waiting])
    await made.close()
    expect((await ends).map((end) => end.status)).toEqual(['rejected', 'rejected'])
    await expect(made.for(asker('a')).check(LONG, {})).rejects.toMatchObject({ code: 'LUME_CLOSED' })
  })
})

describe('the thread of schemas', () => {
  const limits = { compileMs: 500, checkMs: 10_000 }
  const text = (value: Json) => JSON.stringify(value)

  test('that runs out of memory fails its job alone', async () => {
    const thread = new SchemaThread()
    open.push(thread)
    // Each item of each list is wrong in a thousand ways, and all of them are gathered.
    const wrong = { items: { items: { allOf: Array.from({ length: 1_000 }, () => ({ type: 'string' })) } } }
    const value = Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => 1))
    const { end } = await thread.do({ kind: 'check', schema: text(wrong), value: text(value), limits })
    expect(end).toEqual({ kind: 'tooLarge' })
    const next = await thread.do({ kind: 'check', schema: '{"type":"string"}', value: '1', limits })
    expect(next.end).toMatchObject({ kind: 'done', outcome: { kind: 'misfits' } })
  })
})
