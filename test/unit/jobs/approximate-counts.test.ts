import { expect, test } from '@jest/globals'
import { ApproximateCounts } from '../../../src/jobs/approximate-counts.ts'
import { fc } from '../../support/fast-check.ts'
import { Gate, ManualClock, settled } from '../../support/manual-clock.ts'

const MAX_AGE_MS = 5_000

function openCounts(limit: number) {
  const clock = new ManualClock()
  /** What is in the tables, by key. */
  const stored = new Map<string, number>()
  const reads: string[][] = []
  let gate: Gate | null = null
  const counts = new ApproximateCounts<string>({
    async read(keys) {
      reads.push([...keys])
      const found = new Map(stored)
      await gate?.pass()
      return found
    },
    limit,
    maxAgeMs: MAX_AGE_MS,
    clock,
  })
  const add = (key: string, amount = 1) => stored.set(key, (stored.get(key) ?? 0) + amount)
  /** Takes and stores, as a start does. */
  const start = async (key: string) => {
    const taken = await counts.take(key)
    if (taken.kind === 'taken') {
      add(key)
      taken.settle(true)
    }
    return taken.kind
  }
  return { clock, counts, stored, reads, add, start, hold: () => (gate = new Gate()) }
}

test('what this process adds counts at once, and each key by itself', async () => {
  const { start } = openCounts(2)
  expect([await start('a'), await start('a'), await start('a'), await start('b')]).toEqual([
    'taken',
    'taken',
    'full',
    'taken',
  ])
})

test('what other processes add counts once the count is as old as it may be', async () => {
  const { clock, start, add } = openCounts(3)
  expect(await start('a')).toBe('taken')
  add('a', 2)
  await clock.advance(MAX_AGE_MS)
  expect(await start('a')).toBe('taken')
  await settled()
  expect(await start('a')).toBe('full')
})

test('a full key is read again before it refuses, at most once per second', async () => {
  const { clock, start, stored, reads } = openCounts(1)
  await start('a')
  await clock.advance(1_000)
  expect(await start('a')).toBe('full')
  const { length } = reads
  for (let n = 0; n < 100; n++) expect(await start('a')).toBe('full')
  expect(reads).toHaveLength(length)
  stored.set('a', 0)
  await clock.advance(1_000)
  expect(await start('a')).toBe('taken')
})

test('what was taken and not stored makes room again', async () => {
  const { counts, start } = openCounts(1)
  const taken = await counts.take('a')
  if (taken.kind === 'full') throw new Error('it is not full')
  taken.settle(false)
  taken.settle(false)
  expect(await start('a')).toBe('taken')
})

test('no start waits for a read that is under way, unless its key is full', async () => {
  const { start, hold } = openCounts(5)
  hold()
  expect(await start('a')).toBe('taken')
  expect(await start('a')).toBe('taken')
})

test('one process never exceeds a limit, whatever it takes, stores and gives back', async () => {
  const step = fc.record({ isStored: fc.boolean(), waitMs: fc.constantFrom(0, 0, 0, 400, 6_000) })
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 8 }),
      async (steps, limit) => {
        const { clock, counts, stored, add } = openCounts(limit)
        const open: (() => void)[] = []
        for (const { isStored, waitMs } of steps) {
          const taken = await counts.take('a')
          if (taken.kind === 'taken') {
            open.push(() => {
              if (isStored) add('a')
              taken.settle(isStored)
            })
          }
          if (waitMs > 0) {
            for (const finish of open.splice(0)) finish()
            await clock.advance(waitMs)
          }
        }
        for (const finish of open) finish()
        expect(stored.get('a') ?? 0).toBeLessThanOrEqual(limit)
      },
    ),
  )
})
