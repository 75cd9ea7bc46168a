import { setTimeout as sleep } from 'node:timers/promises'
import { compare, ratiosOf } from '../measure/compare.ts'
import { measureRound, measureRuns } from '../measure/round.ts'
import type { Lume } from '../systems/lume.ts'
import { closeAll, warmUp } from '../systems/systems.ts'
import type { Workload } from './workload.ts'

const ITEMS = 10_000
const LOOK_EVERY_MS = 50

const DEFINITION = {
  nodes: [
    {
      id: 'each',
      type: 'core.forEach',
      config: {
        items: '{{ input }}',
        concurrency: 100,
        body: { nodes: [{ id: 'work', type: 'bench.noop', config: {} }], edges: [] },
      },
    },
  ],
  edges: [],
  limits: { concurrency: 100 },
}

export const loopItems: Workload = {
  title: 'W6: forEach over 10,000 items, each one external no-op step, concurrency 100; a step is an item',
  async run({ systems: { startPair }, sizes }) {
    const { loop, lume } = await startPair()
    const items = sizes.scaled(ITEMS)
    try {
      await warmUp([loop, lume], sizes.warmUp)
      const workflowId = await lume.createWorkflow(DEFINITION)
      const input = Array.from({ length: items }, (_, index) => index)
      const rows = await compare([loop, lume], sizes.rounds, async (system) => {
        if (system !== lume) return measureRound(system, { shape: [items], executions: 1, width: 1 })
        const before = await lume.settledRssMb()
        const peak = watchPeak(lume)
        const figures = await measureRuns(lume, {
          steps: items,
          executions: 1,
          width: 1,
          run: () => lume.runWorkflow(workflowId, input),
        })
        return { ...figures, rssGrowthMb: (await peak.stop()) - before }
      })
      return { rows, ratios: ratiosOf(rows, 'stepsPerSecond') }
    } finally {
      await closeAll([loop, lume])
    }
  },
}

/** Looks at the memory of Lume until `stop`, which resolves to the greatest value in MB. */
function watchPeak(lume: Lume): { stop(): Promise<number> } {
  let isOver = false
  const watching = (async () => {
    let peak = 0
    while (!isOver) {
      peak = Math.max(peak, await lume.rssMb())
      await sleep(LOOK_EVERY_MS)
    }
    return peak
  })()
  return {
    stop() {
      isOver = true
      return watching
    },
  }
}
