import { BEHIND_ALL, itemRange, orderOf, positionOf, type PositionRange } from '../log/index.ts'

/** The ends of a loop's items, by loop path and index. */
export type ItemStatuses = ReadonlyMap<string, ReadonlyMap<number, 'COMPLETED' | 'FAILED'>>

/** A loop's ended items, and where the loop is. */
export interface Loop {
  readonly items: ReadonlyMap<number, 'COMPLETED' | 'FAILED'>
  /** Null where the loop's own step is not on record. */
  readonly position: string | null
}

const ITEM = /\[(\d+)\]\//g

/** Whether any loop item around the step has ended. */
export function isInsideEnded(path: string, items: ItemStatuses = new Map()): boolean {
  for (const match of path.matchAll(ITEM)) {
    if (items.get(path.slice(0, match.index))?.has(Number(match[1]))) return true
  }
  return false
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

/** From the position of the first item on, which has the record of that item and no step. */
function itemsRange(position: string, { first, last }: Run): PositionRange {
  return { low: positionOf([...orderOf(position), first]), high: itemRange(position, last).high }
}
