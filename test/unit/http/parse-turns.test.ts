import { expect, test } from '@jest/globals'
import { LARGE_BODY_BYTES, PARSE_WAIT_MS, ParseTurns } from '../../../src/http/intake/parse-turns.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const large = { owner: 'acme', size: LARGE_BODY_BYTES, signal: null }

test('large bodies are parsed one at a time in their order, with a turn of the event loop after each', async () => {
  const turns = new ParseTurns(new ManualClock())
  const order: string[] = []
  const parse = (name: string) =>
    turns.run(large, () => {
      order.push(name)
      setImmediate(() => order.push(`others after ${name}`))
    })
  await Promise.all([parse('a'), parse('b'), parse('c')])
  expect(order).toEqual(['a', 'others after a', 'b', 'others after b', 'c'])
})

test('large bodies of different owners are parsed in turn, however many one of them has sent before', async () => {
  const turns = new ParseTurns(new ManualClock())
  const order: string[] = []
  const owners = ['acme', 'acme', 'acme', 'acme', 'beta', 'beta', 'gamma']
  await Promise.all(owners.map((owner) => turns.run({ ...large, owner }, () => order.push(owner))))
  expect(order).toEqual(['acme', 'acme', 'beta', 'gamma', 'acme', 'beta', 'acme'])
})

test('a small body is parsed at once, beside large ones', async () => {
  const turns = new ParseTurns(new ManualClock())
  const order: string[] = []
  const waiting = [1, 2].map((name) => turns.run(large, () => order.push(`large ${name}`)))
  await turns.run({ ...large, size: LARGE_BODY_BYTES - 1 }, () => order.push('small'))
  await Promise.all(waiting)
  expect(order.toSorted()).toEqual(['large 1', 'large 2', 'small'])
  expect(order.at(-1)).toBe('large 2')
})

test('a body whose client has gone leaves its turn to the next, and one that waits too long is refused', async () => {
  const due: (() => void)[] = []
  const turns = new ParseTurns({
    after(ms, callback) {
      expect(ms).toBe(PARSE_WAIT_MS)
      due.push(callback)
      return () => {}
    },
  })
  const gone = new AbortController()
  const first = turns.run(large, () => 'first')
  const left = turns.run({ ...large, signal: gone.signal }, () => 'left')
  const late = turns.run(large, () => 'late')
  gone.abort(new Error('gone'))
  const refusals = [
    expect(left).rejects.toThrow('gone'),
    expect(late).rejects.toMatchObject({ status: 503, code: 'SERVER_OVERLOADED' }),
  ]
  // In the same turn of the event loop, before the first body gives its turn on.
  for (const fire of due) fire()
  await Promise.all(refusals)
  expect(await first).toBe('first')
  expect(await turns.run(large, () => 'next')).toBe('next')
})

test('a body that cannot be parsed gives its turn on', async () => {
  const turns = new ParseTurns(new ManualClock())
  await expect(
    turns.run(large, () => {
      throw new SyntaxError('no JSON')
    }),
  ).rejects.toThrow('no JSON')
  expect(await turns.run(large, () => 'next')).toBe('next')
})
