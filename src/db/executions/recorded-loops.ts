import type { JobId, OwnerId } from '../../lib/index.ts'
import type { Queryable } from '../sql/index.ts'
import { indexText } from '../log/index.ts'

/** The ends of a loop's items, by loop path and index. */
export type ItemStatuses = ReadonlyMap<string, ReadonlyMap<number, 'COMPLETED' | 'FAILED'>>

/** Positions from `low` on and below `high` (see `positionOf`). */
export interface PositionRange {
  readonly low: string
  readonly high: string
}

/** The loops of an execution that have ended items. */
export interface LoadedLoops {
  /** Without loops inside of ended items. */
  readonly items: ItemStatuses
  /** The positions of all steps outside of ended items. */
  readonly ranges: readonly PositionRange[]
}

interface JobKey {
  readonly id: JobId
  readonly ownerId: OwnerId
}

/** A loop's ended items, and where the loop is. */
export interface Loop {
  readonly items: ReadonlyMap<number, 'COMPLETED' | 'FAILED'>
  /** Null where the loop's own step is not on record. */
  readonly position: string | null
}

interface FoundLoop extends Loop {
  readonly items: Map<number, 'COMPLETED' | 'FAILED'>
}

/** Sorts after every position. */
const BEHIND_ALL = '~'

const ITEM = /\[(\d+)\]\//g

/**
 * Finds out which loop items of each job have ended; a job without one is left out. What is inside of ended items is neither read
 * nor counted: the statement steps over the index from one loop to the next, and loops inside of loops are asked for only where
 * the items around them are open.
 */
export async function loadLoops(
  pool: Queryable,
  jobs: readonly JobKey[],
): Promise<ReadonlyMap<JobId, LoadedLoops>> {
  const paths = await loadLoopPaths(pool, jobs)
  const loops = new Map([...paths.keys()].map((id) => [id, new Map<string, FoundLoop>()]))
  for (let depth = 0, left = [...paths]; left.length > 0; depth++) {
    const wanted = jobs.flatMap((job) =>
      (paths.get(job.id) ?? [])
        .filter((path) => depthOf(path) === depth && !isInsideEnded(path, itemsOf(loops.get(job.id))))
        .map((path) => ({ job, path })),
    )
    if (wanted.length > 0) await loadItems(pool, wanted, loops)
    left = left.filter(([, some]) => some.some((path) => depthOf(path) > depth))
  }
  return new Map(
    [...loops].map(([id, found]) => [id, { items: itemsOf(found), ranges: rangesOutside(found) }]),
  )
}

/** Whether any loop item around the step has ended. */
export function isInsideEnded(path: string, items: ItemStatuses = new Map()): boolean {
  for (const match of path.matchAll(ITEM)) {
    if (items.get(path.slice(0, match.index))?.has(Number(match[1]))) return true
  }
  return false
}

function depthOf(path: string): number {
  return path.split('/').length - 1
}

function itemsOf(loops: ReadonlyMap<string, Loop> = new Map()): ItemStatuses {
  return new Map([...loops].map(([path, { items }]) => [path, items]))
}

/** The positions between the ended items. */
export function rangesOutside(loops: ReadonlyMap<string, Loop>): readonly PositionRange[] {
  const ended = [...loops.values()].flatMap(({ items, position }) =>
    position === null ? [] : runsOf([...items.keys()]).map((run) => itemsRange(position, run)),
  )
  ended.sort((a, b) => (a.low < b.low ? -1 : 1))
  const lows = ['', ...ended.map(({ high }) => high)]
  const highs = [...ended.map(({ low }) => low), BEHIND_ALL]
  return lows.flatMap((low, n) => {
    const high = highs[n] ?? BEHIND_ALL
    return low < high ? [{ low, high }] : []
  })
}

interface Run {
  readonly first: number
  readonly last: number
}

/** Successive indexes together. */
function runsOf(indexes: readonly number[]): readonly Run[] {
  const runs: { first: number; last: number }[] = []
  for (const index of indexes.toSorted((a, b) => a - b)) {
    const run = runs.at(-1)
    if (run && run.last + 1 === index) run.last = index
    else runs.push({ first: index, last: index })
  }
  return runs
}

/** In a position a dot follows each index but the last, and nothing sorts between the dot and the slash. */
function itemsRange(position: string, { first, last }: Run): PositionRange {
  return { low: `${position}.${indexText(first)}.`, high: `${position}.${indexText(last)}/` }
}

async function loadLoopPaths(
  pool: Queryable,
  jobs: readonly JobKey[],
): Promise<ReadonlyMap<JobId, readonly string[]>> {
  const { rows } = await pool.query<{ id: JobId; path: string }>(
    `SELECT wanted.id, own.path FROM unnest($1::text[], $2::uuid[]) AS wanted(owner_id, id) CROSS JOIN LATERAL (
       WITH RECURSIVE loop AS (
         (SELECT i.path FROM loop_items i WHERE i.owner_id = wanted.owner_id AND i.execution_id = wanted.id
          ORDER BY i.path LIMIT 1)
         UNION ALL
         SELECT next.path FROM loop CROSS JOIN LATERAL (
           SELECT i.path FROM loop_items i
           WHERE i.owner_id = wanted.owner_id AND i.execution_id = wanted.id AND i.path > loop.path
           ORDER BY i.path LIMIT 1
         ) AS next
       )
       SELECT path FROM loop
     ) AS own`,
    [jobs.map(({ ownerId }) => ownerId), jobs.map(({ id }) => id)],
  )
  const paths = new Map<JobId, string[]>()
  for (const { id, path } of rows) {
    const known = paths.get(id)
    if (known) known.push(path)
    else paths.set(id, [path])
  }
  return paths
}

async function loadItems(
  pool: Queryable,
  wanted: readonly { readonly job: JobKey; readonly path: string }[],
  loops: ReadonlyMap<JobId, Map<string, FoundLoop>>,
): Promise<void> {
  const { rows } = await pool.query<{
    id: JobId
    path: string
    position: string | null
    index: number
    status: 'COMPLETED' | 'FAILED'
  }>(
    `SELECT wanted.id, wanted.path, step.position, item.index, item.status
     FROM unnest($1::text[], $2::uuid[], $3::text[]) AS wanted(owner_id, id, path)
     LEFT JOIN LATERAL (
       SELECT s.position FROM steps s
       WHERE s.owner_id = wanted.owner_id AND s.execution_id = wanted.id AND s.path = wanted.path OFFSET 0
     ) AS step ON true
     CROSS JOIN LATERAL (
       SELECT i.index, i.status FROM loop_items i
       WHERE i.owner_id = wanted.owner_id AND i.execution_id = wanted.id AND i.path = wanted.path OFFSET 0
     ) AS item`,
    [wanted.map(({ job }) => job.ownerId), wanted.map(({ job }) => job.id), wanted.map(({ path }) => path)],
  )
  for (const { id, path, position, index, status } of rows) {
    const found = loops.get(id)
    const loop = found?.get(path)
    if (loop) loop.items.set(index, status)
    else found?.set(path, { position, items: new Map([[index, status]]) })
  }
}
