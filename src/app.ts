import { getHeapStatistics } from 'node:v8'
import {
  createApiKeys,
  createDefinitionReader,
  createSecretVault,
  openSecretCipher,
  type SecretVault,
} from './access/index.ts'
import { createApiReads } from './api-reads.ts'
import { loadBlockModules, registerModule } from './block-modules.ts'
import { CORE_BLOCKS } from './blocks/core/index.ts'
import { pendingBlocks, toBlock, type RegisterBlock } from './blocks/custom/index.ts'
import { createBlockHttp, httpBlock } from './blocks/http/index.ts'
import { providerBlocks } from './blocks/index.ts'
import { providerOrigins } from './blocks/providers/shared/index.ts'
import { lumeConfigSchema, type LumeConfig, type LumeOptions } from './config.ts'
import { createExecutionStore, createOriginalStore, createTreeCancelStore } from './db/executions/index.ts'
import {
  createLocalWakeups,
  createPostgresWakeups,
  openDatabase,
  openDatabaseClock,
  prepareQueries,
  SILENCE_MAX_MS,
  upgrade,
  type Database,
  type Wakeups,
} from './db/index.ts'
import {
  countHeldJobs,
  createCommandStore,
  createJobCountStore,
  createJobStore,
  storedJob,
} from './db/jobs/index.ts'
import { createJournalStore, createUnheldEnds, Journal, numbered } from './db/journal/index.ts'
import { createLogStore } from './db/log/index.ts'
import { Outage, TransientRetry } from './db/outage/index.ts'
import { createProcessStore, Registration } from './db/processes/index.ts'
import {
  createApiKeyStore,
  createDefinitionStore,
  createQuotaStore,
  createScheduleStore,
  createSecretStore,
  createSourceSizeStore,
  createVersionStore,
} from './db/stores/index.ts'
import { BlockRegistry, type Block } from './engine/block/index.ts'
import { ProcessMemory } from './engine/memory/index.ts'
import { maskedSecrets, standInOf } from './engine/mocks/index.ts'
import type { SecretSource } from './engine/run/index.ts'
import { PlanCache } from './engine/validate/index.ts'
import type { Load, ReadinessProblem } from './http/index.ts'
import {
  createCommands,
  createJobResults,
  createSimulations,
  createTestBlock,
  HeavySimulations,
  JobCounting,
  UnhandledErrors,
} from './jobs/index.ts'
import {
  createExecutionService,
  createJobService,
  type ExecutionService,
  type JobService,
} from './jobs/library/index.ts'
import { createSchedules, Scheduler } from './jobs/schedules/index.ts'
import { SchemaChecks } from './jobs/schema-checks/index.ts'
import {
  ApproximateCounts,
  createChildExecutions,
  createQuotas,
  createRetryExecution,
  createStartExecution,
  DESCENDANTS_AGE_MS,
  PublishedVersions,
  StoredLoads,
  quotaMessage,
  type QuotaLimits,
} from './jobs/start/index.ts'
import {
  createEndCanceled,
  createTreeCancel,
  Processor,
  StoredPlans,
  Worker,
  type RunningJob,
} from './jobs/worker/index.ts'
import { Closers, SharedReads } from './lib/async/index.ts'
import { OwnerTurns } from './lib/turns/index.ts'
import { LumeError, newId, parseId, type JobId, type WorkerId } from './lib/index.ts'
import { createLogger, type Logger } from './lib/log/index.ts'
import { systemClock, type Clock } from './lib/time/index.ts'
import { createFollowJobs, Timelines } from './live/index.ts'
import { createHttpClient } from './net/index.ts'
import { watchProcessErrors } from './process-errors.ts'
import { createReadinessProblems } from './readiness.ts'
import { LargeAnswers, type Services } from './schema/index.ts'
import { blockingNotePath, takeBlockingNote, Watchdog } from './watchdog/index.ts'
import {
  createDrafts,
  createPublishing,
  createTemplates,
  DraftTurns,
  storeDraftHashes,
} from './workflows/index.ts'

/** What tests and embedders may put in place of the real thing. */
export interface LumeOverrides {
  /** Decides every instant in place of the database's clock, which is then not read. */
  readonly clock?: Clock
  /** The clock of this machine, which the time of the process does not depend on. Default: the system's. */
  readonly machineClock?: Clock
  /** In [0, 1); spreads retries. */
  readonly random?: () => number
  readonly logger?: Logger
  /** Beside the built-in ones. */
  readonly blocks?: readonly Block[]
  /**
   * True where the process serves this Lume alone. Then an error that belongs to no block is logged and counted instead of
   * ending the process, and blocks may not call `process.exit`. Default false: such errors are left to the program that
   * Lume is a part of.
   */
  readonly ownsProcess?: boolean
}

