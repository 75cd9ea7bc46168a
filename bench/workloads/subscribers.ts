import { medians, type Figures } from '../measure/figures.ts'
import { percentile } from '../measure/samples.ts'
import { openFollowers } from '../systems/followers.ts'
import type { Lume } from '../systems/lume.ts'
import { warmUp } from '../systems/systems.ts'
import { startWaitingRuns } from '../systems/waiting-runs.ts'
import type { Workload } from './workload.ts'

const RUNS = 100
const SUBSCRIBERS = 1_000
/** Each run takes five steps a second: 500 steps/s in all. */
const PAUSE_MS = 200
const STEPS = 100

export const subscribers: Workload = {
  title: 'W7: 1,000 WebSocket subscribers on 100 runs, 500 steps/s in all; from an event to its delivery',
  async run({ systems: { startLume }, sizes }) {
    const lume = await startLume()
    try {
      await warmUp([lume], sizes.warmUp)
      const load = {
        runs: sizes.scaled(RUNS),
        subscribers: sizes.scaled(SUBSCRIBERS, 10),
        steps: sizes.scaled(STEPS, 20),
      }
      const rounds: Figures[] = []
      for (let round = 0; round < sizes.rounds; round++) rounds.push(await measureDelivery(lume, load))
      return { rows: [['lume', medians(rounds)]], ratios: {} }
    } finally {
      await lume.close()
    }
  },
}

interface Load {
  readonly runs: number
  readonly subscribers: number
  readonly steps: number
}

/** Latencies are from the time that an event carries, which is before its commit, to its arrival at this process. */
async function measureDelivery(lume: Lume, { runs, subscribers, steps }: Load): Promise<Figures> {
  const waiting = await startWaitingRuns(lume, runs, { steps, pauseMs: PAUSE_MS })
  const before = await lume.settledRssMb()
  const latencies: number[] = []
  let isMeasured = false
  let batches = 0
  const followers = await openFollowers(lume.url, waiting.jobIds, subscribers, ({ events }) => {
    if (!isMeasured) return
    batches++
    const now = Date.now()
    for (const { at, kind } of events) if (kind === 'STEP_COMPLETED') latencies.push(now - Date.parse(at))
  })
  try {
    const after = await lume.settledRssMb()
    const usage = await lume.usage()
    const startedAt = performance.now()
    isMeasured = true
    await waiting.go()
    await followers.ended
    const seconds = (performance.now() - startedAt) / 1_000
    const { cpuMs } = await lume.usage()
    return {
      stepsPerSecond: (runs * steps) / seconds,
      deliveriesPerSecond: batches / seconds,
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
      kbPerSubscriber: ((after - before) * 1_024) / subscribers,
      cpuShare: (cpuMs - usage.cpuMs) / (seconds * 1_000),
      rssMb: await lume.rssMb(),
    }
  } finally {
    await followers.close()
  }
}
