/** Stores and reads everything beside jobs, executions and lists, one concern per store. */
export { createApiKeyStore, type ApiKeyStore } from './api-key-store.ts'
export { createContactStore, type ContactStore } from './contact-store.ts'
export { createDefinitionStore, type DefinitionStore, type StoredDefinition } from './definition-store.ts'
export { createDraftHashStore, type DraftHashStore } from './draft-hash-store.ts'
export { createEventStore, type EventStore } from './event-store.ts'
export { createOpenWaitStore, type OpenWait, type OpenWaitStore, type WaitShown } from './open-wait-store.ts'
export {
  createQuotaStore,
  QUOTAS,
  type Quota,
  type QuotaGuard,
  type QuotaRefusal,
  type QuotaStore,
} from './quota-store.ts'
export {
  createScheduleStore,
  type CatchUp,
  type ClaimedSchedule,
  type OccurrenceRecord,
  type Outcome,
  type Overlap,
  type ScheduleFields,
  type ScheduleStore,
  type ScheduleTarget,
  type ScheduleValues,
  type StartFailure,
} from './schedule-store.ts'
export { createSecretStore, type SecretRow, type SecretStore } from './secret-store.ts'
export { createSourceSizeStore, type SourceSizeStore } from './source-size-store.ts'
export { createStepHistoryStore, type StepHistoryStore } from './step-history-store.ts'
export { createUsageStore, type UsageStore } from './usage-store.ts'
export { createValueStore, type BoundedRead, type StoredValueKind, type ValueStore } from './value-store.ts'
export {
  createVersionStore,
  type ChosenDefinition,
  type DefinitionChoice,
  type LargeDefinition,
  type NewVersion,
  type VersionKey,
  type VersionStore,
} from './version-store.ts'
export {
  createWorkflowStore,
  type DraftText,
  type RevisedWorkflow,
  type WorkflowFields,
  type WorkflowKey,
  type WorkflowRow,
  type WorkflowStore,
} from './workflow-store.ts'
