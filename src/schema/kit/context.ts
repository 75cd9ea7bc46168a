import type { SecretVault } from '../../access/secrets.ts'
import type { ApiKeys, Viewer } from '../../access/index.ts'
import type { ContactStore } from '../../db/stores/contact-store.ts'
import type { DraftHashStore } from '../../db/stores/draft-hash-store.ts'
import type { EventStore } from '../../db/stores/event-store.ts'
import type { JobCountStore } from '../../db/jobs/job-count-store.ts'
import type { JobStore } from '../../db/jobs/job-store.ts'
import type { OpenWaitStore } from '../../db/stores/open-wait-store.ts'
import type { PrismaClient } from '../../db/prisma.ts'
import type { RunList } from '../../db/lists/run-list.ts'
import type { ScheduleList } from '../../db/lists/schedule-list.ts'
import type { UsageStore } from '../../db/stores/usage-store.ts'
import type { ValueStore } from '../../db/stores/value-store.ts'
import type { StepList } from '../../db/lists/step-list.ts'
import type { VersionStore } from '../../db/stores/version-store.ts'
import type { Wakeups } from '../../db/wakeups.ts'
import type { WorkflowList } from '../../db/lists/workflow-list.ts'
import type { WorkflowStore } from '../../db/stores/workflow-store.ts'
import type { DefinitionReader, PlanCache } from '../../engine/validate/plan-cache.ts'
import type { BlockRegistry } from '../../engine/block/registry.ts'
import type { TestBlock } from '../../jobs/block-tests.ts'
import type { Commands } from '../../jobs/commands.ts'
import type { Quotas } from '../../jobs/start/quotas.ts'
import type { RetryExecution } from '../../jobs/start/retry-execution.ts'
import type { Simulations } from '../../jobs/simulations.ts'
import type { Schedules } from '../../jobs/schedules/schedule-service.ts'
import type { StartExecution } from '../../jobs/start/start-execution.ts'
import type { Clock } from '../../lib/time/clock.ts'
import type { OwnerId } from '../../lib/ids.ts'
import type { Logger } from '../../lib/log/logger.ts'
import type { OwnerTurns } from '../../lib/async/owner-turns.ts'
import type { SharedReads } from '../../lib/async/shared-reads.ts'
import type { FollowJobs } from '../../live/follow-jobs.ts'
import type { FollowTimeline } from '../../live/follow-timeline.ts'
import type { Drafts } from '../../workflows/drafts.ts'
import type { Publishing } from '../../workflows/publishing.ts'
import type { Templates } from '../../workflows/template-files.ts'
import { AnswerBudget, type AnswerPlaces } from '../answers/answer-budget.ts'
import { createBatch, type Batch } from './batch.ts'
import { createValueReads, type ValueReads } from '../answers/value-reads.ts'

/** A row of a job, with whatever columns and relations its readers have selected. */
type ChangedRow = Awaited<ReturnType<PrismaClient['job']['findMany']>>[number]

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
  readonly draftHashes: Pick<DraftHashStore, 'store'>
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
  readonly storedValues: ValueStore
  readonly answerPlaces: AnswerPlaces
  /** The order in which diffs of definitions are made. */
  readonly diffTurns: OwnerTurns
  readonly commands: Commands
  readonly events: EventStore
  readonly start: StartExecution
  readonly retry: RetryExecution
  readonly simulations: Simulations
  readonly testBlock: TestBlock
  readonly follow: FollowTimeline
  readonly followJobs: FollowJobs
  /** Rows of jobs that several subscriptions of one owner answer at the same time. */
  readonly changedJobs: SharedReads<ChangedRow>
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
  /** What the operation may read and answer. */
  readonly answer: AnswerBudget
}

/** What gathers reads, and remembers what it has read. */
export interface Loaders {
  /** Reads a document for the viewer, and tells all that is wrong with it. */
  readonly readDefinition: ReturnType<DefinitionReader>
  /** Gathers what rows ask for one by one, within the operation. */
  readonly batch: Batch
  /** Reads stored values that may be large, within the operation and its budget. */
  readonly values: ValueReads
}

export function createContext(services: Services, viewer: Viewer): Context {
  const { ownerId } = viewer
  const answer = new AnswerBudget(ownerId, services.answerPlaces)
  return { ...services, viewer, ownerId, answer, ...createLoaders({ ...services, ownerId, answer }) }
}

/** For the next mutation of an operation: what was read for the one before may have changed since. */
export function readAnew(context: Context): void {
  Object.assign(context, createLoaders(context))
}

/** For the next result of a subscription, which has a budget of its own. */
export function readNextResult(context: Context): void {
  const answer = new AnswerBudget(context.ownerId, context.answerPlaces)
  Object.assign(context, { answer, ...createLoaders({ ...context, answer }) })
}

function createLoaders({
  reader,
  storedValues: store,
  ownerId,
  answer: budget,
}: Pick<Context, 'reader' | 'storedValues' | 'ownerId' | 'answer'>): Loaders {
  return {
    readDefinition: reader(ownerId),
    batch: createBatch(),
    values: createValueReads({ store, ownerId, budget }),
  }
}
