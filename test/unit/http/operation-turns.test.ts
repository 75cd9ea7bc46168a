import { describe, expect, test } from '@jest/globals'
import { OperationTurns } from '../../../src/http/intake/operation-turns.ts'
import { systemClock } from '../../../src/lib/time/clock.ts'
import { ARRIVAL_TURNS_MAX, noteArrival } from '../../../src/lib/turns/arrivals.ts'
import { countTurns } from '../../support/count-turns.ts'

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** The number of turns of the event loop after which an operation begins, if a connection arrives in each of the first ones. */
async function turnsBehind(connections: number): Promise<number> {
  const turns = new OperationTurns(systemClock)
  // Nothing has arrived since this look.
  await turns.take('before')
  await nextTurn()
  await nextTurn()
  const count = countTurns()
  let left = connections
  const arrive = () => {
    if (left-- <= 0) return
    noteArrival()
    setImmediate(arrive)
  }
  arrive()
  await turns.take('owner')
  left = 0
  count.stop()
  return count.turns
}

describe('operations', () => {
  test('begin at once while no connection arrives', async () => {
    expect(await turnsBehind(0)).toBe(0)
  })

  test('wait while connections arrive, which are accepted one in each turn of the event loop', async () => {
    expect(await turnsBehind(20)).toBeGreaterThanOrEqual(20)
  })

  test('begin after a bounded number of turns, however many connections arrive', async () => {
    expect(await turnsBehind(Number.MAX_SAFE_INTEGER)).toBeLessThanOrEqual(2 * ARRIVAL_TURNS_MAX + 4)
  })
})
