import { expect, test } from '@jest/globals'
import {
  LARGE_LOADS_MAX_WAITING,
  SMALL_LOAD_MAX_BYTES,
  StoredLoads,
} from '../../../src/jobs/start/stored-loads.ts'
import { ownerId } from '../../../src/lib/ids.ts'
import { settled } from '../../support/manual-clock.ts'

const MIB = 1024 * 1024
const [ADA, BOB] = [ownerId('ada'), ownerId('bob')]

test('large work of one owner runs one piece at a time and never keeps that of another owner waiting, and small loads run at once', async () => {
  const loads = new StoredLoads(MIB)
  const order: string[] = []
  const ends: (() => void)[] = []
  const run = (name: string, owner = ADA, bytes = MIB) =>
    loads.run({ ownerId: owner, bytes, isRefusable: true }, async () => {
      order.push(name)
      await new Promise<void>((resolve) => ends.push(resolve))
      return name
    })
  const works = [run('a1'), run('a2'), run('a3'), run('b1', BOB), run('small', ADA, SMALL_LOAD_MAX_BYTES)]
  await settled()
  expect(order.toSorted()).toEqual(['a1', 'b1', 'small'])
  for (let ended = 0; ended < works.length; ended++) {
    ends[ended]?.()
    await settled()
  }
  expect(order.slice(3)).toEqual(['a2', 'a3'])
  expect(await Promise.all(works)).toEqual(['a1', 'a2', 'a3', 'b1', 'small'])
})

test('work that fails gives its memory back', async () => {
  const loads = new StoredLoads(MIB)
  const load = { ownerId: ADA, bytes: MIB, isRefusable: true }
  await expect(loads.run(load, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await loads.run(load, () => Promise.resolve('done'))).toBe('done')
})

test('a request of an owner of whom too many wait is refused with VALIDATION_BUSY, those of others and accepted work are not', async () => {
  const loads = new StoredLoads(MIB)
  let end = () => {}
  const gate = new Promise<void>((resolve) => (end = resolve))
  const run = (owner = ADA, isRefusable = true) =>
    loads.run({ ownerId: owner, bytes: MIB, isRefusable }, () => gate)
  const accepted = Array.from({ length: 1 + LARGE_LOADS_MAX_WAITING }, () => run())
  await settled()
  await expect(run()).rejects.toMatchObject({ code: 'VALIDATION_BUSY', retryAfterMs: 1_000 })
  accepted.push(run(BOB), run(ADA, false))
  end()
  await Promise.all(accepted)
})
