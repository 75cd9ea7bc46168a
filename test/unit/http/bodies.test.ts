import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { createBodyReader } from '../../../src/http/intake/bodies.ts'
import { BodyBudget, VALUE_WEIGHT_BYTES } from '../../../src/http/intake/body-budget.ts'
import { BODY_MAX_DEPTH, BODY_MAX_VALUES } from '../../../src/http/intake/json-structure.ts'
import { countTurns } from '../../support/count-turns.ts'
import { useTurnUp } from '../../support/hold-turn.ts'

function upload(): PassThrough & IncomingMessage {
  return Object.assign(new PassThrough(), { headers: {}, socket: { bytesRead: 0 } }) as never
}

/** A text of JSON whose weight is its number of bytes: the weight of its one value is in it. */
function textOf(weight: number): string {
  return `"${'x'.repeat(weight - VALUE_WEIGHT_BYTES - 2)}"`
}

function readerOf(limits: { readonly maxBytes: number; readonly maxBytesOfSender: number }) {
  return createBodyReader({ maxBytes: 100_000, budget: new BodyBudget(limits) })
}

test('a body that arrives in many chunks at once is read in several turns of the event loop', async () => {
  const read = readerOf({ maxBytes: 1_000_000, maxBytesOfSender: 1_000_000 })
  const count = countTurns()
  function* chunks() {
    for (const text of ['[1', ',2', ',3', ',4', ']']) {
      useTurnUp()
      yield Buffer.from(text)
    }
  }
  const body = await read(Object.assign(upload(), { iterator: chunks as never }), 'ada')
  count.stop()
  expect(body.take().toString()).toBe('[1,2,3,4]')
  expect(count.turns).toBeGreaterThanOrEqual(5)
})

describe('bytes in flight', () => {
  test('are bounded for each sender, from the first byte until the request is answered', async () => {
    const read = readerOf({ maxBytes: 10_000, maxBytesOfSender: 1_500 })
    const [first, second, foreign] = [upload(), upload(), upload()]
    const firstRead = read(first, 'ada')
    first.write(textOf(1_000))
    foreign.end(textOf(1_000))
    await read(foreign, 'bob')
    second.end(textOf(1_000))
    await expect(read(second, 'ada')).rejects.toMatchObject({
      status: 429,
      code: 'TOO_MANY_UPLOADS',
      headers: { 'retry-after': expect.stringMatching(/^\d+$/) },
    })
    first.end()
    const body = await firstRead
    expect(body.take().toString()).toBe(textOf(1_000))
    // What is whole and parsed still holds memory.
    const third = upload()
    third.end(textOf(1_000))
    await expect(read(third, 'ada')).rejects.toMatchObject({ code: 'TOO_MANY_UPLOADS' })
    body.release()
    body.release()
    const fourth = upload()
    fourth.end(textOf(1_000))
    expect((await read(fourth, 'ada')).size).toBe(1_000 - VALUE_WEIGHT_BYTES)
  })

  test('are bounded for all senders together', async () => {
    const read = readerOf({ maxBytes: 2_500, maxBytesOfSender: 1_500 })
    const bodies = []
    for (const sender of ['ada', 'bob']) {
      const body = upload()
      body.end(textOf(1_000))
      bodies.push(await read(body, sender))
    }
    const third = upload()
    third.end(textOf(1_000))
    await expect(read(third, 'eve')).rejects.toMatchObject({
      status: 503,
      code: 'SERVER_OVERLOADED',
      headers: { 'retry-after': expect.stringMatching(/^\d+$/) },
    })
    bodies[0]?.release()
    const fourth = upload()
    fourth.end(textOf(1_000))
    expect((await read(fourth, 'eve')).size).toBeGreaterThan(0)
  })

  test('are given back by an upload that breaks off', async () => {
    const read = readerOf({ maxBytes: 1_500, maxBytesOfSender: 1_500 })
    const broken = upload()
    const reading = read(broken, 'ada')
    broken.write(textOf(1_000))
    broken.destroy(new Error('gone'))
    await expect(reading).rejects.toThrow('gone')
    const next = upload()
    next.end(textOf(1_000))
    expect((await read(next, 'ada')).size).toBeGreaterThan(0)
  })
})

describe('a body is refused', () => {
  test('when it is larger than the limit, by what its header says and by what it is', async () => {
    const read = createBodyReader({
      maxBytes: 10,
      budget: new BodyBudget({ maxBytes: 1_000, maxBytesOfSender: 1_000 }),
    })
    const lying = upload()
    lying.headers['content-length'] = '11'
    await expect(read(lying, 'ada')).rejects.toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' })
    const silent = upload()
    silent.end('x'.repeat(11))
    await expect(read(silent, 'ada')).rejects.toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' })
  })

  test.each([
    ['has too many values', `[${'1,'.repeat(BODY_MAX_VALUES)}`, 'values'],
    ['is nested too deeply', '['.repeat(BODY_MAX_DEPTH + 1), 'levels'],
  ])('when its JSON %s, before it is whole', async (_what, text, word) => {
    const read = createBodyReader({
      maxBytes: 1_000_000,
      budget: new BodyBudget({ maxBytes: 100_000_000, maxBytesOfSender: 100_000_000 }),
    })
    const endless = upload()
    endless.write(text)
    await expect(read(endless, 'ada')).rejects.toMatchObject({
      status: 413,
      code: 'BODY_TOO_COMPLEX',
      message: expect.stringContaining(word),
    })
  })
})

test('a body that arrives a byte at a time is whole', async () => {
  const read = readerOf({ maxBytes: 100_000, maxBytesOfSender: 100_000 })
  const slow = upload()
  const reading = read(slow, 'ada')
  const text = JSON.stringify({ text: 'ä漢😀'.repeat(1_000) })
  for (const byte of Buffer.from(text)) slow.write(Buffer.of(byte))
  slow.end()
  expect((await reading).take().toString()).toBe(text)
})