/** A workflow engine in this process. */
export interface Lume {
  readonly jobs: JobService
  readonly executions: ExecutionService
  /** Adds a block; definitions that named it in vain are sound from then on. */
  readonly registerBlock: RegisterBlock
  /** What the GraphQL layer is built on. */
  readonly services: Services
  /** Loads what the first requests of a server would wait for. */
  prepare(): Promise<void>
  /**
   * Returns why this process cannot do its work now, within 2 seconds; empty: it can. The codes are `DATABASE_UNREACHABLE` and
   * `LEASES_NOT_RENEWED`.
   */
  readiness(): Promise<readonly ReadinessProblem[]>
  load(): Promise<Load>
  /** Lets `api.http` reach one exact origin although it is not public. */
  allowOrigin(origin: string): void
  /**
   * Takes no more jobs, and lets the attempts in flight finish within the grace period; each job is given back as soon as none of its
   * attempts is in flight, and the rest is aborted and given back at its end. Everything else continues until `close`. Another call may
   * shorten the grace period.
   */
  drain(options?: StopOptions): Promise<void>
  /** Stops in good order, after `drain`: what was given back continues wherever the same database is open or opened next. */
  close(options?: StopOptions): Promise<void>
}

export interface StopOptions {
  /** How long attempts in flight may take to finish, in milliseconds. Default: the setting `shutdownGraceMs`. */
  readonly graceMs?: number
}

/**
 * Puts a Lume together: opens the database, brings its tables up to date, and starts a worker unless the role is `api`.
 * Rejects with a `LumeError` that says what to mend: `CONFIG_INVALID`, `DATABASE_…`, `DATA_DIR_IN_USE`, `MIGRATION_…`,
 * `BLOCK_MODULE_FAILED`.
 */
export async function createLume(config: LumeOptions = {}, overrides: LumeOverrides = {}): Promise<Lume> {
  const settings = readConfig(config)
  const closers = new Closers()
  try {
    return await assemble(settings, overrides, closers)
  } catch (fault) {
    await closers.close()
    throw fault
  }
}

