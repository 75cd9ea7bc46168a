import { expect, test } from '@jest/globals'
import { PIECE_MS } from '../../../src/lib/turns/loop-turn.ts'
import { TimeSlice } from '../../../src/lib/turns/time-slice.ts'
import { yieldToEventLoop } from '../../../src/lib/turns/yield-to-event-loop.ts'
import { countTurns } from '../../support/count-turns.ts'
import { useTurnUp } from '../../support/hold-turn.ts'

const holdMs = (ms: number) => {
  for (const until = performance.now() + ms; performance.now() < until;);
}

test('strands of one work continue at once while the turn of the event loop is not used up, and in their order in a later one after that', async () => {
  await yieldToEventLoop()
  const slice = new TimeSlice()
  expect(slice.yieldIfOver()).toBeNull()
  useTurnUp()
  const order: string[] = []
  const strand = async (name: string) => {
    await slice.yieldIfOver()
    order.push(name)
  }
  setImmediate(() => order.push('others'))
  await Promise.all([strand('first'), strand('second'), strand('third')])
  expect(order).toEqual(['others', 'first', 'second', 'third'])
})

test('short strands share a turn of the event loop, and long ones take a turn each', async () => {
  const turnsFor = async (strands: number, ms: number) => {
    const slice = new TimeSlice()
    useTurnUp()
    const turns = new Set<number>()
    const count = countTurns()
    const strand = async () => {
      await slice.yieldIfOver()
      turns.add(count.turns)
      holdMs(ms)
    }
    await Promise.all(Array.from({ length: strands }, strand))
    count.stop()
    return turns.size
  }
  expect(await turnsFor(200, 0)).toBeLessThan(20)
  expect(await turnsFor(20, PIECE_MS)).toBe(20)
})

test('strands that continue without a wait do not keep others of the same work from their turn', async () => {
  const slice = new TimeSlice()
  const order: string[] = []
  useTurnUp()
  const strand = async (name: string) => {
    for (let step = 0; step < 3; step++) {
      await slice.yieldIfOver()
      order.push(name)
      holdMs(PIECE_MS)
    }
  }
  await Promise.all([strand('a'), strand('b')])
  expect(order).toEqual(['a', 'b', 'a', 'b', 'a', 'b'])
})

test('work that waits with many strands takes one turn in the queue of the event loop, like work with one', async () => {
  const many = new TimeSlice()
  const one = new TimeSlice()
  useTurnUp()
  let ended = 0
  const long = Array.from({ length: 100 }, async () => {
    await many.yieldIfOver()
    ended++
    holdMs(PIECE_MS / 4)
  })
  await one.yieldIfOver()
  expect(ended).toBeLessThan(50)
  await Promise.all(long)
  expect(ended).toBe(100)
})
