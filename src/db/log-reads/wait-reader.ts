import {
  decodeStep,
  isWaiting,
  newestOf,
  newestSteps,
  type EntryAt,
  type LoggedStep,
  type LogKey,
  type NewestStep,
} from '../log/index.ts'
import type { Queryable } from '../sql/index.ts'
import { readPages, readPagesOnce, readTails, type PagePiece } from './read-pieces.ts'

/** A step that waits. */
export interface OpenStep extends Pick<LoggedStep, 'path' | 'wait' | 'dueAt'> {
  readonly position: string
  /** The entry that recorded the wait. */
  readonly entry: EntryAt
}

/**
 * Reads the first `limit` steps that wait of each of these jobs, in the definition's order. A step waits for a timer, a signal, a child
 * or, with `wait` null, its next attempt. All jobs without pages take one statement; pages are read until the steps are found.
 */
export async function readWaits(
  pool: Queryable,
  jobs: readonly LogKey[],
  limit: number,
): Promise<readonly (readonly OpenStep[])[]> {
  const found = jobs.map((): readonly OpenStep[] => [])
  for await (const tails of readTails(pool, jobs, { of: 'waits' })) {
    const paged: PagedJob[] = []
    for (const { job, pagedNo, rows } of tails) {
      const key = jobs[job]
      if (!key) continue
      const steps = newestSteps(rows)
      const waits = waitsAmong(steps.values())
      found[job] = waits.toSorted(inOrder).slice(0, limit)
      if (pagedNo > 0) paged.push({ ...key, job, after: null, known: new Set(steps.keys()), waits })
    }
    for (const { job, waits } of await addPages(pool, paged, limit))
      found[job] = waits.toSorted(inOrder).slice(0, limit)
  }
  return found
}

/** A job with pages, of which some are read. */
interface PagedJob extends LogKey {
  readonly job: number
  /** The newest page that is read; null: none is. */
  readonly after: string | null
  /** The paths of the steps that are read. A page that is split meanwhile is read twice in part. */
  readonly known: Set<string>
  readonly waits: readonly OpenStep[]
}

/**
 * Reads pages with open steps until the first `limit` waits of each job are among what is read. The first pages with that many open
 * steps most often have them.
 */
async function addPages(
  pool: Queryable,
  jobs: readonly PagedJob[],
  limit: number,
): Promise<readonly PagedJob[]> {
  const ready: PagedJob[] = []
  let left = jobs
  let atOnce: number | null = limit
  while (left.length > 0) {
    const { pages, end } = await readPagesOnce(pool, left, { with: 'waits', limit: atOnce, text: null })
    atOnce = null
    const more: PagedJob[] = []
    for (const [place, job] of left.entries()) {
      const own = pages.filter((page) => page.job === place)
      const waits = [...job.waits, ...own.flatMap((page) => waitsOfPage(page, job.known))]
      const newest = own.at(-1)
      const read = { ...job, waits, after: newest?.low ?? job.after }
      // A page that is not read yet may have steps before those that are behind its begin.
      const next = newest?.next ?? null
      const isRead = newest ? next === null : end === null || place < end.job
      const isEnough = next !== null && waits.filter(({ position }) => position < next).length >= limit
      if (isRead || isEnough) ready.push(read)
      else more.push(read)
    }
    left = more
  }
  return ready
}

/** Names a signal that steps wait for. */
export interface SignalName {
  readonly name: string
  /** Only the step at this path; null: any step. */
  readonly path: string | null
}

/** Reads all steps of a job that wait for a signal and demand a schema of it, in the definition's order. */
export async function readSignalWaits(
  pool: Queryable,
  job: LogKey,
  { name, path }: SignalName,
): Promise<readonly OpenStep[]> {
  const found: OpenStep[] = []
  const take = (waits: readonly OpenStep[]) => {
    for (const one of waits) {
      const { wait } = one
      const isWanted = wait?.kind === 'signal' && wait.name === name && wait.schemaBytes > 0
      if (isWanted && (path === null || one.path === path)) found.push(one)
    }
  }
  for await (const tails of readTails(pool, [job], { of: 'waits' })) {
    for (const { pagedNo, rows } of tails) {
      const steps = newestSteps(rows)
      take(waitsAmong(steps.values()))
      if (pagedNo === 0 || (path !== null && steps.has(path))) continue
      const text = path === null ? null : `"p":${JSON.stringify(path)}`
      const known = new Set(steps.keys())
      for await (const pages of readPages(pool, [job], { with: 'waits', limit: null, text }))
        for (const page of pages) take(waitsOfPage(page, known))
    }
  }
  return found.toSorted(inOrder)
}

/** The waits of a page among steps that are not known yet. Adds them to those. */
function waitsOfPage({ steps }: PagePiece, known: Set<string>): readonly OpenStep[] {
  const waits = waitsAmong(newestOf(steps).filter(({ change }) => !known.has(change.p)))
  for (const { path } of waits) known.add(path)
  return waits
}

function waitsAmong(steps: Iterable<NewestStep>): readonly OpenStep[] {
  const waits: OpenStep[] = []
  for (const { change, at, entry } of steps) {
    if (!isWaiting(change)) continue
    const { path, wait, dueAt } = decodeStep(change, at)
    waits.push({ path, wait, dueAt, entry, position: change.o })
  }
  return waits
}

function inOrder(a: OpenStep, b: OpenStep): number {
  if (a.position === b.position) return a.path < b.path ? -1 : 1
  return a.position < b.position ? -1 : 1
}
