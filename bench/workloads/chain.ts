import { compare, ratiosOf } from '../measure/compare.ts'
import { measureRound } from '../measure/round.ts'
import { chainOf } from '../systems/system.ts'
import { closeAll, warmUp } from '../systems/systems.ts'
import type { Workload } from './workload.ts'

export const CHAIN = chainOf(10)
export const CHAIN_WIDTH = 50
export const CHAIN_EXECUTIONS = 1_000

export const chain: Workload = {
  title: 'W1: chain of 10 external no-op steps, 50 executions in flight',
  async run({ systems: { startAll }, sizes }) {
    const systems = await startAll()
    try {
      await warmUp(systems, sizes.warmUp)
      const plan = { shape: CHAIN, executions: sizes.scaled(CHAIN_EXECUTIONS), width: CHAIN_WIDTH }
      const rows = await compare(systems, sizes.rounds, (system) => measureRound(system, plan))
      return { rows, ratios: ratiosOf(rows, 'stepsPerSecond') }
    } finally {
      await closeAll(systems)
    }
  },
}
