import type { Wakeups } from '../db/index.ts'
import type { ChangedJob, JobChanges, RunFilter } from '../db/lists/index.ts'
import type { OwnerId } from '../lib/index.ts'
import type { Clock } from '../lib/time/index.ts'
import { JobChannel } from './job-channel.ts'
import { createOwnerHints } from './owner-hints.ts'

export interface FollowJobsOptions {
  readonly changes: JobChanges
  readonly wakeups: Pick<Wakeups, 'onAnyNews' | 'onCommand' | 'onGap'>
  readonly clock: Clock
}

export interface FollowJobsRequest {
  readonly ownerId: OwnerId
  readonly filter: RunFilter
  /** Ends the following when it aborts. */
  readonly signal: AbortSignal
}

export type FollowJobs = (request: FollowJobsRequest) => AsyncGenerator<ChangedJob, void>

/**
 * Follows the changes of an owner's jobs. It begins with the jobs that changed in the seconds before, so that a list that was
 * read just then, or over a connection that broke, misses nothing. Many changes of a job become one. Followers with the same
 * owner and filter share all reads, and get the same object for the same change.
 */
export function createFollowJobs(options: FollowJobsOptions): FollowJobs {
  const hints = createOwnerHints(options)
  const channels = new Map<string, JobChannel>()
  return async function* followJobs({ ownerId, filter, signal }) {
    const key = `${ownerId} ${JSON.stringify(filter)}`
    const channel = channels.get(key) ?? new JobChannel({ ...options, hints, ownerId, filter })
    channels.set(key, channel)
    const reader = channel.join()
    const leave = () => {
      reader.leave()
      if (channel.isEmpty && channels.get(key) === channel) channels.delete(key)
    }
    signal.addEventListener('abort', leave, { once: true })
    try {
      for (;;) {
        const job = await reader.next()
        if (!job) return
        yield job
      }
    } finally {
      signal.removeEventListener('abort', leave)
      leave()
    }
  }
}
