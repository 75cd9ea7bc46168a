import { readCommand } from './command.ts'
import { printReport } from './report.ts'
import { readSizes } from './sizes.ts'
import { openBenchPostgres } from './systems/postgres.ts'
import { createSystems, PEERS } from './systems/systems.ts'
import { bytes } from './workloads/bytes.ts'
import { chain } from './workloads/chain.ts'
import { fan } from './workloads/fan.ts'
import { idleSubscribers } from './workloads/idle-subscribers.ts'
import { longChain } from './workloads/long-chain.ts'
import { loopItems } from './workloads/loop-items.ts'
import { memory } from './workloads/memory.ts'
import { million } from './workloads/million.ts'
import { oneStep } from './workloads/one-step.ts'
import { pureChain } from './workloads/pure-chain.ts'
import { snapshot } from './workloads/snapshot.ts'
import { subscribers } from './workloads/subscribers.ts'
import type { Workload } from './workloads/workload.ts'

// Measures Lume as a front end uses it: the built server in a process of its own, and this process as its client over one
// WebSocket. The hand-written loop and the peers are processes of their own, too, on the same Postgres.
//   npm run bench -- W1 W3 [--embedded] [--peers=all]
// BENCH_SCALE=0.05 BENCH_WARM_UP=50 BENCH_ROUNDS=1 makes a quick trial.

const WORKLOADS: Readonly<Record<string, Workload>> = {
  W1: chain,
  W2: fan,
  W3: oneStep,
  W4: longChain,
  W5: pureChain,
  W6: loopItems,
  W7: subscribers,
  'W7-idle': idleSubscribers,
  W8: million,
  snapshot,
  memory,
  bytes,
}

const { workloads, isEmbedded, peers } = readCommand(process.argv.slice(2), {
  workloads: Object.keys(WORKLOADS),
  peers: PEERS,
})
const sizes = readSizes(process.env)
const postgres = await openBenchPostgres()
try {
  const systems = createSystems({ postgres, isEmbedded, peers })
  for (const name of workloads) {
    const workload = WORKLOADS[name]
    if (!workload) continue
    if (isEmbedded && workload.needsServer) {
      console.log(`skipped ${name}: it reads the tables of Lume, which needs a Postgres server`)
      continue
    }
    printReport({
      workload: name,
      title: workload.title,
      database: isEmbedded ? 'embedded' : 'server',
      statementUnit: postgres.statementCount.unit,
      rounds: sizes.rounds,
      ...(await workload.run({ systems, sizes, postgres })),
    })
  }
} finally {
  await postgres.close()
}
