import { describe, expect, test } from '@jest/globals'
import { fc } from '../../support/fast-check.ts'
import { Slots } from '../../../src/lib/async/slots.ts'
import { settled } from '../../support/manual-clock.ts'

const { signal: never } = new AbortController()

describe('E4: places for attempts', () => {
  test('are given to at most so many at a time', async () => {
    const slots = new Slots(2)
    let held = 0
    const releases: (() => void)[] = []
    for (let i = 0; i < 5; i++) {
      void slots.acquire([i], never).then((release) => {
        held++
        releases.push(() => {
          held--
          release()
        })
      })
    }
    await settled()
    expect(held).toBe(2)
    releases.shift()?.()
    await settled()
    expect(held).toBe(2)
    expect(releases).toHaveLength(2)
  })

  test('go to the first in the definition’s order among those who wait, not to the first who came', async () => {
    const slots = new Slots(1)
    const order: string[] = []
    const first = await slots.acquire([9], never)
    const ask = (place: number[]) =>
      slots.acquire(place, never).then((release) => {
        order.push(place.join('.'))
        release()
      })
    const all = [ask([3]), ask([1, 10, 0]), ask([1, 2, 0]), ask([1]), ask([0]), ask([1, 2])]
    first()
    await Promise.all(all)
    expect(order).toEqual(['0', '1', '1.2', '1.2.0', '1.10.0', '3'])
  })

  test('a place given back twice is given back once', async () => {
    const slots = new Slots(1)
    const release = await slots.acquire([0], never)
    release()
    release()
    await slots.acquire([1], never)
    let isGiven = false
    void slots.acquire([2], never).then(() => (isGiven = true))
    await settled()
    expect(isGiven).toBe(false)
  })

  test('who stops waiting leaves the queue, with the signal’s reason, and the next one moves up', async () => {
    const slots = new Slots(1)
    const release = await slots.acquire([0], never)
    const controller = new AbortController()
    const reason = new Error('enough')
    const gone = slots.acquire([1], controller.signal)
    const next = slots.acquire([2], never)
    controller.abort(reason)
    await expect(gone).rejects.toBe(reason)
    release()
    await next
    await expect(slots.acquire([3], controller.signal)).rejects.toBe(reason)
  })

  test('no place is ever lost, whoever comes, goes and gives up', async () => {
    const moves = fc.array(fc.record({ order: fc.nat(5), aborts: fc.boolean() }), { maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3 }), moves, async (count, all) => {
        const slots = new Slots(count)
        let held = 0
        await Promise.all(
          all.map(async ({ order, aborts }) => {
            const controller = new AbortController()
            const place = slots.acquire([order], controller.signal)
            if (aborts) controller.abort(new Error('enough'))
            const release = await place.catch(() => null)
            if (!release) return
            expect(++held).toBeLessThanOrEqual(count)
            await Promise.resolve()
            held--
            release()
          }),
        )
        for (let i = 0; i < count; i++) await slots.acquire([i], never)
      }),
    )
  })
})
