import { expect, test } from '@jest/globals'
import { TakeUps } from '../../../src/jobs/worker/take-ups.ts'
import { ownerId, type OwnerId } from '../../../src/lib/ids.ts'
import { fc } from '../../support/fast-check.ts'
import { settled } from '../../support/manual-clock.ts'

const MIB = 1024 * 1024
const [ADA, BOB] = [ownerId('ada'), ownerId('bob')]
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

test('a load that exceeds the bound alone happens alone, and owners take turns', async () => {
  const { order, enter, end } = opened(MIB)
  for (const name of ['a1', 'a2', 'a3']) void enter(name, ADA, MIB)
  void enter('b1', BOB, MIB)
  await settled()
  expect(order).toEqual(['a1'])
  for (const [ended, next] of [
    ['a1', 'a2'],
    ['a2', 'b1'],
    ['b1', 'a3'],
  ] as const) {
    end(ended)
    await settled()
    expect(order.at(-1)).toBe(next)
  }
})

test('small loads wait for nothing', async () => {
  const { order, enter } = opened(MIB)
  void enter('large', ADA, MIB)
  void enter('waiting', ADA, MIB)
  await enter('small', ADA, 1_000)
  expect(order).toEqual(['large', 'small'])
})

test('a load that is aborted while it waits leaves its turn to the next one', async () => {
  const { takeUps, order, enter, end } = opened(MIB)
  const abort = new AbortController()
  void enter('first', ADA, MIB)
  const aborted = enter('aborted', ADA, MIB, abort.signal)
  void enter('next', BOB, MIB)
  abort.abort(new Error('the lease is lost'))
  await expect(aborted).rejects.toThrow('the lease is lost')
  end('first')
  await settled()
  expect([order, takeUps.waiting]).toEqual([['first', 'next'], 0])
})

test('law: loads never exceed the bound together unless one is alone, and all of them get their turn', async () => {
  const load = fc.record({ owner: fc.constantFrom(ADA, BOB, ownerId('eve')), kib: fc.nat({ max: 2_000 }) })
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
        const large = [...open.keys()].map((n) => loads[n]?.kib ?? 0).filter((kib) => kib > 16)
        const sum = large.reduce((total, kib) => total + kib, 0)
        expect(sum <= maxText || large.length === 1).toBe(true)
        const [first] = open
        if (!first) throw new Error('no load gets its turn')
        open.delete(first[0])
        first[1]()
        ended++
      }
    }),
  )
})
