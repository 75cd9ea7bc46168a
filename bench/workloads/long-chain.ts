import { compare, ratiosOf, type Row } from '../measure/compare.ts'
import { measureRound } from '../measure/round.ts'
import { chainOf, type System } from '../systems/system.ts'
import { closeAll, warmUp } from '../systems/systems.ts'
import type { Workload } from './workload.ts'

export const longChain: Workload = {
  title:
    'W4: one execution alone: a chain of 1,000 steps, and whether a step costs the same in a chain of 10,000',
  async run({ systems: { startAll }, sizes }) {
    const systems = await startAll()
    const steps = sizes.scaled(1_000)
    const longSteps = sizes.scaled(10_000)
    try {
      await warmUp(systems, sizes.warmUp)
      for (const system of systems) await system.prepare(chainOf(steps))
      const rows = await compare(systems, sizes.rounds, (system) => measureChain(system, steps))
      const lume = systems.find(({ name }) => name === 'lume')
      if (!lume) throw new Error('Lume did not start')
      await lume.prepare(chainOf(longSteps))
      const long = (await measureChain(lume, longSteps)).perStepMs
      return {
        rows: rows.map(([name, figures]): Row => [
          name,
          { ...figures, perStepOfTenfoldMs: name === 'lume' ? long : null },
        ]),
        ratios: {
          ...ratiosOf(rows, 'perStepMs'),
          tenfoldToThousand: long / (new Map(rows).get('lume')?.perStepMs ?? NaN),
        },
      }
    } finally {
      await closeAll(systems)
    }
  },
}

async function measureChain(system: System, steps: number) {
  const { stepsPerSecond, ...figures } = await measureRound(system, {
    shape: chainOf(steps),
    executions: 1,
    width: 1,
  })
  return { perStepMs: 1_000 / (stepsPerSecond ?? NaN), ...figures }
}
