import pg from 'pg'
import { compare, type Row } from '../measure/compare.ts'
import { medians, type Figures } from '../measure/figures.ts'
import { measureRound } from '../measure/round.ts'
import { closeAll, warmUp } from '../systems/systems.ts'
import { CHAIN, CHAIN_EXECUTIONS, CHAIN_WIDTH } from './chain.ts'
import type { Workload } from './workload.ts'

export const snapshot: Workload = {
  title: 'snapshot: W1 beside a REPEATABLE READ transaction that is held open for five minutes',
  needsServer: true,
  async run({ systems: { startPair }, sizes }) {
    const { loop, lume } = await startPair()
    try {
      if (lume.database === null) throw new Error('snapshot needs a Postgres server')
      const plan = { shape: CHAIN, executions: sizes.scaled(CHAIN_EXECUTIONS), width: CHAIN_WIDTH }
      await warmUp([loop, lume], sizes.warmUp)
      const before = new Map(
        await compare([loop, lume], sizes.rounds, (system) => measureRound(system, plan)),
      )
      const release = await holdSnapshot(lume.database.url)
      const rounds: Figures[] = []
      const until = performance.now() + sizes.heldSeconds * 1_000
      while (performance.now() < until) rounds.push(await measureRound(lume, plan))
      const held = medians(rounds.slice(-sizes.rounds))
      const loopAfter = await measureRound(loop, plan)
      await release()
      const rows: Row[] = [
        ['loop', before.get('loop') ?? {}],
        ['loop at the end', loopAfter],
        ['lume', before.get('lume') ?? {}],
        ['lume at the end', held],
      ]
      const loss = 1 - (held.stepsPerSecond ?? NaN) / (before.get('lume')?.stepsPerSecond ?? NaN)
      return { rows, ratios: { heldSeconds: sizes.heldSeconds, lossShare: loss } }
    } finally {
      await closeAll([loop, lume])
    }
  },
}

/** Takes a snapshot of the database and holds it until the returned function is called. */
async function holdSnapshot(url: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
  await client.query('SELECT count(*) FROM pg_class')
  return () => client.end()
}
