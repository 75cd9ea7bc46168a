import type { Database } from './db/connect.ts'
import { createContactStore } from './db/stores/contact-store.ts'
import { createDraftHashStore } from './db/stores/draft-hash-store.ts'
import { createEventStore } from './db/stores/event-store.ts'
import { createJobChanges } from './db/lists/job-changes.ts'
import { createJobCountStore } from './db/jobs/job-count-store.ts'
import { createJobStore } from './db/jobs/job-store.ts'
import { createOpenWaitStore } from './db/stores/open-wait-store.ts'
import { createPrisma } from './db/prisma.ts'
import { createRunList } from './db/lists/run-list.ts'
import { createScheduleList } from './db/lists/schedule-list.ts'
import { createStepHistoryStore } from './db/stores/step-history-store.ts'
import { createStepList } from './db/lists/step-list.ts'
import { createUsageStore } from './db/stores/usage-store.ts'
import { createValueStore } from './db/stores/value-store.ts'
import { createVersionStore } from './db/stores/version-store.ts'
import { createWorkflowList } from './db/lists/workflow-list.ts'
import { createWorkflowStore } from './db/stores/workflow-store.ts'

/** The stores of the API on its own connections: however much it reads, the engine's are free. */
export function createApiReads({ apiPool }: Pick<Database, 'apiPool'>) {
  const prisma = createPrisma(apiPool)
  return {
    prisma,
    workflows: createWorkflowStore(prisma),
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
