import { describe, expect, test } from '@jest/globals'
import type { Json } from '../../../src/lib/json/json.ts'
import { countTurns } from '../../support/count-turns.ts'
import { inShortestPieces } from '../../support/hold-turn.ts'
import { definition, forEach, TestExecution, waits, type Behaviour } from '../../support/run-definition.ts'

const PARALLEL = 100

const many = (prefix: string, count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}`, {}]))

/** Finishes an execution while each piece of work uses its turn up. Returns the largest number of calls that began in one turn. */
async function mostCallsInATurn(document: ReturnType<typeof definition>, input: Json = null) {
  const count = countTurns()
  const calls = new Map<number, number>()
  const counted: Behaviour = () => {
    calls.set(count.turns, (calls.get(count.turns) ?? 0) + 1)
    return 'done'
  }
  const nodes = document.nodes as readonly { readonly id: string }[]
  const behaviours = { ...Object.fromEntries(nodes.map(({ id }) => [id, counted])), body: counted }
  const execution = new TestExecution(document, behaviours, { input })
  const end = await inShortestPieces(() => execution.finish())
  count.stop()
  expect(end).toMatchObject({ status: 'COMPLETED' })
  return { execution, most: Math.max(...calls.values()) }
}

describe('a run in a turn of the event loop that is used up', () => {
  test('begins its ready steps over many turns, in the order of the definition', async () => {
    const nodes = many('n', PARALLEL)
    const { execution, most } = await mostCallsInATurn({
      ...definition(nodes),
      limits: { concurrency: PARALLEL },
      output: null,
    })
    expect(most).toBeLessThanOrEqual(2)
    expect(execution.called).toEqual(Object.keys(nodes))
  })

  test('begins the items of a loop over many turns', async () => {
    const loop = forEach(definition({ body: {} }), { concurrency: PARALLEL })
    const document = { ...definition({ loop }), limits: { concurrency: PARALLEL } }
    const { execution, most } = await mostCallsInATurn(
      document,
      Array.from({ length: 2 * PARALLEL }, (_, i) => i),
    )
    expect(most).toBeLessThanOrEqual(2)
    expect(execution.calls).toHaveLength(2 * PARALLEL)
  })

  test('parks no loop before all items that may begin have begun', async () => {
    const hour = 3_600_000
    const loop = forEach(definition({ body: {} }), { concurrency: 2 })
    const input = Array.from({ length: 40 }, (_, i) => i)
    const execution = new TestExecution(definition({ loop }), { body: waits(hour) }, { input })
    const startedAt = execution.clock.now()
    const end = await inShortestPieces(() => execution.run(execution.start()))
    expect(end).toMatchObject({ kind: 'parked' })
    expect(execution.clock.now()).toBe(startedAt)
    expect(execution.calls).toHaveLength(input.length)
  })
})
