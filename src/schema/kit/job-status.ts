import type { JobStatus } from '../../engine/record/index.ts'
import { builder } from './builder.ts'

export const JobStatusEnum = builder.enumType('JobStatus', {
  description: 'Where a job and its execution stand.',
  values: {
    CREATED: { description: 'Stored by a program that has not started it yet.' },
    QUEUED: { description: 'Wants a worker.' },
    RUNNING: { description: 'A worker runs it.' },
    WAITING: { description: 'Only waits are left; no worker is held.' },
    PAUSED: { description: 'Nothing starts until it is resumed.' },
    CANCELING: { description: 'A cancel was accepted and is being carried out.' },
    COMPLETED: { description: 'Ended well.' },
    FAILED: { description: 'Ended with an error.' },
    CANCELED: { description: 'Ended by a cancel.' },
  } satisfies Record<JobStatus, { description: string }>,
})
