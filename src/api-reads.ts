import { createPrisma, type Database } from './db/index.ts'
import { createJobCountStore, createJobStore } from './db/jobs/index.ts'
import {
  createJobChanges,
  createRunList,
  createScheduleList,
  createStepList,
  createWorkflowList,
} from './db/lists/index.ts'
import {
  createContactStore,
  createDraftHashStore,
  createEventStore,
  createOpenWaitStore,
  createStepHistoryStore,
  createUsageStore,
  createValueStore,
  createVersionStore,
  createWorkflowStore,
} from './db/stores/index.ts'

/** The stores of the API on its own connections: however much it reads, the engine's are free. */
export function createApiReads({ apiPool }: Pick<Database, 'apiPool'>) {
  const prisma = createPrisma(apiPool)
  return {
    prisma,
    workflows: createWorkflowStore(apiPool),
    versions: createVersionStore(apiPool),
    draftHashes: createDraftHashStore(apiPool),
    workflowList: createWorkflowList(apiPool),
    runList: createRunList(apiPool),
    scheduleList: createScheduleList(apiPool),
    counts: createJobCountStore(apiPool),
    jobs: createJobStore(apiPool),
    changes: createJobChanges(apiPool),
    events: createEventStore(apiPool),
    openWaits: createOpenWaitStore(apiPool),
    usages: createUsageStore(apiPool),
    stepList: createStepList(apiPool),
    stepHistory: createStepHistoryStore(apiPool),
    contacts: createContactStore(apiPool),
    storedValues: createValueStore(apiPool),
  }
}
