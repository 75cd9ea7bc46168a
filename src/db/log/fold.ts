import { itemPath } from '../../engine/record/index.ts'
import { decodeItem, decodeStep, requireKnownFormat, type EndedItem, type LogRow } from './decode-entry.ts'
import type { LoggedStep, StepChange } from './entry.ts'
import { orderOf } from './position.ts'

/** Names an entry of a job's log by the two numbers of its key. */
export interface EntryAt {
  readonly seq: number
  readonly entryNo: number
}

/** Where values are: the entry, and which of them it holds (see `VALUE`). */
export interface ValuesAt {
  readonly entry: EntryAt
  readonly held: number
}

/** A step's newest state. */
export interface FoldedStep {
  readonly step: LoggedStep
  /** The entry that recorded it, and with it the schema that its wait demands. */
  readonly entry: EntryAt
  /** Where its config and its output are; null: none are on record. */
  readonly values: ValuesAt | null
}

export interface FoldedItem {
  readonly item: EndedItem
  /** Null where its output is not here, or there is none. */
  readonly values: ValuesAt | null
}

export interface FoldedCheckpoint {
  /** That of the step. */
  readonly path: string
  readonly order: readonly number[]
  readonly key: string
  readonly value: ValuesAt
}

/**
 * What the entries of an execution add up to: the newest state of each step, the ends of items, the newest checkpoint of each key,
 * and the signals that are used up. Steps and checkpoints may be added in any order and more than once: the entry with the greater
 * number holds. So a page that is read after the entries behind it may hold some of them already, or newer ones.
 */
export class Fold {
  /** By path. */
  readonly steps = new Map<string, FoldedStep>()
  /** By the path of the item. */
  readonly items = new Map<string, FoldedItem>()
  /** By the path of the step and the key. */
  readonly checkpoints = new Map<string, Map<string, FoldedCheckpoint>>()
  /** Signals, and the path of the step that used each; null: it was discarded. */
  readonly usedSignals = new Map<number, string | null>()

  static of(rows: Iterable<LogRow>): Fold {
    const fold = new Fold()
    for (const row of rows) fold.apply(row)
    return fold
  }

  /** Adds an entry. Throws on one that a later build has written. */
  apply(row: LogRow): void {
    requireKnownFormat(row)
    const { seq, entryNo, at, changes } = row
    const entry = { seq, entryNo }
    for (const change of changes?.s ?? []) this.putStep(foldedStep(change, row))
    for (const change of changes?.i ?? []) {
      const values = change.v === undefined ? null : { entry, held: change.v }
      this.putItem({ item: decodeItem(change, at), values })
    }
    for (const [path, position, key, held] of changes?.k ?? [])
      this.putCheckpoint({ path, order: orderOf(position), key, value: { entry, held } })
    for (const [number, path] of changes?.u ?? []) this.usedSignals.set(number, path)
  }

  /** Adds a state of a step. Where the newest state comes without values, the newest ones before it still hold. */
  putStep(one: FoldedStep): void {
    const { path } = one.step
    const known = this.steps.get(path)
    if (!known) {
      this.steps.set(path, one)
      return
    }
    const { step, entry } = isOlder(one.entry, known.entry) ? known : one
    this.steps.set(path, { step, entry, values: newestValues(one.values, known.values) })
  }

  putItem(item: FoldedItem): void {
    this.items.set(itemPath(item.item.path, item.item.index), item)
  }

  putCheckpoint(checkpoint: FoldedCheckpoint): void {
    const { path, key } = checkpoint
    const known = this.checkpoints.get(path)
    const held = known?.get(key)
    if (held && isOlder(checkpoint.value.entry, held.value.entry)) return
    if (known) known.set(key, checkpoint)
    else this.checkpoints.set(path, new Map([[key, checkpoint]]))
  }
}

/** A step as an entry records it. */
export function foldedStep(
  change: StepChange,
  { seq, entryNo, at }: Pick<LogRow, 'seq' | 'entryNo' | 'at'>,
): FoldedStep {
  const entry = { seq, entryNo }
  const values = change.v === undefined ? null : { entry, held: change.v }
  return { step: decodeStep(change, at), entry, values }
}

function isOlder(one: EntryAt, other: EntryAt): boolean {
  return one.entryNo < other.entryNo
}

/** Those of the newer entry. */
export function newestValues(one: ValuesAt | null, other: ValuesAt | null): ValuesAt | null {
  if (one === null || other === null) return one ?? other
  return isOlder(one.entry, other.entry) ? other : one
}
