import { expect, test } from '@jest/globals'
import { ownerId } from '../../../src/lib/ids.ts'
import {
  ANSWER_MAX_BYTES,
  AnswerBudget,
  SMALL_ANSWER_MAX_BYTES,
} from '../../../src/schema/answers/answer-budget.ts'
import {
  LARGE_ANSWERS_MAX_WAITING_OF_OWNER,
  LARGE_ANSWERS_WAIT_MS,
  LargeAnswers,
} from '../../../src/schema/answers/large-answers.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const ACME = ownerId('acme')
const GLOBEX = ownerId('globex')

/** Reads values of so many bytes. */
const reading = (bytes: number, limits: number[] = []) => {
  return (maxBytes: number) => {
    limits.push(maxBytes)
    return Promise.resolve({ bytes, values: bytes <= maxBytes ? ['value'] : null })
  }
}
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    (fault: { extensions?: { code?: string } }) => fault.extensions?.code,
  )
const settle = () => new Promise((resolve) => setImmediate(resolve))

test('an operation with large values waits while its owner has others, and those of another owner do not', async () => {
  const places = new LargeAnswers(new ManualClock(), { max: 2, maxOfOwner: 1 })
  const large = (owner: typeof ACME) => new AnswerBudget(owner, places)
  const [first, second, other] = [large(ACME), large(ACME), large(GLOBEX)]
  await first.read('a', reading(1_000_000))
  let isRead = false
  const waiting = second.read('a', reading(1_000_000)).then(() => (isRead = true))
  await other.read('a', reading(1_000_000))
  await settle()
  expect(isRead).toBe(false)
  // Small values never wait.
  await large(ACME).read('a', reading(1_000))
  first.end()
  await waiting
})

test('a place is given back once, and to the one that has waited longest', async () => {
  const places = new LargeAnswers(new ManualClock(), { max: 1, maxOfOwner: 1 })
  const leave = await places.take(ACME)
  const order: string[] = []
  const second = places.take(GLOBEX).then((next) => (order.push('second'), next))
  const third = places.take(ACME).then((next) => (order.push('third'), next))
  leave()
  leave()
  const leaveSecond = await second
  await settle()
  expect(order).toEqual(['second'])
  leaveSecond()
  await third
  expect(order).toEqual(['second', 'third'])
})

test('operations that wait too long, or behind too many, are refused by a code', async () => {
  const clock = new ManualClock()
  const places = new LargeAnswers(clock, { max: 4, maxOfOwner: 1 })
  const leave = await places.take(ACME)
  const waiting = Array.from({ length: LARGE_ANSWERS_MAX_WAITING_OF_OWNER }, () => codeOf(places.take(ACME)))
  expect(await codeOf(places.take(ACME))).toBe('TOO_MANY_LARGE_ANSWERS')
  expect(await codeOf(places.take(GLOBEX))).toBe('answered')
  await clock.advance(LARGE_ANSWERS_WAIT_MS)
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(['SERVER_OVERLOADED']))
  leave()
  expect(await codeOf(places.take(ACME))).toBe('answered')
})

test('an operation reads small values within a small limit, and large ones only from what is left', async () => {
  const budget = new AnswerBudget(ACME, new LargeAnswers(new ManualClock(), { max: 1, maxOfOwner: 1 }))
  const limits: number[] = []
  await budget.read('a', reading(1_000, limits))
  await budget.read('a', reading(10_000_000, limits))
  expect(limits).toEqual([SMALL_ANSWER_MAX_BYTES, SMALL_ANSWER_MAX_BYTES - 1_000, ANSWER_MAX_BYTES - 1_000])
  expect(await codeOf(budget.read('Execution.output', reading(10_000_000, limits)))).toBe('ANSWER_TOO_LARGE')
  expect(limits.at(-1)).toBe(ANSWER_MAX_BYTES - 10_001_000)
  expect(budget.refusal?.message).toContain('Execution.output')
  // From then on nothing is read.
  expect(await codeOf(budget.read('a', () => Promise.reject(new Error('it was read'))))).toBe(
    'ANSWER_TOO_LARGE',
  )
})

test('a resolver that outlives its operation takes no place, and one that reads keeps the place until it has read', async () => {
  const places = new LargeAnswers(new ManualClock(), { max: 1, maxOfOwner: 1 })
  const ended = new AnswerBudget(ACME, places)
  ended.end()
  expect(await codeOf(ended.read('a', reading(10_000_000)))).not.toBe('answered')
  const late = new AnswerBudget(ACME, places)
  const lateRead = codeOf(late.read('a', reading(1_000_000)))
  late.end()
  await lateRead
  const budget = new AnswerBudget(ACME, places)
  let answer = () => {}
  const slow = new Promise<void>((resolve) => (answer = resolve))
  const reads = budget.read('a', async (maxBytes) => {
    if (maxBytes > SMALL_ANSWER_MAX_BYTES) await slow
    return reading(1_000_000)(maxBytes)
  })
  await settle()
  budget.end()
  let isTaken = false
  const next = places.take(ACME).then((leave) => ((isTaken = true), leave))
  await settle()
  expect(isTaken).toBe(false)
  answer()
  await reads
  await next
  expect(isTaken).toBe(true)
})

test('two large readings of one operation at the same time share its limit', async () => {
  const budget = new AnswerBudget(ACME, new LargeAnswers(new ManualClock(), { max: 1, maxOfOwner: 1 }))
  const both = [1, 2].map(() => codeOf(budget.read('a', reading(10_000_000))))
  expect(await Promise.all(both)).toEqual(['answered', 'ANSWER_TOO_LARGE'])
})