function readConfig(config: LumeOptions): LumeConfig {
  const parsed = lumeConfigSchema.safeParse(config)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`)
  throw new LumeError('CONFIG_INVALID', `This configuration cannot be used:\n${issues.join('\n')}`)
}

async function assemble(settings: LumeConfig, overrides: LumeOverrides, closers: Closers): Promise<Lume> {
  const {
    machineClock = systemClock,
    random = Math.random,
    logger = createLogger(settings.logLevel),
  } = overrides
  // What has to work before the database's time is known measures durations only.
  const ownClock = overrides.clock ?? machineClock
  const outage = new Outage({ clock: ownClock, logger })
  closers.add(() => outage.close())
  const retry = new TransientRetry({ clock: ownClock, random, outage })
  // Of what works on the database alone: its errors are those of the database.
  const databaseLogger = outage.quieted(logger)
  const unhandledErrors = new UnhandledErrors({ clock: ownClock, logger })
  const onUnhandledError = unhandledErrors.take
  const { ownsProcess = false } = overrides
  closers.add(watchProcessErrors({ onUnattributed: ownsProcess ? unhandledErrors.takeUnattributed : null }))
  // First: what cannot start says so before anything is opened.
  const blockModules = await loadBlockModules(settings.blockModules, onUnhandledError)
  const database = await openDatabase({
    ...settings,
    maxConnections: 10,
    silenceMs: Math.min(SILENCE_MAX_MS, settings.leaseMs / 3),
    logger: databaseLogger,
  })
  closers.add(() => database.close())
  await upgrade(database, logger)

  const { pool } = database
  outage.endsWith(() => pool.query('SELECT 1'))
  const time = overrides.clock ? null : await openDatabaseClock({ pool, machine: machineClock, logger })
  closers.add(() => time?.close())
  const clock = time?.clock ?? ownClock
  const reads = createApiReads(database)
  closers.add(() => reads.prisma.$disconnect())
  const quotaStore = createQuotaStore(pool)
  const quotas = createQuotas({ store: quotaStore, limits: quotaLimits(settings), clock })
  const vault = createSecretVault({
    store: createSecretStore(pool),
    cipher: await openSecretCipher({
      listed: settings.secretKeys,
      folder: database.kind === 'embedded' ? settings.dataDir : null,
    }),
    environment: { values: settings.secrets, owners: settings.secretOwners },
    clock,
    quotas,
  })
  const renewal = renewSecretKeys(vault, databaseLogger)
  closers.add(() => renewal)
  const workerId = newId<WorkerId>()
  const wakeups = await openWakeups(database, { workerId, clock, logger: databaseLogger })
  closers.add(() => wakeups.close())

  const allowedOrigins: string[] = []
  const policy = () => ({ allowedHosts: settings.allowPrivateHosts, allowedOrigins })
  const http = createHttpClient({ policy })
  closers.add(() => http.close())
  const blockHttp = createBlockHttp(http)
  const providerHttp = createHttpClient({
    policy: () => ({ ...policy(), allowedOrigins: providerOrigins(settings.providers) }),
  })
  closers.add(() => providerHttp.close())
  const jobs = { ...createJobStore(pool), renew: createJobStore(database.leasePool).renew }
  const timelines = new Timelines({
    events: reads.events,
    jobs: { find: reads.jobs.find, positions: jobs.positions },
    wakeups,
    clock,
  })
  closers.add(() => timelines.close())
  const executions = createExecutionStore(pool)
  const results = createJobResults({ jobs, executions, retry })
  const registry = new BlockRegistry()
  const checks = new SchemaChecks()
  closers.add(() => checks.close())
  const schemas = checks.for
  const plans = new PlanCache(registry, { maxNodes: settings.maxDefinitionNodes, schemas })
  for (const block of [
    ...CORE_BLOCKS,
    httpBlock({ client: http }),
    ...providerBlocks({ client: providerHttp, providers: settings.providers, clock, results }),
    ...(overrides.blocks ?? []),
    ...pendingBlocks.drain(),
  ]) {
    registry.register(block)
  }
  for (const module of blockModules) registerModule(registry, module)

  const reader = createDefinitionReader({ plans, vault })
  const originals = createOriginalStore(pool)
  const inboxes = createCommandStore(pool)
  const trees = createTreeCancelStore(pool)
  const cancelTree = createTreeCancel({ store: trees, wakeups })
  const versions = createVersionStore(pool)
  const published = new PublishedVersions(plans)
  const definitions = createDefinitionStore(pool)
  const storedPlans = new StoredPlans({ definitions, plans })
  const counts = createJobCountStore(pool)
  const schedules = createScheduleStore(pool)
  const apiKeys = createApiKeys({ store: createApiKeyStore(pool), clock, logger: databaseLogger, quotas })
  closers.add(() => apiKeys.close())
  const memory = new ProcessMemory(getHeapStatistics().heap_size_limit)
  const loads = new StoredLoads(memory.loadingBytes)
  const worker = settings.role === 'api' ? null : createWorker()
  const start = createStartExecution({
    jobs,
    definitions,
    plans,
    reader,
    secretNames: async (ownerId) => new Set(await vault.names(ownerId)),
    schemas,
    wakeups,
    onStored: (job, events) =>
      timelines.inserted(
        storedJob(job, events.length),
        events.map((draft, index) => numbered(draft, index + 1, 0)),
      ),
    clock,
    retry,
    quotas,
    processor: worker?.processor ?? null,
  })
  const retryExecution = createRetryExecution({
    jobs,
    executions,
    originals,
    plans,
    reader,
    versions,
    sourceSizes: createSourceSizeStore(pool),
    loads,
    start,
  })
  const heavySimulations = new HeavySimulations()
  const simulations = createSimulations({
    schemas,
    history: reads.stepHistory,
    clock,
    onUnhandledError,
    heavy: heavySimulations,
  })
  const testBlock = createTestBlock({
    plans,
    worldOf: (owner) => ({
      secrets: vault.sourceFor(owner),
      http: blockHttp,
      random,
      schemas: schemas({ ownerId: owner, isRefusable: false }),
      onUnhandledError,
    }),
    clock,
    memory,
    heavy: heavySimulations,
  })
  const commands = createCommands({ store: inboxes, executions, wakeups, cancelTree, schemas })
  const draftTurns = new DraftTurns()
  const closed = new AbortController()
  const graceOver = new AbortController()
  const hashing = storeDraftHashes(reads.draftHashes, { signal: closed.signal, logger: databaseLogger })
  closers.add(() => hashing)
  closers.add(() => closed.abort(new Error('Lume was closed')))
  const library = createJobService({
    jobs,
    executions,
    commands,
    versions,
    storedPlans,
    start,
    timelines,
    retry,
    processor: worker?.processor ?? null,
    wakeups,
    clock,
    logger,
    closed: closed.signal,
    onUnhandledError,
  })
  // Where time is the test's own no thread writes a heartbeat, and a process without a heartbeat must not look dead.
  if (!overrides.clock) {
    const registration = new Registration({
      store: createProcessStore(pool),
      id: workerId,
      role: settings.role,
      beats: worker === null || database.kind === 'embedded',
      logger: databaseLogger,
    })
    await registration.open()
    closers.add(() => registration.close())
  }
  if (worker) {
    const { watchdog } = worker
    watchdog?.start()
    closers.add(() => watchdog?.close())
    await worker.motor.start()
    closers.add(() => drain())
    const counting = new JobCounting({ counts, clock, logger: databaseLogger })
    counting.start()
    closers.add(() => counting.stop())
    const scheduler = new Scheduler({
      schedules,
      versions,
      loads,
      commands,
      start,
      clock,
      logger: databaseLogger,
    })
    scheduler.start()
    closers.add(() => scheduler.stop())
  }
  return {
    jobs: library,
    executions: createExecutionService({
      jobs: library,
      versions,
      reader,
      schemas,
      start,
      retry: retryExecution,
      simulations,
      testBlock,
    }),
    registerBlock(...definition) {
      registry.register(toBlock(...definition))
      plans.clear()
    },
    services: {
      ...reads,
      registry,
      plans,
      reader,
      drafts: createDrafts({ ...reads, reader, clock, quotas, turns: draftTurns }),
      publishing: createPublishing({ ...reads, definitions, reader, clock, quotas, turns: draftTurns }),
      templates: createTemplates(),
      schedules: createSchedules({ schedules, versions, loads, reader, schemas, clock, quotas }),
      answerPlaces: new LargeAnswers(clock),
      // Bounded by the operations in progress: each waits for its own diffs.
      diffTurns: new OwnerTurns({ what: 'diffs', maxWaiting: Number.POSITIVE_INFINITY, allowance: null }),
      changedJobs: new SharedReads(),
      commands,
      start,
      published,
      loads,
      retry: retryExecution,
      simulations,
      testBlock,
      timelines,
      followJobs: createFollowJobs({ changes: reads.changes, wakeups, clock }),
      wakeups,
      quotas,
      vault,
      apiKeys,
      clock,
      logger,
      outage,
    },
    prepare: () => prepareQueries(reads.prisma),
    readiness: createReadinessProblems({
      probe: () => database.probePool.query('SELECT 1'),
      isRenewalLate: () => worker?.motor.isRenewalLate ?? false,
      clock: machineClock,
    }),
    load: async () => ({
      heldByStatus: worker ? await countHeldJobs(pool, workerId).catch(noneInOutage) : {},
      hasOutage: outage.isOn,
      freePlaces: worker?.processor.freePlaces ?? 0,
      unhandledErrors: unhandledErrors.counts,
      blockedLoops: worker?.watchdog?.blocked ?? new Map(),
      clockOffsetMs: time?.offsetMs() ?? 0,
    }),
    allowOrigin: (origin) => void allowedOrigins.push(origin),
    drain,
    close: async (options) => {
      // Its failure is that of the closer.
      void drain(options).catch(() => {})
      await closers.close()
    },
  }

  async function drain({ graceMs = settings.shutdownGraceMs }: StopOptions = {}): Promise<void> {
    const end = () => graceOver.abort(new Error('the grace period is over'))
    if (graceMs === 0) end()
    const callOff = ownClock.after(graceMs, end)
    try {
      await worker?.motor.stop(graceOver.signal)
    } finally {
      callOff()
    }
  }

  /** Metrics are read above all in an outage: what only the database knows is left out then. */
  function noneInOutage(fault: unknown): Readonly<Record<string, number>> {
    if (outage.takes(fault)) return {}
    throw fault
  }

  function createWorker(): { processor: Processor; motor: Worker; watchdog: Watchdog | null } {
    const journal = new Journal({
      store: createJournalStore(database.journalPool),
      pages: createLogStore(pool),
      clock,
      logger: databaseLogger,
      retry,
      listener: {
        onCommitted: (writes) => {
          timelines.committed(writes)
          wakeups.committed(writes.map(({ jobId }) => jobId))
        },
        onUnreadCommands: (id) => processor.runs.noticeCommands(id),
      },
    })
    const lease = { workerId, leaseMs: settings.leaseMs }
    const limit = settings.maxDescendants
    const descendants = new ApproximateCounts<JobId>({
      read: (rootIds) => quotaStore.descendants(rootIds, limit),
      limit,
      maxAgeMs: DESCENDANTS_AGE_MS,
      clock,
    })
    const weights = new Map(Object.entries(settings.ownerWeights))
    const processor = new Processor({
      jobs,
      commands: inboxes,
      executions,
      originals,
      journal,
      plans,
      storedPlans,
      worldOf: (job) => ({
        secrets:
          job.mode === 'production'
            ? patientSecrets(vault.sourceFor(job.ownerId), retry, job)
            : maskedSecrets,
        http: blockHttp,
        schemas: schemas({ ownerId: job.ownerId, isRefusable: false }),
        children: createChildExecutions(
          {
            jobs,
            executions,
            versions,
            loads,
            published,
            start,
            cancelTree,
            descendants,
            readInbox: (id) => processor.obey(id),
            retry,
          },
          job,
        ),
        logLevel: settings.stepLogLevel,
        standIn: standInOf(job),
        onUnhandledError,
      }),
      clock,
      random,
      blockTypes: () => registry.types,
      blockWaitMs: settings.blockWaitMs,
      logger: databaseLogger,
      lease,
      concurrency: settings.concurrency,
      ownerPlacesPercent: settings.ownerPlacesPercent,
      weightOf: (owner) => weights.get(owner) ?? 1,
      memory,
      onStored: async (owner, bytes) => {
        const refusal = await retry.run(() => quotas.refusalOfRun(owner, bytes))
        return refusal && { code: 'QUOTA_EXCEEDED', message: quotaMessage(refusal) }
      },
      onFree: () => motor.placeIsFree(),
      onParentProgress: (parentId) => wakeups.news([parentId]),
      onChildEnded: () => motor.childEnded(),
    })
    const isAlone = database.kind === 'embedded'
    const notePath = isAlone ? blockingNotePath(settings.dataDir) : null
    const motor = new Worker({
      processor,
      jobs,
      commands: inboxes,
      endCanceled: createEndCanceled({
        store: trees,
        ends: createUnheldEnds(pool),
        journal,
        plans: storedPlans,
        wakeups,
        clock,
        random,
        logger: databaseLogger,
        lease,
        claims: processor.claims,
      }),
      wakeups,
      clock,
      logger: databaseLogger,
      leaseMs: settings.leaseMs,
      isAlone,
      blockedBy: async () => (notePath === null ? null : takeBlockingNote(notePath)),
    })
    const watchdog = new Watchdog({
      onBlocked: (executionId) => {
        const jobId = parseId<JobId>(executionId)
        if (jobId) processor.runs.noticeBlocking(jobId)
      },
      lease,
      databaseUrl: settings.databaseUrl ?? null,
      maxBlockedMs: settings.maxBlockedMs,
      endsProcess: ownsProcess,
      notePath,
      logger,
      logsToStdout: ownsProcess || overrides.logger === undefined,
    })
    // Where time is the test's own, the main thread is late by it.
    return { processor, motor, watchdog: overrides.clock ? null : watchdog }
  }
}

function quotaLimits(settings: LumeConfig): QuotaLimits {
  return {
    OPEN_EXECUTIONS: settings.maxOpenExecutions,
    STORED_BYTES: settings.maxStoredBytes,
    WORKFLOWS: settings.maxWorkflows,
    SCHEDULES: settings.maxSchedules,
    SECRETS: settings.maxSecrets,
    API_KEYS: settings.maxApiKeys,
  }
}

/** The secrets of a run, which an outage of the database delays. */
function patientSecrets(
  { open }: SecretSource,
  retry: TransientRetry,
  { yielded }: Pick<RunningJob, 'yielded'>,
): SecretSource {
  return { open: (names) => retry.run(() => open(names), { signal: yielded }) }
}

/** In the background: nothing waits for it, and what was stored under an older key can be read meanwhile. */
async function renewSecretKeys(vault: SecretVault, logger: Logger): Promise<void> {
  try {
    const { renewed, unreadable } = await vault.renewKeys()
    if (renewed > 0) logger.info({ renewed }, 'stored secrets were encrypted anew, under the newest key')
    if (unreadable > 0) logger.warn({ unreadable }, 'stored secrets cannot be read: their key is not listed')
  } catch (fault) {
    logger.warn({ err: fault }, 'stored secrets could not be encrypted anew; the next start tries again')
  }
}

function openWakeups(
  database: Database,
  options: { workerId: WorkerId; clock: Clock; logger: Logger },
): Promise<Wakeups> | Wakeups {
  const { createListener, pool } = database
  if (!createListener) return createLocalWakeups()
  const { workerId, ...rest } = options
  return createPostgresWakeups({
    pool,
    connect: createListener,
    processId: workerId,
    ...rest,
  })
}
