import { Fold, type FoldedStep } from './fold.ts'
import type { LogKey, LogStore } from './log-store.ts'
import { applyPage, type PageSummary } from './page.ts'
import { positionOf } from './position.ts'

/** Which steps of an execution to read, in the definition's order. */
export interface StepPage {
  /** The step after which the page begins; null: at the first one. */
  readonly after: { readonly position: string; readonly path: string } | null
  readonly limit: number
}

/** Reads a page of an execution's steps from the pages around it and the entries behind them. */
export async function readSteps(
  store: LogStore,
  job: LogKey,
  { after, limit }: StepPage,
): Promise<readonly FoldedStep[]> {
  const tail = (await store.tails([job])).get(job.id)
  if (!tail) return []
  const isWanted = ({ step }: FoldedStep) => after === null || comesAfter(step, after)
  const summaries = tail.pagedNo === 0 ? [] : await store.pageSummaries(job)
  const fold = new Fold()
  const lows = lowsFrom(summaries, after?.position ?? '', limit)
  const bodies = lows.length === 0 ? new Map() : await store.pages(job, lows)
  for (const body of bodies.values()) applyPage(fold, body)
  for (const row of tail.rows) fold.apply(row)
  const end = summaries.find(({ low }) => low > (lows.at(-1) ?? ''))?.low
  return [...fold.steps.values()]
    .filter(
      (one) => isWanted(one) && (end === undefined || lows.length === 0 || positionOf(one.step.order) < end),
    )
    .toSorted((a, b) => compareSteps(a.step, b.step))
    .slice(0, limit)
}

type Placed = Pick<FoldedStep['step'], 'order' | 'path'>

function comesAfter(step: Placed, { position, path }: { position: string; path: string }): boolean {
  const own = positionOf(step.order)
  return own > position || (own === position && step.path > path)
}

function compareSteps(a: Placed, b: Placed): number {
  const [one, other] = [positionOf(a.order), positionOf(b.order)]
  if (one === other) return a.path < b.path ? -1 : 1
  return one < other ? -1 : 1
}

/** The page that holds the position, and as many behind it as hold `limit` steps together. */
function lowsFrom(summaries: readonly PageSummary[], position: string, limit: number): readonly string[] {
  const first = Math.max(
    0,
    summaries.findLastIndex(({ low }) => low <= position),
  )
  const lows: string[] = []
  let steps = 0
  for (const [place, summary] of summaries.slice(first).entries()) {
    if (steps >= limit) break
    lows.push(summary.low)
    // Of the first page, all steps may come before the position.
    if (place > 0) steps += summary.steps
  }
  return lows
}
