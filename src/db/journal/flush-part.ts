import type { Columns } from './flush-column.ts'
import type { JobWrite } from './journal-write.ts'

/** Rows of one kind that flushes write, and the statement that writes them. */
export interface FlushPart {
  readonly name: string
  /** Whether a write holds any of its rows. */
  isIn(write: JobWrite): boolean
  readonly columns: Columns<never>
  /** The rows of these writes as one list of values per column. */
  listsOf(writes: readonly NumberedWrite[]): RowLists
  /** Returns the statement; `from` is what follows its FROM and provides the rows, named as the part's module says. */
  statement(from: string): string
}

/** A write with its number in the statement. */
export interface NumberedWrite {
  readonly number: number
  readonly write: JobWrite
}

export interface RowLists {
  /** The number of the write that each row belongs to. */
  readonly numbers: readonly number[]
  readonly columns: readonly (readonly unknown[])[]
}

interface PartOptions<Row> {
  readonly name: string
  rows(write: JobWrite): readonly Row[]
  readonly columns: Columns<Row>
  statement(from: string): string
}

/** Makes a part of rows of one type. */
export function flushPart<Row>({ name, rows, columns, statement }: PartOptions<Row>): FlushPart {
  const readers = Object.values(columns).map(({ value }) => value)
  return {
    name,
    isIn: (write) => rows(write).length > 0,
    columns,
    listsOf(writes) {
      const all = writes.flatMap(({ write }) => rows(write))
      return {
        numbers: writes.flatMap(({ write, number }) => rows(write).map(() => number)),
        columns: readers.map((read) => all.map(read)),
      }
    },
    statement,
  }
}
