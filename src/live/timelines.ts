import type { Wakeups } from '../db/index.ts'
import type { Job, JobStore } from '../db/jobs/index.ts'
import type { JobWrite, NumberedEvent } from '../db/journal/index.ts'
import type { EventStore } from '../db/stores/index.ts'
import type { EventKind } from '../engine/record/index.ts'
import type { Awaitable } from '../lib/turns/index.ts'
import type { JobId, OwnerId } from '../lib/index.ts'
import type { Clock } from '../lib/time/index.ts'
import { followTimeline, type FollowedJob, type TimelineBatch } from './follow-timeline.ts'
import { LiveJob, type LiveJobOptions } from './live-job.ts'
import { repeatRead } from './repeat-read.ts'

/** Maximum number of jobs without a follower that memory holds. The one that changed the longest ago makes room. */
export const LIVE_IDLE_JOBS_MAX = 1_000
/** Maximum bytes, as estimated, of all events that memory holds for followers. */
export const LIVE_MAX_BYTES = 32 * 1024 * 1024
/** Maximum number of events that one batch has. */
const PAGE = 500
/** How long a lost hint can delay an event, in milliseconds. */
const LOOK_AGAIN_MS = 2_000
/** Maximum number of jobs that one statement looks at. */
const JOBS_PER_LOOK = 1_000

export interface TimelinesOptions {
  readonly events: Pick<EventStore, 'after'>
  readonly jobs: Pick<JobStore, 'find' | 'positions'>
  readonly wakeups: Pick<Wakeups, 'onNews'>
  readonly clock: Pick<Clock, 'after' | 'wait'>
}

export interface FollowRequest {
  /** A job that exists. */
  readonly job: Pick<Job, 'id' | 'ownerId'>
  /** The number of the event after which to begin; 0 for the whole timeline. */
  readonly after: number
  /** Null: all but the quiet ones. */
  readonly kinds: ReadonlySet<EventKind> | null
  /** Ends the following when it aborts. */
  readonly signal: AbortSignal
}

/**
 * The timelines that this process writes or follows. Followers of a job that runs here are served from memory, after each
 * commit and without a statement. For other jobs a hint makes the next follower read the database, once for all followers
 * at the same cursor; and one statement every two seconds looks at the jobs that are followed, so that a lost hint delays an
 * event and loses none. A read that fails is repeated; if it still fails, the following rejects, and its cursor stays valid.
 */
export class Timelines {
  readonly #options: TimelinesOptions
  /** Those without a follower in the order of their last change. */
  readonly #jobs = new Map<JobId, LiveJob>()
  readonly #followed = new Set<LiveJob>()
  /** Followed jobs that changed here since the last look. */
  readonly #fresh = new Set<LiveJob>()
  readonly #detach: () => void
  readonly #closed = new AbortController()
  #bytes = 0
  #followers = 0
  /** Ends the timer of the next look; null: none runs. */
  #stopWatching: (() => void) | null = null

  constructor(options: TimelinesOptions) {
    this.#options = options
    this.#detach = options.wakeups.onNews((id) => this.#jobs.get(id)?.markBehind())
  }

  /** The number of followers of all jobs. */
  get followers(): number {
    return this.#followers
  }

  close(): void {
    this.#detach()
    this.#closed.abort(new Error('the timelines are closed'))
    this.#stopWatching?.()
    this.#stopWatching = null
  }

