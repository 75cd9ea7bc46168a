import type { HeldClaim, JobStore, Lease } from '../../db/jobs/index.ts'
import type { JobId } from '../../lib/index.ts'

export interface UnknownClaimsOptions {
  readonly jobs: Pick<JobStore, 'heldClaims' | 'releaseClaims' | 'countLosses'>
  readonly lease: Lease
  /** Whether the process runs the job under that fence, or is about to give it back. */
  readonly isKnown: (claim: HeldClaim) => boolean
}

/**
 * Finds jobs that this process holds in the tables without knowing of them, because the answer to a claim was lost, and gives them back
 * without counting a loss. A claim whose answer may still come is under way as `open` says: what was found meanwhile is looked at again
 * once all claims that were under way then are over.
 */
export class UnknownClaims {
  readonly #options: UnknownClaimsOptions
  /** Claims and starts that are under way: each may have stored this process's lease already. */
  readonly #open = new Set<Promise<void>>()
  /** Jobs whose leases are to run out, so that a loss is counted, by fence. */
  #abandoned = new Map<JobId, bigint>()
  readonly #releases = new Set<Promise<void>>()

  constructor(options: UnknownClaimsOptions) {
    this.#options = options
  }

  /** Counts a claim until the returned function is called, which returns whether it was the first call. */
  open(): () => boolean {
    let close = () => {}
    const open = new Promise<void>((resolve) => (close = resolve))
    this.#open.add(open)
    return () => {
      close()
      return this.#open.delete(open)
    }
  }

  /** Resolves when all claims are over that are under way now. */
  async settled(): Promise<void> {
    await Promise.all(this.#open)
  }

  /** The lease of that job runs out: its run broke off, and the next claim counts a loss. */
  abandon({ id, fence }: HeldClaim): void {
    this.#abandoned.set(id, fence)
  }

  /** Looks for such jobs once. Resolves when those are given back for which no claim under way has to be awaited. */
  async release(): Promise<void> {
    const { jobs, lease } = this.#options
    const held = await jobs.heldClaims(lease.workerId)
    const abandoned = held.filter((claim) => this.#isAbandoned(claim))
    // What was abandoned and is not held any more need not be remembered.
    this.#abandoned = new Map(abandoned.map(({ id, fence }) => [id, fence]))
    // Before the leases run out: abandoned jobs are not renewed, and this is called several times in the length of a lease.
    if (abandoned.length > 0) await jobs.countLosses(lease.workerId, abandoned)
    const found = held.filter((claim) => this.#isUnknown(claim))
    if (found.length === 0) return
    if (this.#open.size === 0) return this.#releaseAll(found)
    const releasing = this.settled()
      .then(() => this.#releaseAll(found))
      // The next look finds them again.
      .catch(() => undefined)
      .finally(() => this.#releases.delete(releasing))
    this.#releases.add(releasing)
  }

  /** Resolves when everything that was found is given back. */
  async idle(): Promise<void> {
    await Promise.all(this.#releases)
  }

  async #releaseAll(found: readonly HeldClaim[]): Promise<void> {
    const unknown = found.filter((claim) => this.#isUnknown(claim))
    if (unknown.length > 0) await this.#options.jobs.releaseClaims(this.#options.lease.workerId, unknown)
  }

  #isUnknown(claim: HeldClaim): boolean {
    return !this.#isAbandoned(claim) && !this.#options.isKnown(claim)
  }

  #isAbandoned({ id, fence }: HeldClaim): boolean {
    return this.#abandoned.get(id) === fence
  }
}
