import { mergeEntries } from '../../src/db/journal/journal-write.ts'
import { decodeEvents, type LogRow } from '../../src/db/log/decode-entry.ts'
import {
  checkpointPath,
  ENTRY_FORMAT,
  EXECUTION_OUTPUT,
  VALUE,
  valueKey,
  type EncodedEntry,
  type ValueKind,
} from '../../src/db/log/entry.ts'
import type { Fold, ValuesAt } from '../../src/db/log/fold.ts'
import type { JobEvent } from '../../src/engine/record/event.ts'
import type { JournalEntry } from '../../src/engine/record/journal.ts'
import type { JobId, OwnerId } from '../../src/lib/ids.ts'
import type { Json } from '../../src/lib/json/json.ts'

/** A log in memory: its rows as the database returns them. */
export class MemoryLog {
  readonly rows: LogRow[] = []
  readonly small: ({ readonly [K in ValueKind]?: Record<string, Json> } | null)[] = []
  readonly large: ReadonlyMap<string, Json>[] = []
  /** The texts of each row. */
  readonly encoded: EncodedEntry[] = []

  /** Adds a flush of these entries. */
  append(entries: readonly JournalEntry[]): void {
    const seq = this.rows.at(-1)?.seq ?? 0
    const write = mergeEntries(entries, {
      jobId: 'job' as JobId,
      ownerId: 'owner' as OwnerId,
      fence: 1n,
      lastSeq: seq,
      entryNo: this.rows.length,
      commandsSeen: 0,
      now: 1_000,
    })
    const encoded = write.entry
    this.encoded.push(encoded)
    this.rows.push(rowOf(encoded, { seq: write.newSeq, entryNo: this.rows.length + 1 }))
    this.small.push(encoded.small === null ? null : (JSON.parse(encoded.small) as Record<ValueKind, never>))
    this.large.push(new Map(encoded.large.map(({ key, value }) => [key, JSON.parse(value) as Json])))
  }

  get events(): readonly JobEvent[] {
    return this.rows.flatMap(decodeEvents)
  }

  config(path: string, values: ValuesAt | null): Json | undefined {
    if (!values) return undefined
    if ((values.held & VALUE.CONFIG) === 0) return {}
    return this.#value('c', path, values.entry.entryNo, (values.held & VALUE.LARGE_CONFIG) > 0)
  }

  output(path: string, values: ValuesAt | null): Json | undefined {
    if (!values || (values.held & VALUE.OUTPUT) === 0) return undefined
    return this.#value('o', path, values.entry.entryNo, (values.held & VALUE.LARGE_OUTPUT) > 0)
  }

  checkpoint(path: string, key: string, { entry, held }: ValuesAt): Json | undefined {
    return this.#value('k', checkpointPath(path, key), entry.entryNo, (held & VALUE.LARGE_OUTPUT) > 0)
  }

  /** The schema that a step's wait demands. */
  schema(path: string, entryNo: number): Json | undefined {
    const at = entryNo - 1
    return this.small[at]?.w?.[path] ?? this.large[at]?.get(valueKey('w', path))
  }

  get executionOutput(): Json | undefined {
    const last = this.rows.length
    const isLarge = this.large[last - 1]?.has(valueKey('o', EXECUTION_OUTPUT)) ?? false
    return this.#value('o', EXECUTION_OUTPUT, last, isLarge)
  }

  #value(kind: ValueKind, path: string, entryNo: number, isLarge: boolean): Json | undefined {
    const at = entryNo - 1
    return isLarge ? this.large[at]?.get(valueKey(kind, path)) : this.small[at]?.[kind]?.[path]
  }
}

/** The row as it is read back. */
export function rowOf(encoded: EncodedEntry, numbers: { seq: number; entryNo: number }): LogRow {
  const parsed = <T>(text: string | null) => (text === null ? null : (JSON.parse(text) as T))
  return {
    ...numbers,
    format: ENTRY_FORMAT,
    at: encoded.at,
    changes: parsed(encoded.changes),
    events: parsed(encoded.events),
  }
}

/** What a fold holds, in a form that can be compared. */
export function contentsOfFold(fold: Fold) {
  const { steps, items, checkpoints, usedSignals } = fold
  return {
    steps: sorted(steps),
    items: sorted(items),
    checkpoints: sorted([...checkpoints].map(([path, keys]) => [path, sorted(keys)] as const)),
    usedSignals: [...usedSignals],
  }
}

function sorted<Value>(entries: Iterable<readonly [string, Value]>): (readonly [string, Value])[] {
  return [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1))
}
