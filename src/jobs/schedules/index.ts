/** Starts executions at the times that schedules name, each occurrence at most once. */
export { occurrencesAfter, specOf } from './occurrences.ts'
export {
  createSchedules,
  type SaveScheduleResult,
  type ScheduleInput,
  type Schedules,
} from './schedule-service.ts'
export { Scheduler } from './scheduler.ts'
