import DataLoader from 'dataloader'
import type { SecretVault } from '../access/secrets.ts'
import type { ApiKeys, Viewer } from '../access/index.ts'
import type { ContactStore } from '../db/contact-store.ts'
import type { EventStore } from '../db/event-store.ts'
import type { JobCountStore } from '../db/job-count-store.ts'
import type { JobStore } from '../db/job-store.ts'
import type { OpenWaitStore } from '../db/open-wait-store.ts'
import type { PrismaClient } from '../db/prisma.ts'
import type { RunList } from '../db/run-list.ts'
import type { ScheduleList } from '../db/schedule-list.ts'
import type { UsageStore } from '../db/usage-store.ts'
import type { StepList } from '../db/step-list.ts'
import type { VersionStore } from '../db/version-store.ts'
import type { Wakeups } from '../db/wakeups.ts'
import type { WorkflowList } from '../db/workflow-list.ts'
import type { WorkflowStore } from '../db/workflow-store.ts'
import type { DefinitionReader, PlanCache } from '../engine/plan-cache.ts'
import type { BlockRegistry } from '../engine/registry.ts'
import type { TestBlock } from '../jobs/block-tests.ts'
import type { Commands } from '../jobs/commands.ts'
import type { Quotas } from '../jobs/quotas.ts'
import type { RetryExecution } from '../jobs/retry-execution.ts'
import type { Simulations } from '../jobs/simulations.ts'
import type { Schedules } from '../jobs/schedules/schedule-service.ts'
import type { StartExecution } from '../jobs/start-execution.ts'
import type { Clock } from '../lib/clock.ts'
import type { OwnerId } from '../lib/ids.ts'
import type { Json } from '../lib/json.ts'
import type { Logger } from '../lib/logger.ts'
import type { FollowJobs } from '../live/follow-jobs.ts'
import type { FollowTimeline } from '../live/follow-timeline.ts'
import type { Drafts } from '../workflows/drafts.ts'
import type { Publishing } from '../workflows/publishing.ts'
import type { Templates } from '../workflows/template-files.ts'
import { createBatch, type Batch } from './batch.ts'

/** What resolvers call. */
export interface Services {
  readonly prisma: PrismaClient
  readonly registry: BlockRegistry
  readonly plans: PlanCache
  readonly reader: DefinitionReader
  readonly drafts: Drafts
  readonly publishing: Publishing
  readonly templates: Templates
  readonly workflows: WorkflowStore
  readonly versions: VersionStore
  readonly workflowList: WorkflowList
  readonly runList: RunList
  readonly schedules: Schedules
  readonly scheduleList: ScheduleList
  readonly counts: Pick<JobCountStore, 'counts'>
  readonly jobs: JobStore
  readonly openWaits: OpenWaitStore
  readonly usages: UsageStore
  readonly stepList: StepList
  readonly contacts: ContactStore
  readonly commands: Commands
  readonly events: EventStore
  readonly start: StartExecution
  readonly retry: RetryExecution
  readonly simulations: Simulations
  readonly testBlock: TestBlock
  readonly follow: FollowTimeline
  readonly followJobs: FollowJobs
  readonly wakeups: Wakeups
  readonly quotas: Pick<Quotas, 'list'>
  readonly vault: SecretVault
  readonly apiKeys: ApiKeys
  readonly clock: Clock
  readonly logger: Logger
}

/** What every resolver of one operation gets. */
export interface Context extends Services, Loaders {
  /** Who asks. */
  readonly viewer: Viewer
  /** Whose rows the operation sees: the viewer’s. */
  readonly ownerId: OwnerId
}

/** What gathers reads, and remembers what it has read. */
export interface Loaders {
  /** Reads a document for the viewer, and tells all that is wrong with it. */
  readonly readDefinition: ReturnType<DefinitionReader>
  /** Gathers what rows ask for one by one, within the operation. */
  readonly batch: Batch
  /** Outputs of steps by execution and path, gathered within the operation. */
  readonly stepOutputs: DataLoader<StepKey, Json, string>
  /** Inputs by execution, gathered within the operation. */
  readonly inputs: DataLoader<string, Json>
  /** Definitions by the execution that runs them, gathered within the operation. */
  readonly definitions: DataLoader<string, Json>
}

export interface StepKey {
  readonly executionId: string
  readonly path: string
}

export function createContext(services: Services, viewer: Viewer): Context {
  const { ownerId } = viewer
  return { ...services, viewer, ownerId, ...createLoaders(services, ownerId) }
}

/** For the next result of a subscription: what was read for the one before may have changed since. */
export function readAnew(context: Context): void {
  Object.assign(context, createLoaders(context, context.ownerId))
}

function createLoaders({ prisma, reader }: Pick<Services, 'prisma' | 'reader'>, ownerId: OwnerId): Loaders {
  return {
    readDefinition: reader(ownerId),
    batch: createBatch(),
    stepOutputs: new DataLoader<StepKey, Json, string>((keys) => loadOutputs(prisma, ownerId, keys), {
      cacheKeyFn: keyOf,
    }),
    inputs: new DataLoader<string, Json>((ids) => loadInputs(prisma, ownerId, ids)),
    definitions: new DataLoader<string, Json>((ids) => loadDefinitions(prisma, ownerId, ids)),
  }
}

/** An output that was reused is read where it is. */
async function loadOutputs(
  prisma: PrismaClient,
  ownerId: OwnerId,
  keys: readonly StepKey[],
): Promise<Json[]> {
  const reused = await prisma.step.findMany({
    where: {
      ownerId,
      reusedFrom: { not: null },
      OR: keys.map(({ executionId, path }) => ({ executionId, path })),
    },
    select: { executionId: true, path: true, reusedFrom: true },
  })
  const holders = new Map(reused.map((step) => [keyOf(step), step.reusedFrom]))
  const held = keys.map(({ executionId, path }) => {
    return { executionId: holders.get(keyOf({ executionId, path })) ?? executionId, path }
  })
  const rows = await prisma.stepValues.findMany({
    where: { ownerId, OR: held },
    select: { executionId: true, path: true, output: true },
  })
  const outputs = new Map(rows.map((row) => [keyOf(row), row.output as Json]))
  return held.map((key) => outputs.get(keyOf(key)) ?? null)
}

async function loadInputs(prisma: PrismaClient, ownerId: OwnerId, ids: readonly string[]): Promise<Json[]> {
  const rows = await prisma.executionValues.findMany({
    where: { ownerId, executionId: { in: [...ids] } },
    select: { executionId: true, input: true },
  })
  const inputs = new Map(rows.map(({ executionId, input }) => [executionId, input as Json]))
  return ids.map((id) => inputs.get(id) ?? null)
}

async function loadDefinitions(
  prisma: PrismaClient,
  ownerId: OwnerId,
  ids: readonly string[],
): Promise<Json[]> {
  const rows = await prisma.execution.findMany({
    where: { ownerId, id: { in: [...ids] } },
    select: { id: true, definition: { select: { body: true } } },
  })
  const bodies = new Map(rows.map(({ id, definition }) => [id, definition.body as Json]))
  return ids.map((id) => bodies.get(id) ?? null)
}

function keyOf({ executionId, path }: StepKey): string {
  return `${executionId} ${path}`
}
