import { expect, test } from '@jest/globals'
import type { ExecutionResult } from 'graphql'
import { RUNNING_COST_WAIT_MS, RunningCost } from '../../../src/http/limits/running-cost.ts'
import { ManualClock, settled } from '../../support/manual-clock.ts'

/** Operations whose execution ends when the test says so. */
function opened(ownerMaxCost: number) {
  const clock = new ManualClock()
  const runningCost = new RunningCost(clock, ownerMaxCost)
  const running: { readonly owner: string; readonly end: () => void }[] = []
  const execute = async (owner: string, cost = 100): Promise<ExecutionResult> => {
    const run = () =>
      new Promise<ExecutionResult>((resolve) => {
        running.push({ owner, end: () => resolve({ data: {} }) })
      })
    return runningCost.within(owner, cost, run)
  }
  return { clock, running, execute, owners: () => running.map(({ owner }) => owner) }
}

test('operations of one owner whose cost together is too much wait for each other, and those of another owner run', async () => {
  const { running, execute, owners } = opened(250)
  const answers = Array.from({ length: 5 }, () => execute('ada'))
  await settled()
  expect(owners()).toEqual(['ada', 'ada'])
  answers.push(execute('bob'))
  await settled()
  expect(owners()).toEqual(['ada', 'ada', 'bob'])
  const small = execute('ada', 10)
  await settled()
  expect(owners()).toEqual(['ada', 'ada', 'bob', 'ada'])
  running.at(-1)?.end()
  expect(await small).toEqual({ data: {} })
  for (let ended = 0; ended < 7; ended++) {
    running[ended]?.end()
    await settled()
  }
  expect(await Promise.all(answers)).toHaveLength(6)
})

test('an operation that waits too long is refused with SERVER_OVERLOADED, and one that alone exceeds the bound runs', async () => {
  const { clock, running, execute } = opened(10)
  const first = execute('ada')
  const second = execute('ada')
  await settled()
  expect(running).toHaveLength(1)
  await clock.advance(RUNNING_COST_WAIT_MS)
  const { errors } = await second
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'SERVER_OVERLOADED', http: { status: 503 } })
  running[0]?.end()
  expect(await first).toEqual({ data: {} })
})
