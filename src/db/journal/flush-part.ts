import { int, listValues, plainValues, type Columns } from '../sql/index.ts'
import type { JobWrite } from './journal-write.ts'

/** Rows of one kind that flushes write, and the statement that writes them. */
export interface FlushPart {
  readonly name: string
  /** Whether each write has exactly one row of it. */
  readonly isOnePerJob: boolean
  /** Whether a write holds any of its rows. */
  isIn(write: JobWrite): boolean
  readonly columns: Columns<never>
  /** The rows of these writes as one list of values per column. */
  lists(writes: readonly JobWrite[]): readonly Buffer[]
  /** The same, behind the number of the write that each row belongs to. */
  numberedLists(writes: readonly NumberedWrite[]): readonly Buffer[]
  /** The values of the one row of a write. */
  values(write: JobWrite): readonly unknown[]
  /** Returns the statement; `from` is what follows its FROM and provides the rows, named as the part's module says. */
  statement(from: string): string
}

/** A write with its number in the statement. */
export interface NumberedWrite {
  readonly number: number
  readonly write: JobWrite
}

/** The column of the number of a write. */
export const NUMBER = { n: int((number: number) => number) }

interface PartOptions<Row> {
  readonly name: string
  readonly columns: Columns<Row>
  statement(from: string): string
}

/** Makes a part of any number of rows for each write. */
export function flushPart<Row>({
  rows,
  ...options
}: PartOptions<Row> & { rows(write: JobWrite): readonly Row[] }): FlushPart {
  const { columns } = options
  return {
    ...options,
    isOnePerJob: false,
    isIn: (write) => rows(write).length > 0,
    lists: (writes) => listValues(columns, writes.flatMap(rows)),
    numberedLists: (writes) => [
      ...listValues(
        NUMBER,
        writes.flatMap(({ write, number }) => rows(write).map(() => number)),
      ),
      ...listValues(
        columns,
        writes.flatMap(({ write }) => rows(write)),
      ),
    ],
    values: (write) =>
      rows(write)
        .slice(0, 1)
        .flatMap((row) => plainValues(columns, row)),
  }
}

/** Makes a part of one row for each write, whose columns are read from the write. */
export function jobPart(options: PartOptions<JobWrite>): FlushPart {
  return { ...flushPart({ ...options, rows: (write) => [write] }), isOnePerJob: true }
}
