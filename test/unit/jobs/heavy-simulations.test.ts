import { describe, expect, test } from '@jest/globals'
import { simulate, SIMULATION_LIGHT_EVENTS, type HeavyWork } from '../../../src/engine/simulate/simulate.ts'
import { HeavySimulations, SIMULATIONS_HEAVY_MAX_AT_ONCE } from '../../../src/jobs/heavy-simulations.ts'
import { systemClock } from '../../../src/lib/time/clock.ts'
import type { Json, JsonObject } from '../../../src/lib/json/json.ts'
import {
  definition,
  forEach,
  Gate,
  scriptedBlocks,
  settled,
  soundPlan,
} from '../../support/run-definition.ts'

describe('heavy simulations', () => {
  test('run a bounded number at a time in the process, and owners take turns', async () => {
    const heavy = new HeavySimulations()
    const gates: Gate[] = []
    const begun: string[] = []
    const work = (owner: string) =>
      heavy.run(owner, async ({ begin }) => {
        await begin()
        begun.push(owner)
        const gate = new Gate()
        gates.push(gate)
        await gate.pass()
      })
    const all = ['a', 'a', 'a', 'a', 'b'].map(work)
    await settled()
    expect(begun).toEqual(Array(SIMULATIONS_HEAVY_MAX_AT_ONCE).fill('a'))
    for (let done = 0; done < all.length; done++) {
      gates[done]?.open()
      await settled()
    }
    await Promise.all(all)
    expect(begun.slice(2, 4)).toContain('b')
    expect(begun).toHaveLength(5)
  })

  test('do not hold up simulations that never ask for a turn', async () => {
    const heavy = new HeavySimulations()
    const gate = new Gate()
    const running = ['a', 'a', 'a'].map((owner) =>
      heavy.run(owner, async ({ begin }) => {
        await begin()
        await gate.pass()
      }),
    )
    expect(await heavy.run('b', async () => 'light')).toBe('light')
    gate.open()
    await Promise.all(running)
  })

  test('give their turn to others when they fail', async () => {
    const heavy = new HeavySimulations()
    const failing = Array.from({ length: 3 }, () =>
      heavy.run('a', async ({ begin }) => {
        await begin()
        throw new Error('no')
      }),
    )
    const results = await Promise.allSettled(failing)
    expect(results.map(({ status }) => status)).toEqual(Array(3).fill('rejected'))
  })
})

describe('a simulation', () => {
  const run = (document: JsonObject, input: Json, heavyWork: HeavyWork) =>
    simulate(
      {
        plan: soundPlan(document, scriptedBlocks({})),
        input,
        executionId: 'simulation',
        startedAt: 0,
        heavyWork,
      },
      systemClock,
    )
  const looping = definition({
    loop: forEach(definition({ a: { type: 'core.delay', config: { duration: 1_000 } } })),
  })

  test('that is small asks for no turn', async () => {
    let asked = 0
    const begin = () => Promise.resolve(void asked++)
    expect(await run(looping, [1, 2, 3], { begin })).toMatchObject({ status: 'COMPLETED' })
    expect(asked).toBe(0)
  })

  test.each([
    ['has many events', looping, Array.from({ length: SIMULATION_LIGHT_EVENTS / 2 }, () => 0)],
    [
      'makes a large config',
      definition({ a: { type: 'core.transform', config: { value: '{{ input }}' } } }),
      Array.from({ length: 40_000 }, (_, index) => String(index)),
    ],
  ])(
    'that %s waits for its turn once, and nothing happens in it meanwhile',
    async (_what, document, input) => {
      const gate = new Gate()
      let asked = 0
      const begin = () => {
        asked++
        return gate.pass()
      }
      let isOver = false
      const simulation = run(document, input, { begin }).finally(() => (isOver = true))
      while (asked === 0) await settled()
      for (let turn = 0; turn < 50; turn++) await settled()
      expect(isOver).toBe(false)
      gate.open()
      const { status, estimatedDurationMs } = await simulation
      expect({ status, asked }).toEqual({ status: 'COMPLETED', asked: 1 })
      // No virtual time passed during the wait.
      expect(estimatedDurationMs).toBeLessThan(1_000 * SIMULATION_LIGHT_EVENTS)
    },
  )
})
