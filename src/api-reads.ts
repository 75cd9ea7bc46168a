import type { Database } from './db/connect.ts'
import { createContactStore } from './db/contact-store.ts'
import { createDraftHashStore } from './db/draft-hash-store.ts'
import { createEventStore } from './db/event-store.ts'
import { createJobChanges } from './db/job-changes.ts'
import { createJobCountStore } from './db/job-count-store.ts'
import { createJobStore } from './db/job-store.ts'
import { createOpenWaitStore } from './db/open-wait-store.ts'
import { createPrisma } from './db/prisma.ts'
import { createRunList } from './db/run-list.ts'
import { createScheduleList } from './db/schedule-list.ts'
import { createStepHistoryStore } from './db/step-history-store.ts'
import { createStepList } from './db/step-list.ts'
import { createUsageStore } from './db/usage-store.ts'
import { createValueStore } from './db/value-store.ts'
import { createVersionStore } from './db/version-store.ts'
import { createWorkflowList } from './db/workflow-list.ts'
import { createWorkflowStore } from './db/workflow-store.ts'

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
