import { inOneGo, type Pieces } from '../../lib/turns/index.ts'
import { statusCode, statusOf, type StatusCode } from './codes.ts'
import { decodeItem, decodeStep } from './decode-entry.ts'
import { encodeStep, itemChange } from './encode-entry.ts'
import type { CheckpointChange, ItemChange, StepChange } from './entry.ts'
import { Fold, type EntryAt, type FoldedCheckpoint, type FoldedItem, type FoldedStep } from './fold.ts'
import { isWaiting, type NewestStep } from './newest-steps.ts'
import { orderOf, positionOf } from './position.ts'

/** A page with more records (steps, items and checkpoints) is split. */
export const PAGE_MAX_RECORDS = 192

/** The number of records that a page has after a split. */
const PAGE_FILL = 128

/** A page whose records have more characters of JSON text is split, too: then a page of long errors has fewer records. */
export const PAGE_MAX_LENGTH = 64 * 1024

/** The number of characters that the records of a page have after a split, unless one of them has more. */
const PAGE_FILL_LENGTH = 48 * 1024

/** The number of records after which the work on a page may be interrupted: it may hold tens of thousands at one position. */
const RECORDS_PER_PIECE = 64

/** The page that begins here holds everything before the second page. */
export const FIRST_PAGE = ''

/** A row of `job_pages`: the folded records of an execution from a position up to that of the next page. */
export interface PageRow extends PageSummary {
  /** The column `body` as JSON text. */
  readonly body: string
  /** The column `waits` as JSON text: those of the steps that wait. */
  readonly waits: string
}

/** What is known of a page without its records. */
export interface PageSummary {
  /** The position where it begins. */
  readonly low: string
  /** The number of its steps. */
  readonly steps: number
  /** The number of its steps that have not ended. */
  readonly open: number
  /** The number of its steps that belong to the definition's own nodes, outside of loops. */
  readonly top: number
  readonly ended: readonly EndedRun[]
}

/** Successive items of a loop that ended with the same status. */
export type EndedRun = readonly [loopPath: string, status: StatusCode, first: number, last: number]

/** The column `body`. Its times count from the epoch. */
export interface PageBody {
  readonly s: readonly PagedStep[]
  readonly i: readonly PagedItem[]
  readonly k: readonly PagedCheckpoint[]
}

/** `y`: the entry that recorded the step. `z`: the entry with its values, where that is another one. */
export interface PagedStep extends StepChange {
  readonly y: PagedEntry
  readonly z?: PagedEntry
}

/** `y`: the entry with its output. */
export interface PagedItem extends ItemChange {
  readonly y?: PagedEntry
}

type PagedCheckpoint = readonly [...CheckpointChange, entry: PagedEntry]

type PagedEntry = readonly [seq: number, entryNo: number]

/** Adds the records of a page to a fold, before the entries that come after it. */
export function applyPage(fold: Fold, body: PageBody): void {
  inOneGo(applyPagePieces(fold, body))
}

function* applyPagePieces(fold: Fold, { s, i, k }: PageBody): Pieces<void> {
  for (const [n, step] of s.entries()) {
    if (endsPiece(n)) yield
    fold.putStep(foldedPagedStep(step))
  }
  for (const [n, item] of i.entries()) {
    if (endsPiece(n)) yield
    fold.putItem(foldedPagedItem(item))
  }
  for (const [n, [path, position, key, held, entry]] of k.entries()) {
    if (endsPiece(n)) yield
    fold.putCheckpoint({ path, order: orderOf(position), key, value: { entry: entryAt(entry), held } })
  }
}

/** Whether the work on a list may be interrupted before its record number `n`, from 0. */
function endsPiece(n: number): boolean {
  return n % RECORDS_PER_PIECE === RECORDS_PER_PIECE - 1
}

/** Steps of a page, not yet decoded. */
export function newestOf(steps: PageBody['s']): readonly NewestStep[] {
  return steps.map((change) => ({ change, at: 0, entry: entryAt(change.y) }))
}

/** A step as a page holds it. */
export function foldedPagedStep(step: PagedStep): FoldedStep {
  return { step: decodeStep(step, 0), ...pagedEntries(step) }
}

