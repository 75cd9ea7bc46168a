/** The wire format of a job's and its execution's life, fixed from day one. */
export const JOB_STATUSES = [
  'CREATED',
  'QUEUED',
  'RUNNING',
  'WAITING',
  'PAUSED',
  'CANCELING',
  'COMPLETED',
  'FAILED',
  'CANCELED',
] as const
export type JobStatus = (typeof JOB_STATUSES)[number]

export const JOB_TYPES = ['WORKFLOW', 'SEARCH', 'UPLOAD_TO_META'] as const
export type JobType = (typeof JOB_TYPES)[number]

const TERMINAL = ['COMPLETED', 'FAILED', 'CANCELED'] as const satisfies JobStatus[]
export type TerminalStatus = (typeof TERMINAL)[number]

/** True once nothing more can happen to the job. */
export function isTerminal(status: JobStatus): status is TerminalStatus {
  return (TERMINAL as readonly JobStatus[]).includes(status)
}
