import { describe, expect, test } from '@jest/globals'
import type { BlockError } from '../../../src/engine/block/block.ts'
import {
  ANSWER_TOO_SLOW,
  ANSWER_WAIT_MS,
  AnswerBudget,
  OWNER_ANSWERS_SHARE,
  UNCOUNTED_ANSWER_BYTES,
} from '../../../src/engine/memory/answer-budget.ts'
import { fc } from '../../support/fast-check.ts'
import { ManualClock, settled } from '../../support/manual-clock.ts'

const MIB = 1024 * 1024
const MAX_BYTES = 20 * MIB
const OWNER_BYTES = MAX_BYTES * OWNER_ANSWERS_SHARE

/** An answer of an owner that takes memory in pieces, one after the other. */
class Arrival {
  readonly ends: BlockError[] = []
  readonly #answer
  granted = 0
  isWaiting = false

  constructor(budget: AnswerBudget, owner: string, { clock = new ManualClock(), mayWait = true } = {}) {
    this.#answer = budget.of(owner).open({ clock, mayWait, end: (reason) => void this.ends.push(reason) })
  }

  async take(bytes: number): Promise<void> {
    this.isWaiting = true
    await this.#answer.take(bytes)
    this.isWaiting = false
    this.granted += bytes
  }

  /** The same, for a test that does not wait for it. */
  async asks(bytes: number): Promise<boolean> {
    void this.take(bytes)
    await settled()
    return !this.isWaiting
  }

  arrived(): void {
    this.#answer.arrived()
  }

  async close(): Promise<void> {
    this.#answer.close()
    await settled()
  }
}

test('the first 64 KiB of an answer are not counted, and a small answer never waits', async () => {
  const budget = new AnswerBudget(MAX_BYTES)
  const [large, more, small] = [new Arrival(budget, 'a'), new Arrival(budget, 'a'), new Arrival(budget, 'a')]
  expect(await large.asks(UNCOUNTED_ANSWER_BYTES)).toBe(true)
  expect(budget.bytesInUse).toBe(0)
  expect(await large.asks(OWNER_BYTES)).toBe(true)
  expect(budget.bytesInUse).toBe(OWNER_BYTES)
  expect(await more.asks(UNCOUNTED_ANSWER_BYTES + 1)).toBe(false)
  expect(await small.asks(UNCOUNTED_ANSWER_BYTES)).toBe(true)
})

test('an answer beyond its owner’s share is not read on until another one of that owner is closed; other owners do not wait', async () => {
  const budget = new AnswerBudget(MAX_BYTES)
  const [first, second, other] = [
    new Arrival(budget, 'a'),
    new Arrival(budget, 'a'),
    new Arrival(budget, 'b'),
  ]
  expect(await first.asks(OWNER_BYTES)).toBe(true)
  expect(await second.asks(2 * MIB)).toBe(false)
  expect(await other.asks(5 * MIB)).toBe(true)
  await first.close()
  expect(second.isWaiting).toBe(false)
  await second.close()
  await other.close()
  expect(budget.bytesInUse).toBe(0)
})

test('answers that all hold a part and need more continue one after the other, the oldest first', async () => {
  const budget = new AnswerBudget(MAX_BYTES)
  const answers = Array.from({ length: 10 }, () => new Arrival(budget, 'a'))
  for (const answer of answers) expect(await answer.asks(MIB)).toBe(true)
  for (const answer of answers) void answer.take(5 * MIB)
  await settled()
  for (const [done, answer] of answers.entries()) {
    expect(answers.map(({ isWaiting }) => isWaiting).lastIndexOf(false)).toBeGreaterThanOrEqual(done)
    expect(answer.isWaiting).toBe(false)
    await answer.close()
  }
  expect(budget.bytesInUse).toBe(0)
})

test('an answer of an attempt that holds other memory is counted and does not wait', async () => {
  const budget = new AnswerBudget(MAX_BYTES)
  expect(await new Arrival(budget, 'a').asks(OWNER_BYTES)).toBe(true)
  expect(await new Arrival(budget, 'a', { mayWait: false }).asks(MIB)).toBe(true)
  expect(budget.bytesInUse).toBeGreaterThan(OWNER_BYTES)
})

describe('an answer that arrives slowly', () => {
  test('is ended with a code that says what to do once another one of its owner has waited for 10 s', async () => {
    const budget = new AnswerBudget(MAX_BYTES)
    const clock = new ManualClock()
    const [complete, slow, slower] = [1, 2, 3].map(() => new Arrival(budget, 'a'))
    const stranger = new Arrival(budget, 'b')
    for (const answer of [complete, slow, slower, stranger]) expect(await answer?.asks(3 * MIB)).toBe(true)
    complete?.arrived()
    const waiting = new Arrival(budget, 'a', { clock })
    expect(await waiting.asks(2 * MIB)).toBe(false)
    await clock.advance(ANSWER_WAIT_MS - 1)
    expect(slow?.ends).toEqual([])
    await clock.advance(1)
    expect(slow?.ends).toMatchObject([
      { code: ANSWER_TOO_SLOW, retryable: true, message: expect.stringContaining('Ask for less at a time') },
    ])
    expect([complete, slower, stranger].flatMap((answer) => answer?.ends)).toEqual([])
    await slow?.close()
    expect(waiting.isWaiting).toBe(false)
    await clock.advance(10 * ANSWER_WAIT_MS)
    expect(slower?.ends).toEqual([])
  })
})

test('whatever answers of any owners take and close, all of them finish, and what is held stays within the bound', async () => {
  const piece = fc.integer({ min: 1, max: 2 * MIB })
  const answer = fc.record({
    owner: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    pieces: fc.array(piece, { minLength: 1, maxLength: 5 }),
    /** Turns for which it holds its bytes once it is complete. */
    holds: fc.nat(3),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 30 }), async (answers) => {
      const budget = new AnswerBudget(MAX_BYTES)
      const owners = new Set(answers.map(({ owner }) => owner)).size
      const largest = 10 * MIB
      await Promise.all(
        answers.map(async ({ owner, pieces, holds }) => {
          const arrival = new Arrival(budget, owner)
          for (const bytes of pieces) {
            await arrival.take(bytes)
            expect(budget.bytesInUse).toBeLessThanOrEqual(MAX_BYTES + owners * largest)
          }
          arrival.arrived()
          for (let turn = 0; turn < holds; turn++) await settled()
          await arrival.close()
        }),
      )
      expect(budget.bytesInUse).toBe(0)
    }),
    { numRuns: 100 },
  )
})
