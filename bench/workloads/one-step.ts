import { compare, ratiosOf, type Row } from '../measure/compare.ts'
import type { Figures } from '../measure/figures.ts'
import { measureRound } from '../measure/round.ts'
import { chainOf } from '../systems/system.ts'
import { closeAll, warmUp } from '../systems/systems.ts'
import type { Workload } from './workload.ts'

const SHAPE = chainOf(1)
/** The executions of a process that count as cold. */
const COLD_EXECUTIONS = 100

export const oneStep: Workload = {
  title: 'W3: one step, one execution at a time, from its start to its known end; cold and warm',
  async run({ systems: { startAll }, sizes }) {
    const systems = await startAll()
    try {
      const cold = new Map<string, Figures>()
      for (const system of systems) {
        await system.prepare(SHAPE)
        cold.set(
          system.name,
          await measureRound(system, { shape: SHAPE, executions: COLD_EXECUTIONS, width: 1 }),
        )
      }
      await warmUp(systems, sizes.warmUp)
      const plan = { shape: SHAPE, executions: sizes.scaled(500), width: 1 }
      const warm = await compare(systems, sizes.rounds, (system) => measureRound(system, plan))
      const rows = warm.map(([name, figures]): Row => {
        const { p50Ms: coldP50Ms = null, p99Ms: coldP99Ms = null } = cold.get(name) ?? {}
        return [name, { coldP50Ms, coldP99Ms, ...figures }]
      })
      return { rows, ratios: { ...ratiosOf(rows, 'p50Ms'), ...ofLume(rows) } }
    } finally {
      await closeAll(systems)
    }
  },
}

/** The cold process against the warm loop, and the spread of Lume's own latencies. */
function ofLume(rows: readonly Row[]): Figures {
  const figures = new Map(rows)
  const lume = figures.get('lume')
  return {
    coldP50MsToWarmP50MsOfLoop: (lume?.coldP50Ms ?? NaN) / (figures.get('loop')?.p50Ms ?? NaN),
    p99MsToP50Ms: (lume?.p99Ms ?? NaN) / (lume?.p50Ms ?? NaN),
  }
}
