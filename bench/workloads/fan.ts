import { compare, ratiosOf } from '../measure/compare.ts'
import { measureRound } from '../measure/round.ts'
import { closeAll, warmUp } from '../systems/systems.ts'
import type { Workload } from './workload.ts'

const SHAPE = [1, 100, 1]

export const fan: Workload = {
  title: 'W2: 1 step, then 100 in parallel, then 1; one execution alone, then 4 in flight',
  async run({ systems: { startAll }, sizes }) {
    const systems = await startAll()
    try {
      await warmUp(systems, sizes.warmUp)
      for (const system of systems) await system.prepare(SHAPE)
      const rows = await compare(systems, sizes.rounds, async (system) => {
        const alone = await measureRound(system, { shape: SHAPE, executions: sizes.scaled(50), width: 1 })
        const four = await measureRound(system, { shape: SHAPE, executions: sizes.scaled(100, 4), width: 4 })
        return { alonePerExecutionMs: alone.p50Ms ?? null, ...four }
      })
      return {
        rows,
        ratios: { ...ratiosOf(rows, 'alonePerExecutionMs'), ...ratiosOf(rows, 'stepsPerSecond') },
      }
    } finally {
      await closeAll(systems)
    }
  },
}