/** The entries of a step that a page holds. */
export function pagedEntries({ v, y, z = y }: PagedStep): Pick<FoldedStep, 'entry' | 'values'> {
  return { entry: entryAt(y), values: v === undefined ? null : { entry: entryAt(z), held: v } }
}

/** An item as a page holds it. */
export function foldedPagedItem(item: PagedItem): FoldedItem {
  const values =
    item.v === undefined || item.y === undefined ? null : { entry: entryAt(item.y), held: item.v }
  return { item: decodeItem(item, 0), values }
}

function entryAt([seq, entryNo]: PagedEntry): EntryAt {
  return { seq, entryNo }
}

/** The items of pages that have ended, by loop path and index. */
export function endedItems(
  pages: Iterable<PageSummary>,
): ReadonlyMap<string, ReadonlyMap<number, 'COMPLETED' | 'FAILED'>> {
  const loops = new Map<string, Map<number, 'COMPLETED' | 'FAILED'>>()
  for (const { ended } of pages) {
    for (const [path, code, first, last] of ended) {
      const items = loops.get(path) ?? new Map<number, 'COMPLETED' | 'FAILED'>()
      loops.set(path, items)
      const status = statusOf(code) === 'FAILED' ? 'FAILED' : 'COMPLETED'
      for (let index = first; index <= last; index++) items.set(index, status)
    }
  }
  return loops
}

/** The pages that the records of `tail` belong to, of those that begin at `lows`, which are in order. */
export function* pagesOf(tail: Fold, lows: readonly string[]): Pieces<ReadonlyMap<string, Fold>> {
  const starts = lows[0] === FIRST_PAGE ? lows : [FIRST_PAGE, ...lows]
  const parts = new Map<string, Fold>()
  const partAt = (position: string) => {
    const low = lastUpTo(starts, position)
    const part = parts.get(low) ?? new Fold()
    parts.set(low, part)
    return part
  }
  let n = 0
  for (const one of tail.steps.values()) {
    if (endsPiece(n++)) yield
    partAt(positionOf(one.step.order)).putStep(one)
  }
  for (const one of tail.items.values()) {
    if (endsPiece(n++)) yield
    partAt(positionOf(one.item.order)).putItem(one)
  }
  for (const keys of tail.checkpoints.values()) {
    for (const one of keys.values()) {
      if (endsPiece(n++)) yield
      partAt(positionOf(one.order)).putCheckpoint(one)
    }
  }
  return parts
}

/** The greatest of the sorted texts that does not exceed `position`. */
function lastUpTo(sorted: readonly string[], position: string): string {
  let low = 0
  let high = sorted.length
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? '') <= position) low = middle
    else high = middle
  }
  return sorted[low] ?? FIRST_PAGE
}

/**
 * Merges newer records into a page that begins at `low`, of which `body` is what it holds so far (null: it is new). Returns the page,
 * and behind it those that were split from it.
 */
export function* mergePage(low: string, body: PageBody | null, newer: Fold): Pieces<readonly PageRow[]> {
  const fold = new Fold()
  if (body) yield* applyPagePieces(fold, body)
  for (const one of newer.steps.values()) fold.putStep(one)
  for (const one of newer.items.values()) fold.putItem(one)
  for (const keys of newer.checkpoints.values()) for (const one of keys.values()) fold.putCheckpoint(one)
  yield
  const parts = split(yield* recordsOf(fold))
  const rows: PageRow[] = []
  for (const [place, records] of parts.entries()) {
    yield
    rows.push(toRow(place === 0 ? low : positionAt(records, 0), records))
  }
  return rows
}

interface PageRecord {
  readonly position: string
  readonly path: string
  /** As the page writes it. */
  readonly text: string
  readonly step?: FoldedStep
  /** Whether it is a step that waits. */
  readonly isWaiting?: boolean
  readonly item?: FoldedItem
  readonly checkpoint?: FoldedCheckpoint
}

