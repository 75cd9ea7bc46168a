import { stepsOf, type Shape, type System } from '../systems/system.ts'
import type { Figures } from './figures.ts'
import { inFlight } from './in-flight.ts'
import { percentile } from './samples.ts'

export interface RoundPlan {
  readonly shape: Shape
  readonly executions: number
  /** How many executions the client keeps in flight. */
  readonly width: number
}

/** Runs the executions of one round and measures them. */
export function measureRound(system: System, { shape, ...plan }: RoundPlan): Promise<Figures> {
  return measureRuns(system, { ...plan, steps: stepsOf(shape), run: () => system.run(shape) })
}

export interface RunPlan extends Omit<RoundPlan, 'shape'> {
  /** How many steps an execution has. */
  readonly steps: number
  readonly run: () => Promise<void>
}

/** Measures executions of any kind. A latency is from the start to the end that the client knows. */
export async function measureRuns(
  system: Pick<System, 'usage'>,
  { steps, executions, width, run }: RunPlan,
): Promise<Figures> {
  const before = await system.usage()
  const latencies: number[] = []
  const startedAt = performance.now()
  await inFlight(executions, width, async () => {
    const from = performance.now()
    await run()
    latencies.push(performance.now() - from)
  })
  const ms = performance.now() - startedAt
  const after = await system.usage()
  return {
    stepsPerSecond: (executions * steps * 1_000) / ms,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    cpuMsPerExecution: (after.cpuMs - before.cpuMs) / executions,
    statementsPerExecution:
      after.statements === null || before.statements === null
        ? null
        : (after.statements - before.statements) / executions,
    rssMb: after.rssMb,
  }
}
