import type { Wakeups } from '../db/index.ts'
import type { ChangedJob, JobChanges, RunFilter } from '../db/lists/index.ts'
import { SharedReads } from '../lib/async/index.ts'
import type { JobId, OwnerId } from '../lib/index.ts'
import type { Clock } from '../lib/time/index.ts'
import { Bell } from './bell.ts'
import { createOwnerHints } from './owner-hints.ts'

export interface FollowJobsOptions {
  readonly changes: JobChanges
  readonly wakeups: Pick<Wakeups, 'onAnyNews' | 'onCommand'>
  readonly clock: Clock
}

export interface FollowJobsRequest {
  readonly ownerId: OwnerId
  readonly filter: RunFilter
  /** Ends the following when it aborts. */
  readonly signal: AbortSignal
}

export type FollowJobs = (request: FollowJobsRequest) => AsyncGenerator<JobId, void>

/** A job that changes all the time is told this often. */
const PAUSE_MS = 200
/** How long a lost hint can delay a change. */
const LOOK_AGAIN_MS = 5_000
/** How far a look reaches back behind the one before: clocks differ, and a commit is later than the times in it. */
const OVERLAP_MS = 5_000
/** Hints beyond this number are dropped for one look at everything. */
const MAX_HINTS = 5_000
/** Of how many jobs it is remembered what was told of them. */
const MAX_TOLD = 5_000
const PAGE = 500

/**
 * Tells which of an owner's jobs change, for as long as somebody follows; whoever is told reads the job. It begins with
 * those that changed in the seconds before, so that a list that was read just then, or over a connection that broke,
 * misses nothing. Many changes of a job are told as one. A reader that is slow holds a set of ids, and no more of
 * them than a bound. Nobody is woken by the news of other owners.
 */
export function createFollowJobs({ changes, wakeups, clock }: FollowJobsOptions): FollowJobs {
  const ownerHints = createOwnerHints({ changes, wakeups })
  /** Many may follow the same jobs, and all of them are woken by the same hints. */
  const shared = new SharedReads<ChangedJob>()
  const among = async (ownerId: OwnerId, filter: RunFilter, ids: readonly JobId[]) => {
    const found = await shared.of(`${ownerId} ${JSON.stringify(filter)}`, ids, async (all) => {
      const jobs = await changes.among(ownerId, filter, all as readonly JobId[])
      return new Map(jobs.map((job) => [job.id, job]))
    })
    const wanted = new Set(ids)
    return [...found.values()].filter(({ id }) => wanted.has(id))
  }
  return async function* followJobs({ ownerId, filter, signal }) {
    const bell = new Bell()
    const hints = new Hints()
    const detach = ownerHints.listen(ownerId, {
      add(id) {
        hints.add(id)
        bell.ring()
      },
      lose() {
        hints.lose()
        bell.ring()
      },
    })
    try {
      const told = new Told()
      let lookedAt = clock.now()
      for (let isFirst = true; !signal.aborted; isFirst = false) {
        bell.reset()
        const now = clock.now()
        const { ids, isOverfull } = hints.take()
        if (isFirst || isOverfull || now - lookedAt >= LOOK_AGAIN_MS) {
          const since = new Date(lookedAt - OVERLAP_MS)
          for await (const job of changedSince(changes, { ownerId, filter, since })) {
            if (told.isNews(job)) yield job.id
          }
          lookedAt = now
        } else if (ids.length > 0) {
          for (const job of await among(ownerId, filter, ids)) {
            if (told.isNews(job)) yield job.id
          }
        }
        await clock.wait(PAUSE_MS, signal).catch(() => {}) // nobody follows any more
        await bell.wait(clock, LOOK_AGAIN_MS - PAUSE_MS, signal)
      }
    } finally {
      detach()
    }
  }
}

async function* changedSince(
  changes: JobChanges,
  { ownerId, filter, since }: { ownerId: OwnerId; filter: RunFilter; since: Date },
): AsyncGenerator<ChangedJob, void> {
  let beyond: JobId | null = null
  for (;;) {
    const page: readonly ChangedJob[] = await changes.since(ownerId, filter, { since, beyond, limit: PAGE })
    yield* page
    beyond = page.at(-1)?.id ?? null
    if (page.length < PAGE) return
  }
}

/** Ids of jobs that may have changed, each once, and not more of them than a bound. */
class Hints {
  #ids = new Set<JobId>()
  #isOverfull = false

  add(id: JobId): void {
    if (this.#ids.size < MAX_HINTS) this.#ids.add(id)
    else this.#isOverfull ||= !this.#ids.has(id)
  }

  /** Some did not come: for one look at everything. */
  lose(): void {
    this.#isOverfull = true
  }

  take(): { readonly ids: readonly JobId[]; readonly isOverfull: boolean } {
    const taken = { ids: [...this.#ids], isOverfull: this.#isOverfull }
    this.#ids = new Set()
    this.#isOverfull = false
    return taken
  }
}

/** What was told last of each job, the oldest forgotten first: what is forgotten is told once more. */
class Told {
  readonly #marks = new Map<JobId, string>()

  isNews({ id, lastSeq, status }: ChangedJob): boolean {
    const mark = `${lastSeq} ${status}`
    const isNews = this.#marks.get(id) !== mark
    this.#marks.delete(id)
    this.#marks.set(id, mark)
    if (this.#marks.size > MAX_TOLD) this.#marks.delete(this.#marks.keys().next().value as JobId)
    return isNews
  }
}
