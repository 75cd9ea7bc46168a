import { pino } from 'pino'
import { CORE_BLOCKS } from '../../src/blocks/core/core-blocks.ts'
import { createCommandStore, type CommandStore } from '../../src/db/jobs/command-store.ts'
import { createDefinitionStore } from '../../src/db/stores/definition-store.ts'
import { createExecutionStore, type ExecutionStore } from '../../src/db/executions/execution-store.ts'
import { createJobStore, type JobStore } from '../../src/db/jobs/job-store.ts'
import { createJournalStore, type JournalStore } from '../../src/db/journal/journal-store.ts'
import { Journal } from '../../src/db/journal/journal.ts'
import { createLogStore } from '../../src/db/log/log-store.ts'
import { createOriginalStore } from '../../src/db/executions/original-store.ts'
import { TransientRetry } from '../../src/db/outage/transient-retry.ts'
import { createLocalWakeups } from '../../src/db/wakeups.ts'
import { createTreeCancelStore } from '../../src/db/executions/tree-cancel-store.ts'
import { createVersionStore } from '../../src/db/stores/version-store.ts'
import type { Block } from '../../src/engine/block/block.ts'
import { ProcessMemory } from '../../src/engine/memory/process-memory.ts'
import { PlanCache } from '../../src/engine/validate/plan-cache.ts'
import { BlockRegistry } from '../../src/engine/block/registry.ts'
import { createChildExecutions } from '../../src/jobs/start/child-executions.ts'
import { Processor } from '../../src/jobs/worker/processor.ts'
import { StoredPlans } from '../../src/jobs/worker/stored-plans.ts'
import { createTreeCancel } from '../../src/jobs/worker/tree-cancel.ts'
import { StoredLoads } from '../../src/jobs/start/stored-loads.ts'
import { PublishedVersions } from '../../src/jobs/start/published-versions.ts'
import { createStartExecution, type StartRequest } from '../../src/jobs/start/start-execution.ts'
import { systemClock, type Clock } from '../../src/lib/time/clock.ts'
import { newId, type JobId, type OwnerId, type WorkerId } from '../../src/lib/ids.ts'
import type { TestDatabase } from './database.ts'
import { start } from './fleet.ts'
import { ANY_DESCENDANTS, UNBOUNDED } from './quotas.ts'

/**
 * A worker process without its motor: it claims, renews and obeys only when the test says so. One that the test does
 * nothing with any more is a process that has died: what it holds stays held until the lease runs out.
 */
export interface TestWorker {
  readonly processor: Processor
  readonly jobs: JobStore
  readonly commands: CommandStore
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
  readonly ownerPlacesPercent?: number
  readonly weightOf?: (owner: OwnerId) => number
  readonly clock?: Clock
  /** The limit of the heap, of which the values of executions may take a part. */
  readonly heapBytes?: number
  readonly blockWaitMs?: number
  readonly jobs?: (jobs: JobStore) => JobStore
  /** Called where a process publishes what was committed. */
  readonly onCommitted?: () => void
  readonly commands?: (commands: CommandStore) => CommandStore
  readonly executions?: (executions: ExecutionStore) => ExecutionStore
  readonly records?: (records: JournalStore) => JournalStore
}

export function createTestWorker({ pool }: TestDatabase, options: TestWorkerOptions = {}): TestWorker {
  const {
    blocks = [],
    concurrency = 10,
    ownerPlacesPercent = 100,
    weightOf = () => 1,
    clock = systemClock,
    heapBytes = 1024 * 1024 * 1024,
    blockWaitMs = 600_000,
  } = options
  const registry = new BlockRegistry()
  for (const block of [...CORE_BLOCKS, ...blocks]) registry.register(block)
  const plans = new PlanCache(registry)
  const jobs = (options.jobs ?? ((same) => same))(createJobStore(pool))
  const commands = (options.commands ?? ((same) => same))(createCommandStore(pool))
  const executions = (options.executions ?? ((same) => same))(createExecutionStore(pool))
  const definitions = createDefinitionStore(pool)
  const faults: string[] = []
  const wakeups = createLocalWakeups()
  const versions = createVersionStore(pool)
  const cancelTree = createTreeCancel({ store: createTreeCancelStore(pool), wakeups })
  const logger = pino(
    { level: 'error' },
    {
      write: (line) =>
        void faults.push((JSON.parse(line) as { err?: Error; msg: string }).err?.message ?? line),
    },
  )
  const retry = new TransientRetry({ clock, random: Math.random })
  const journal = new Journal({
    store: (options.records ?? ((same) => same))(createJournalStore(pool)),
    pages: createLogStore(pool),
    clock,
    logger,
    retry,
    listener: {
      onCommitted: () => options.onCommitted?.(),
      onUnreadCommands: (id) => processor.runs.noticeCommands(id),
    },
  })
  const lease = { workerId: newId<WorkerId>(), leaseMs: 60_000 }
  const processor = new Processor({
    jobs,
    commands,
    executions,
    originals: createOriginalStore(pool),
    journal,
    plans,
    storedPlans: new StoredPlans({ definitions, plans }),
    clock,
    random: () => 0,
    blockTypes: () => registry.types,
    blockWaitMs,
    worldOf: (job) => ({
      secrets: { open: () => Promise.resolve(new Map()) },
      http: { send: () => Promise.reject(new Error('this test gives no network')) },
      children: createChildExecutions(
        {
          jobs,
          executions,
          versions,
          loads: new StoredLoads(32 * 1024 * 1024),
          published: new PublishedVersions(plans),
          start: accept,
          cancelTree,
          descendants: ANY_DESCENDANTS,
          readInbox: (id) => processor.obey(id),
          retry,
        },
        job,
      ),
      logLevel: 'info',
      standIn: null,
    }),
    logger,
    lease,
    concurrency,
    ownerPlacesPercent,
    weightOf,
    memory: new ProcessMemory(heapBytes),
  })
  const accept = createStartExecution({
    jobs,
    definitions,
    plans,
    reader: () => async (document) => plans.read(document),
    wakeups,
    clock,
    quotas: UNBOUNDED,
    processor,
  })
  return {
    processor,
    jobs,
    commands,
    journal,
    workerId: lease.workerId,
    faults,
    start: (definition, more) => start({ services: { start: accept } }, definition, more),
  }
}
