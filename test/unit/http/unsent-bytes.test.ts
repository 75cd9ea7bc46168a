import { expect, test } from '@jest/globals'
import { UnsentBytes } from '../../../src/http/intake/unsent-bytes.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const LIMITS = { maxBytesOfConnection: 100, maxBytes: 300, stallMs: 1_000 }

function setUp() {
  const clock = new ManualClock()
  const unsent = new UnsentBytes(LIMITS, clock)
  const cuts: string[] = []
  return { clock, cuts, open: (name: string) => unsent.open((reason) => cuts.push(`${name} ${reason}`)) }
}

test('a connection is closed when more waits for its client than the limit, one message excepted', () => {
  const { cuts, open } = setUp()
  const outbox = open('a')
  expect(outbox.add(250)).toBe(true)
  outbox.sent(250)
  expect(outbox.add(60)).toBe(true)
  expect(outbox.add(40)).toBe(true)
  expect(outbox.add(1)).toBe(false)
  expect(outbox.add(1)).toBe(false)
  expect(cuts).toEqual(['a slow'])
})

test('a connection is closed when its client reads nothing for too long, and not while it reads', async () => {
  const { clock, cuts, open } = setUp()
  const outbox = open('a')
  outbox.add(100)
  for (let read = 0; read < 10; read++) {
    await clock.advance(LIMITS.stallMs - 1)
    outbox.sent(10)
  }
  await clock.advance(10 * LIMITS.stallMs)
  expect(cuts).toEqual([])
  outbox.add(1)
  await clock.advance(LIMITS.stallMs)
  expect(cuts).toEqual(['a slow'])
})

test('however many messages a client reads, one timer at a time looks whether it has stalled', async () => {
  const clock = new ManualClock()
  let timers = 0
  const counting = {
    now: () => clock.now(),
    after: (ms: number, callback: () => void) => {
      timers++
      return clock.after(ms, callback)
    },
  }
  const cuts: string[] = []
  const outbox = new UnsentBytes(LIMITS, counting).open((reason) => cuts.push(reason))
  for (let message = 0; message < 100; message++) {
    outbox.add(10)
    outbox.sent(10)
  }
  expect(timers).toBe(1)
  await clock.advance(10 * LIMITS.stallMs)
  expect(timers).toBe(1)
  expect(cuts).toEqual([])
})

test('of all connections the one with the most goes first when there is too much in all', () => {
  const { cuts, open } = setUp()
  const [small, large, next] = [open('small'), open('large'), open('next')]
  small.add(50)
  large.add(180)
  expect(next.add(90)).toBe(true)
  expect(cuts).toEqual(['large memory'])
  expect(next.add(10)).toBe(true)
})

test('what waits for a slow client counts until its connection has ended', () => {
  const { cuts, open } = setUp()
  const slow = open('slow')
  slow.add(99)
  slow.add(99)
  expect(cuts).toEqual(['slow slow'])
  open('b').add(100)
  const last = open('c')
  expect(last.add(100)).toBe(true)
  expect(cuts).toEqual(['slow slow', 'slow memory'])
  slow.close()
  expect(last.add(0)).toBe(true)
})
