import type { ApiKeys, SecretVault, Viewer } from '../../access/index.ts'
import type { PrismaClient, Wakeups } from '../../db/index.ts'
import type { JobCountStore, JobStore } from '../../db/jobs/index.ts'
import type { Outage } from '../../db/outage/index.ts'
import type { RunList, ScheduleList, StepList, WorkflowList } from '../../db/lists/index.ts'
import type {
  ContactStore,
  DraftHashStore,
  EventStore,
  OpenWaitStore,
  UsageStore,
  ValueStore,
  VersionStore,
} from '../../db/stores/index.ts'
import type { BlockRegistry } from '../../engine/block/index.ts'
import type { DefinitionReader, PlanCache } from '../../engine/validate/index.ts'
import type { Commands, Simulations, TestBlock } from '../../jobs/index.ts'
import type { Schedules } from '../../jobs/schedules/index.ts'
import type {
  PublishedVersions,
  Quotas,
  RetryExecution,
  StartExecution,
  StoredLoads,
} from '../../jobs/start/index.ts'
import type { OwnerTurns } from '../../lib/turns/index.ts'
import type { SharedReads } from '../../lib/async/index.ts'
import type { OwnerId } from '../../lib/index.ts'
import type { Logger } from '../../lib/log/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import type { FollowJobs, Timelines } from '../../live/index.ts'
import type { Drafts, Publishing, Templates } from '../../workflows/index.ts'
import {
  AnswerBudget,
  createValueReads,
  FieldPieces,
  type AnswerPlaces,
  type ValueReads,
} from '../answers/index.ts'
import { createBatch, type Batch } from './batch.ts'

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
  readonly published: PublishedVersions
  /** The memory for large stored definitions that operations load. */
  readonly loads: StoredLoads
  readonly retry: RetryExecution
  readonly simulations: Simulations
  readonly testBlock: TestBlock
  readonly timelines: Timelines
  readonly followJobs: FollowJobs
  /** Rows of jobs that several subscriptions of one owner answer at the same time. */
  readonly changedJobs: SharedReads<ChangedRow>
  readonly wakeups: Wakeups
  readonly quotas: Pick<Quotas, 'list'>
  readonly vault: SecretVault
  readonly apiKeys: ApiKeys
  readonly clock: Clock
  readonly logger: Logger
  /** Receives the errors of the database that requests meet. */
  readonly outage: Pick<Outage, 'isOn' | 'takes'>
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
  /** The pieces in which the fields of the operation resolve. */
  readonly pieces: FieldPieces
  /** Gathers what rows ask for one by one, within the operation. */
  readonly batch: Batch
  /** Reads stored values that may be large, within the operation and its budget. */
  readonly values: ValueReads
}

export function createContext(services: Services, viewer: Viewer): Context {
  const { ownerId } = viewer
  const { reader, storedValues, answerPlaces } = services
  const answer = new AnswerBudget(ownerId, answerPlaces)
  const loaders = createLoaders({ reader, storedValues, ownerId, answer })
  // The services are inherited: copying them would be most of the work of a small operation's context.
  const context = Object.create(services) as Services
  return Object.assign(context, { viewer, ownerId, answer }, loaders)
}

/** For the next mutation of an operation: what was read for the one before may have changed since. */
export function readAnew(context: Context): void {
  Object.assign(context, createLoaders(context))
}

/** For the next result of a subscription, which has a budget of its own. */
export function readNextResult(context: Context): void {
  const { reader, storedValues, ownerId, answerPlaces } = context
  const answer = new AnswerBudget(ownerId, answerPlaces)
  Object.assign(context, { answer }, createLoaders({ reader, storedValues, ownerId, answer }))
}

function createLoaders({
  reader,
  storedValues: store,
  ownerId,
  answer: budget,
}: Pick<Context, 'reader' | 'storedValues' | 'ownerId' | 'answer'>): Loaders {
  const pieces = new FieldPieces()
  return {
    readDefinition: reader(ownerId),
    pieces,
    batch: createBatch(pieces),
    values: createValueReads({ store, ownerId, budget, pieces }),
  }
}
