/** Reads filtered and ordered lists, one keyset page at a time. */
export { createJobChanges, type ChangedJob, type JobChanges } from './job-changes.ts'
export {
  ALL_RUNS,
  createRunList,
  type RunFilter,
  type RunList,
  type RunOrder,
  type RunParent,
} from './run-list.ts'
export { createScheduleList, type ScheduleList, type ShownOccurrence } from './schedule-list.ts'
export { createStepList, type StepList } from './step-list.ts'
export {
  createWorkflowList,
  WORKFLOW_ORDERS,
  type WorkflowFilter,
  type WorkflowList,
  type WorkflowOrder,
} from './workflow-list.ts'
