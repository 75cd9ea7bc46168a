import { expect, test } from '@jest/globals'
import { readValues } from '../../../src/jobs/start/start-execution.ts'
import { yieldToEventLoop } from '../../../src/lib/turns/yield-to-event-loop.ts'
import { useTurnUp, waitsForAnotherTurn } from '../../support/hold-turn.ts'

const INPUT = Array.from({ length: 60_000 }, (_, i) => ({ a: i }))

test('the values of a start are not read in a turn of the event loop that other requests have used up', async () => {
  await yieldToEventLoop()
  useTurnUp()
  const reading = Promise.resolve(readValues({ input: INPUT }))
  expect(await waitsForAnotherTurn(reading)).toBe(true)
  const { values, invalid, bytes } = await reading
  expect(invalid).toBeNull()
  expect(values).toEqual({ input: INPUT, variables: {}, mocks: null, metadata: {} })
  expect(bytes).toBe(JSON.stringify(INPUT).length + 2 * '{}'.length)
  expect(Object.isFrozen((values.input as unknown[])[59_999])).toBe(true)
})

test('of many values the first that cannot be stored is reported', async () => {
  const { invalid } = await readValues({ input: [1, undefined], variables: [], metadata: {} })
  expect(invalid).toMatchObject({ argument: 'input', problems: [{ pointer: '/1' }] })
})
