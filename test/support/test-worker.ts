import { pino } from 'pino'
import { CORE_BLOCKS } from '../../src/blocks/index.ts'
import { createDefinitionStore } from '../../src/db/definition-store.ts'
import { createExecutionStore } from '../../src/db/execution-store.ts'
import { createJobStore, type JobStore } from '../../src/db/job-store.ts'
import { createJournalStore } from '../../src/db/journal-store.ts'
import { Journal } from '../../src/db/journal.ts'
import { createLocalWakeups } from '../../src/db/wakeups.ts'
import type { Block } from '../../src/engine/block.ts'
import { PlanCache } from '../../src/engine/plan-cache.ts'
import { BlockRegistry } from '../../src/engine/registry.ts'
import { Processor } from '../../src/jobs/processor.ts'
import { createStartExecution, type StartRequest } from '../../src/jobs/start-execution.ts'
import { systemClock, type Clock } from '../../src/lib/clock.ts'
import { newId, type JobId, type WorkerId } from '../../src/lib/ids.ts'
import type { TestDatabase } from './database.ts'
import { start } from './fleet.ts'

/**
 * A worker process without its motor: it claims, renews and obeys only when the test says so. One that the test does
 * nothing with any more is a process that has died: what it holds stays held until the lease runs out.
 */
export interface TestWorker {
  readonly processor: Processor
  readonly jobs: JobStore
  readonly journal: Journal
  readonly workerId: WorkerId
  /** What was logged as a fault. */
  readonly faults: readonly string[]
  /** Accepts a start, and runs it here when there is room. */
  start(definition: unknown, more?: Partial<StartRequest>): Promise<JobId>
}

export interface TestWorkerOptions {
  readonly blocks?: readonly Block[]
  readonly concurrency?: number
  readonly clock?: Clock
  readonly jobs?: (jobs: JobStore) => JobStore
}

export function createTestWorker({ pool }: TestDatabase, options: TestWorkerOptions = {}): TestWorker {
  const { blocks = [], concurrency = 10, clock = systemClock, jobs: wrap = (jobs) => jobs } = options
  const registry = new BlockRegistry()
  for (const block of [...CORE_BLOCKS, ...blocks]) registry.register(block)
  const plans = new PlanCache(registry)
  const jobs = wrap(createJobStore(pool))
  const faults: string[] = []
  const logger = pino(
    { level: 'error' },
    {
      write: (line) =>
        void faults.push((JSON.parse(line) as { err?: Error; msg: string }).err?.message ?? line),
    },
  )
  const journal = new Journal({
    store: createJournalStore(pool),
    clock,
    logger,
    listener: { onUnreadCommands: (id) => processor.noticeCommands(id) },
  })
  const lease = { workerId: newId<WorkerId>(), leaseMs: 60_000 }
  const processor = new Processor({
    jobs,
    executions: createExecutionStore(pool),
    journal,
    plans,
    clock,
    random: () => 0,
    logger,
    lease,
    concurrency,
  })
  const accept = createStartExecution({
    jobs,
    definitions: createDefinitionStore(pool),
    plans,
    wakeups: createLocalWakeups(),
    clock,
    processor,
  })
  return {
    processor,
    jobs,
    journal,
    workerId: lease.workerId,
    faults,
    start: (definition, more) => start({ services: { start: accept } }, definition, more),
  }
}