/** All records in the definition's order. */
function* recordsOf(fold: Fold): Pieces<readonly PageRecord[]> {
  const records: PageRecord[] = []
  for (const step of fold.steps.values()) {
    if (endsPiece(records.length)) yield
    const change = pagedStep(step)
    records.push({
      ...placed(step.step),
      text: JSON.stringify(change),
      step,
      isWaiting: isWaiting(change),
    })
  }
  for (const item of fold.items.values()) {
    if (endsPiece(records.length)) yield
    records.push({ ...placed(item.item), text: JSON.stringify(pagedItem(item)), item })
  }
  for (const keys of fold.checkpoints.values()) {
    for (const checkpoint of keys.values()) {
      if (endsPiece(records.length)) yield
      records.push({ ...placed(checkpoint), text: JSON.stringify(pagedCheckpoint(checkpoint)), checkpoint })
    }
  }
  yield
  return records.toSorted((a, b) => compare(a.position, b.position) || compare(a.path, b.path))
}

function placed({ order, path }: { readonly order: readonly number[]; readonly path: string }) {
  return { position: positionOf(order), path }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

/** Records with the same position stay on one page. */
function split(records: readonly PageRecord[]): readonly (readonly PageRecord[])[] {
  const total = records.reduce((sum, { text }) => sum + text.length, 0)
  if (records.length <= PAGE_MAX_RECORDS && total <= PAGE_MAX_LENGTH) return [records]
  const parts: PageRecord[][] = []
  let part: PageRecord[] = []
  let length = 0
  for (const record of records) {
    const isFull = part.length >= PAGE_FILL || length + record.text.length > PAGE_FILL_LENGTH
    if (isFull && part.length > 0 && record.position !== part.at(-1)?.position) {
      parts.push(part)
      part = []
      length = 0
    }
    part.push(record)
    length += record.text.length
  }
  return [...parts, part]
}

function positionAt(records: readonly PageRecord[], place: number): string {
  return records[place]?.position ?? FIRST_PAGE
}

function toRow(low: string, records: readonly PageRecord[]): PageRow {
  const steps = records.flatMap(({ step }) => step ?? [])
  const items = records.flatMap(({ item }) => item ?? [])
  const textsOf = (kind: 'step' | 'item' | 'checkpoint') =>
    records.flatMap((record) => (record[kind] ? record.text : [])).join(',')
  return {
    low,
    steps: steps.length,
    open: steps.filter(({ step }) => step.finishedAt === null).length,
    top: steps.filter(({ step }) => step.order.length === 1).length,
    ended: endedRuns(items),
    body: `{"s":[${textsOf('step')}],"i":[${textsOf('item')}],"k":[${textsOf('checkpoint')}]}`,
    waits: `[${records.flatMap((record) => (record.isWaiting ? record.text : [])).join(',')}]`,
  }
}

function pagedStep({ step, entry, values }: FoldedStep): PagedStep {
  return {
    ...encodeStep(step, 0, values?.held),
    y: pagedEntry(entry),
    ...(values === null || values.entry.entryNo === entry.entryNo ? {} : { z: pagedEntry(values.entry) }),
  }
}

function pagedCheckpoint({ path, order, key, value }: FoldedCheckpoint): PagedCheckpoint {
  return [path, positionOf(order), key, value.held, pagedEntry(value.entry)]
}

function pagedEntry({ seq, entryNo }: EntryAt): PagedEntry {
  return [seq, entryNo]
}

function pagedItem({ item, values }: FoldedItem): PagedItem {
  return { ...itemChange(item, 0, values?.held), ...(values ? { y: pagedEntry(values.entry) } : {}) }
}

/** The items of a page are in order. */
function endedRuns(items: readonly FoldedItem[]): readonly EndedRun[] {
  const runs: [string, StatusCode, number, number][] = []
  const newest = new Map<string, [string, StatusCode, number, number]>()
  for (const { item } of items) {
    const { path, index, status } = item
    const code = statusCode(status)
    const run = newest.get(path)
    if (run?.[1] === code && run[3] + 1 === index) run[3] = index
    else {
      const begun: [string, StatusCode, number, number] = [path, code, index, index]
      newest.set(path, begun)
      runs.push(begun)
    }
  }
  return runs
}