  /** Takes a job that this process has stored, with the events that were stored with it. */
  inserted(job: Job, events: readonly NumberedEvent[]): void {
    const live = new LiveJob(job, this.#liveOptions)
    live.insert(job, events)
    this.#touch(live)
    this.#makeRoom()
  }

  /** Takes what the journal of this process has committed. */
  committed(writes: readonly JobWrite[]): void {
    for (const write of writes) {
      const live = this.#jobs.get(write.jobId)
      if (!live) continue
      live.commit(write)
      if (live.isFollowed) this.#fresh.add(live)
      else if (live.isKeptRight) this.#touch(live)
      else this.#forget(live)
    }
    this.#makeRoom()
  }

  /** A job of this owner; null when there is none. */
  find(ownerId: OwnerId, id: JobId): Awaitable<Job | null> {
    const live = this.#jobs.get(id)
    // Another owner's job takes as long to find as one that does not exist.
    const known = live?.ownerId === ownerId ? live.known : null
    return known?.job ?? this.#reading(() => this.#options.jobs.find(ownerId, id))
  }

  /** Replays a job's timeline after a number and then follows it until its terminal event (P4). */
  follow({ job, ...request }: FollowRequest): AsyncGenerator<TimelineBatch, void> {
    return followTimeline((onNews) => this.#attach(job, onNews), request)
  }

  /** A follower is attached before it reads anything, so that nothing falls between. */
  #attach(job: FollowRequest['job'], onNews: () => void): FollowedJob {
    const known = this.#jobs.get(job.id)
    // A job never changes its owner: what is known under another one is not this follower's to see.
    const live = known?.ownerId === job.ownerId ? known : new LiveJob(job, this.#liveOptions)
    if (!known) this.#jobs.set(job.id, live)
    const detach = live.attach(onNews)
    this.#followed.add(live)
    this.#followers++
    this.#startWatching()
    return {
      after: (cursor) => live.after(cursor),
      detach: () => {
        detach()
        this.#followers--
        if (!live.isFollowed) this.#leave(live)
      },
    }
  }

  #leave(live: LiveJob): void {
    this.#followed.delete(live)
    this.#fresh.delete(live)
    if (live.isKeptRight && this.#jobs.get(live.id) === live) this.#touch(live)
    else this.#forget(live)
    this.#makeRoom()
  }

  readonly #liveOptions: LiveJobOptions = {
    read: ({ id, ownerId }, cursor) =>
      this.#reading(async () => {
        const events = await this.#options.events.after({ id, ownerId }, cursor, PAGE)
        const job = await this.#options.jobs.find(ownerId, id)
        return job && { events, job }
      }),
    onResize: (bytes) => void (this.#bytes += bytes),
  }

  #reading<T>(read: () => Promise<T>): Promise<T> {
    return repeatRead(read, { clock: this.#options.clock, signal: this.#closed.signal })
  }

  #touch(live: LiveJob): void {
    this.#jobs.delete(live.id)
    this.#jobs.set(live.id, live)
  }

  #forget(live: LiveJob): void {
    if (this.#jobs.get(live.id) === live) this.#jobs.delete(live.id)
    live.forgetEvents()
  }

  #makeRoom(): void {
    const tooMany = () => this.#jobs.size - this.#followed.size > LIVE_IDLE_JOBS_MAX
    const tooLarge = () => this.#bytes > LIVE_MAX_BYTES
    if (!tooMany() && !tooLarge()) return
    for (const live of this.#jobs.values()) {
      if (!tooMany() && !tooLarge()) return
      if (!live.isFollowed) this.#forget(live)
    }
    for (const live of this.#followed) {
      if (!tooLarge()) return
      live.forgetEvents()
    }
  }

  #startWatching(): void {
    this.#stopWatching ??= this.#options.clock.after(LOOK_AGAIN_MS, () => void this.#lookAgain())
  }

  /** Continues while jobs are followed. Followers come and go often, and the next one finds the timer running. */
  async #lookAgain(): Promise<void> {
    if (this.#followed.size > 0) await this.#look().catch(() => {}) // the next look makes up for it
    if (!this.#stopWatching) return
    this.#stopWatching = null
    if (this.#followed.size > 0) this.#startWatching()
  }

  /** Looks at the followed jobs that did not change here since the last look: others may have changed them. */
  async #look(): Promise<void> {
    const quiet = [...this.#followed].filter((live) => !this.#fresh.delete(live))
    for (let at = 0; at < quiet.length; at += JOBS_PER_LOOK) {
      const some = new Map(quiet.slice(at, at + JOBS_PER_LOOK).map((live) => [live.id, live]))
      for (const { id, ...row } of await this.#options.jobs.positions([...some.keys()]))
        some.get(id)?.compare(row)
    }
  }
}
