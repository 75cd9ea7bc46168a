import { expect, test } from '@jest/globals'
import { ApproximateCounts } from '../../../src/jobs/start/approximate-counts.ts'
import { fc } from '../../support/fast-check.ts'
import { Gate, ManualClock, settled } from '../../support/manual-clock.ts'

const MAX_AGE_MS = 5_000

function openCounts(limit: number) {
  const clock = new ManualClock()
  /** What is in the tables, by key. */
  const stored = new Map<string, number>()
  const reads: string[][] = []
  let gate: Gate | null = null
  let earlyGate: Gate | null = null
  const counts = new ApproximateCounts<string>({
    async read(keys) {
      reads.push([...keys])
      await earlyGate?.pass()
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
  return {
    clock,
    counts,
    stored,
    reads,
    add,
    start,
    hold: () => (gate = new Gate()),
    delay: () => (earlyGate = new Gate()),
  }
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

test('what is stored while a read is under way does not count twice in a refusal', async () => {
  const { start, delay, stored, counts } = openCounts(4)
  const gate = delay()
  const first = await counts.take('a')
  if (first.kind === 'full') throw new Error('it is not full')
  stored.set('a', 1)
  first.settle(true)
  expect([await start('a'), await start('a')]).toEqual(['taken', 'taken'])
  gate.open()
  await settled()
  expect([await start('a'), await start('a')]).toEqual(['taken', 'full'])
})

test('what is stored and not yet settled does not count twice in a refusal', async () => {
  const { counts, add, clock } = openCounts(4)
  const settles: ((isStored: boolean) => void)[] = []
  for (let n = 0; n < 2; n++) {
    const taken = await counts.take('a')
    if (taken.kind === 'full') throw new Error('it is not full')
    add('a')
    settles.push(taken.settle)
  }
  await clock.advance(MAX_AGE_MS)
  const third = await counts.take('a')
  await settled()
  const fourth = counts.take('a')
  await settled()
  for (const settle of settles) settle(true)
  expect(third).toMatchObject({ kind: 'taken' })
  if (third.kind === 'taken') third.settle(false)
  expect(await fourth).toMatchObject({ kind: 'taken' })
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
        let isClosing = false
        const takers = steps.map(async ({ isStored, waitMs }, n) => {
          for (let turn = 0; turn < n; turn++) await Promise.resolve()
          const taken = await counts.take('a')
          if (taken.kind === 'full') return
          const finish = () => {
            if (isStored) add('a')
            taken.settle(isStored)
          }
          if (isClosing || waitMs === 0) finish()
          else open.push(finish)
        })
        for (const { waitMs } of steps) {
          if (waitMs > 0) await clock.advance(waitMs)
          for (const finish of open.splice(0, 2)) finish()
        }
        isClosing = true
        for (const finish of open.splice(0)) finish()
        await Promise.all(takers)
        expect(stored.get('a') ?? 0).toBeLessThanOrEqual(limit)
      },
    ),
  )
})
