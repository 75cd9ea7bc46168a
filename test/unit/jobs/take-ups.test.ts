import { expect, test } from '@jest/globals'
import { TakeUps } from '../../../src/jobs/worker/take-ups.ts'
import { ownerId, type OwnerId } from '../../../src/lib/ids.ts'
import { fc } from '../../support/fast-check.ts'
import { settled } from '../../support/manual-clock.ts'

const MIB = 1024 * 1024
const [ADA, BOB, EVE] = [ownerId('ada'), ownerId('bob'), ownerId('eve')]
const NEVER = new AbortController().signal

function opened(maxBytes: number) {
  const takeUps = new TakeUps(maxBytes)
  const order: string[] = []
  const dones = new Map<string, () => void>()
  const enter = (name: string, owner: OwnerId, textBytes: number, signal = NEVER) =>
    takeUps.enter(owner, textBytes, signal).then((done) => {
      order.push(name)
      dones.set(name, done)
    })
  return { takeUps, order, enter, end: (name: string) => dones.get(name)?.() }
}

test('a load that exceeds the bound of its owner happens alone of its owner, and loads of another owner wait for none of them', async () => {
  const { order, enter, end } = opened(MIB)
  for (const name of ['a1', 'a2', 'a3']) void enter(name, ADA, 100 * MIB)
  await settled()
  void enter('b1', BOB, 100 * MIB)
  await settled()
  expect(order).toEqual(['a1', 'b1'])
  for (const [ended, next] of [
    ['a1', 'a2'],
    ['b1', 'a2'],
    ['a2', 'a3'],
  ] as const) {
    end(ended)
    await settled()
    expect(order.at(-1)).toBe(next)
  }
})

test('an owner that loads nothing waits for one load of two others, however many of theirs wait', async () => {
  const { order, enter, end } = opened(MIB)
  for (const turn of [1, 2, 3]) {
    void enter(`a${turn}`, ADA, MIB)
    void enter(`b${turn}`, BOB, MIB)
  }
  void enter('e1', EVE, MIB)
  await settled()
  expect(order).toEqual(['a1', 'b1'])
  end('b1')
  await settled()
  expect(order).toEqual(['a1', 'b1', 'e1'])
  for (const ended of ['a1', 'e1', 'b2', 'a2', 'b3']) {
    end(ended)
    await settled()
  }
  expect(order).toEqual(['a1', 'b1', 'e1', 'b2', 'a2', 'b3', 'a3'])
})

test('small loads wait for nothing', async () => {
  const { order, enter } = opened(MIB)
  void enter('large', ADA, MIB)
  void enter('waiting', ADA, MIB)
  await settled()
  await enter('small', ADA, 1_000)
  expect(order).toEqual(['large', 'small'])
})

test('a load that is aborted while it waits leaves its turn to the next one', async () => {
  const { takeUps, order, enter, end } = opened(MIB)
  const abort = new AbortController()
  void enter('first', ADA, MIB)
  const aborted = enter('aborted', ADA, MIB, abort.signal)
  void enter('next', ADA, MIB)
  abort.abort(new Error('the lease is lost'))
  await expect(aborted).rejects.toThrow('the lease is lost')
  end('first')
  await settled()
  expect([order, takeUps.waiting]).toEqual([['first', 'next'], 0])
})

test('law: loads of one owner never exceed its bound unless one is alone, at most twice the bound is loaded, and all of them get their turn', async () => {
  const load = fc.record({
    owner: fc.constantFrom(ADA, BOB, EVE, ownerId('dan')),
    kib: fc.nat({ max: 2_000 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(load, { maxLength: 30 }), async (loads) => {
      const maxText = 1_000
      const takeUps = new TakeUps(maxText * 1024 * 28)
      const open = new Map<number, () => void>()
      let ended = 0
      loads.forEach(({ owner, kib }, n) => {
        void takeUps.enter(owner, kib * 1024, NEVER).then((done) => open.set(n, done))
      })
      while (ended < loads.length) {
        await settled()
        const running = [...open.keys()].flatMap((n) => loads[n] ?? []).filter(({ kib }) => kib > 16)
        const sumOf = (some: typeof running) => some.reduce((sum, { kib }) => sum + Math.min(kib, maxText), 0)
        expect(sumOf(running)).toBeLessThanOrEqual(2 * maxText)
        for (const { owner } of running)
          expect(sumOf(running.filter((one) => one.owner === owner))).toBeLessThanOrEqual(maxText)
        const owners = new Set(running.map(({ owner }) => owner))
        const isIdle = (owner: OwnerId) => takeUps.waitingOf(owner) > 0 && !owners.has(owner)
        // While one owner loads at most, no other waits.
        if (owners.size < 2) expect(loads.some(({ owner }) => isIdle(owner))).toBe(false)
        const [first] = open
        if (!first) throw new Error('no load gets its turn')
        open.delete(first[0])
        first[1]()
        ended++
      }
    }),
  )
})
