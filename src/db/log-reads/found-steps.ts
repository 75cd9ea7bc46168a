import { DEFINITION_MAX_LOOP_DEPTH } from '../../engine/validate/index.ts'
import {
  BEHIND_ALL,
  Fold,
  itemRange,
  positionOf,
  type FoldedStep,
  type LogStore,
  type PagedStepRef,
  type PositionRange,
  type StepKey,
} from '../log/index.ts'

/**
 * Finds the newest record of each of these steps, in order; null where there is none. Most are in the entries behind the pages, which
 * are searched by one statement for all jobs. The others are on pages: a step in a loop item is on those that hold the item's
 * position, so that the loop is found first, and then the item's few pages.
 */
export async function findSteps(
  store: Pick<LogStore, 'stepsBehind' | 'pagedSteps'>,
  wanted: readonly StepKey[],
): Promise<readonly (FoldedStep | null)[]> {
  const found = new Map<string, FoldedStep>()
  const searches = await searchBehind(store, wanted, found)
  // The pages are read after the entries behind them: what is merged into pages in between is in both, and never in neither.
  await searchPages(store, searches, found)
  return wanted.map((key) => found.get(nameOf(key)) ?? null)
}

/** What is looked for on the pages of a job. */
interface Search {
  readonly key: StepKey
  /** The loops around the step from the outside in, and the item of each that it belongs to. */
  readonly loops: readonly LoopItem[]
  /** The number of the loops that are found. */
  depth: number
  /** Where the step is, as far as the loops around it are found. */
  range: PositionRange
}

interface LoopItem {
  /** The loop's path. */
  readonly path: string
  readonly index: number
}

/** Everything of a job. */
const ALL: PositionRange = { low: '', high: BEHIND_ALL }

/** Finds steps behind the pages. Returns the searches for those that are on pages, completely or their values alone. */
async function searchBehind(
  store: Pick<LogStore, 'stepsBehind'>,
  wanted: readonly StepKey[],
  found: Map<string, FoldedStep>,
): Promise<readonly Search[]> {
  const keys = [...new Map(wanted.map((key) => [nameOf(key), key])).values()]
  const loops = keys.map(({ path }) => loopsAround(path))
  // Where the innermost loop around a step is behind the pages, too, the search on pages begins there.
  const around = keys.flatMap((key, place) => (loops[place] ?? []).map(({ path }) => ({ ...key, path })))
  const behind = await store.stepsBehind([
    ...new Map([...keys, ...around].map((key) => [nameOf(key), key])).values(),
  ])
  const jobs = new Map(
    behind.map(({ id, ownerId, hasPages, steps }) => {
      const fold = new Fold()
      for (const step of steps) fold.putStep(step)
      return [`${id} ${ownerId}`, { hasPages, fold }]
    }),
  )
  return keys.flatMap((key, place): readonly Search[] => {
    const job = jobs.get(`${key.id} ${key.ownerId}`)
    if (!job) return []
    const step = job.fold.steps.get(key.path)
    if (step) found.set(nameOf(key), step)
    const own = loops[place] ?? []
    if (!job.hasPages || step?.values || own.length > DEFINITION_MAX_LOOP_DEPTH) return []
    return [{ key, loops: own, ...startOf(own, step, job.fold) }]
  })
}

/** Where the search for a step begins: at the step itself, or at the innermost loop around it that is on record behind the pages. */
function startOf(
  loops: readonly LoopItem[],
  step: FoldedStep | undefined,
  fold: Fold,
): Pick<Search, 'depth' | 'range'> {
  if (step) {
    const low = positionOf(step.step.order)
    return { depth: loops.length, range: { low, high: `${low}.` } }
  }
  for (let depth = loops.length; depth > 0; depth--) {
    const loop = loops[depth - 1]
    const known = loop && fold.steps.get(loop.path)
    if (known) return { depth, range: itemRange(positionOf(known.step.order), loop.index) }
  }
  return { depth: 0, range: ALL }
}

/** Finds steps on pages: in each round one loop around each of them, and at last the step. */
async function searchPages(
  store: Pick<LogStore, 'pagedSteps'>,
  searches: readonly Search[],
  found: Map<string, FoldedStep>,
): Promise<void> {
  let left = searches
  while (left.length > 0) {
    const refs = left.map(refOf)
    const steps = new Map<string, FoldedStep>()
    for (const { key, step } of await store.pagedSteps(refs)) steps.set(nameOf(key), step)
    const deeper: Search[] = []
    for (const [place, search] of left.entries()) {
      const ref = refs[place]
      const step = ref && steps.get(nameOf(ref))
      const loop = search.loops[search.depth]
      if (!step) continue
      if (loop) {
        search.range = itemRange(positionOf(step.step.order), loop.index)
        search.depth++
        deeper.push(search)
      } else addPaged(found, nameOf(search.key), step)
    }
    left = deeper
  }
}

function refOf({ key, loops, depth, range }: Search): PagedStepRef {
  return { ...key, path: loops[depth]?.path ?? key.path, ...range }
}

/** Adds a step on a page, or the values of one that was found behind the pages. */
function addPaged(found: Map<string, FoldedStep>, name: string, step: FoldedStep): void {
  const fold = new Fold()
  fold.putStep(step)
  const newer = found.get(name)
  if (newer) fold.putStep(newer)
  for (const one of fold.steps.values()) found.set(name, one)
}

const ITEM = /\[(\d+)\]\//g

function loopsAround(path: string): readonly LoopItem[] {
  const loops: LoopItem[] = []
  for (const match of path.matchAll(ITEM)) {
    // A longer path than any definition makes: the caller looks no further.
    if (loops.push({ path: path.slice(0, match.index), index: Number(match[1]) }) > DEFINITION_MAX_LOOP_DEPTH)
      break
  }
  return loops
}

function nameOf({ id, ownerId, path }: StepKey): string {
  return `${id} ${path} ${ownerId}`
}
