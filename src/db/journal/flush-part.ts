import { addLists, int, plainValues, type BinaryArrays, type Columns } from '../sql/index.ts'
import type { JobWrite } from './journal-write.ts'

/** Rows of one kind that flushes write, and the statement that writes them. */
export interface FlushPart {
  readonly name: string
  /** Whether each write has exactly one row of it. */
  readonly isOnePerJob: boolean
  /** Whether a write holds any of its rows. */
  isIn(write: JobWrite): boolean
  readonly columns: Columns<never>
  /** Adds the rows of these writes as one list of values per column. */
  addLists(lists: BinaryArrays, writes: readonly JobWrite[]): void
  /** Adds the same, behind the number of the write that each row belongs to. */
  addNumberedLists(lists: BinaryArrays, writes: readonly NumberedWrite[]): void
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
    addLists: (lists, writes) => addLists(lists, columns, writes.flatMap(rows)),
    addNumberedLists(lists, writes) {
      const numbers: number[] = []
      const all: Row[] = []
      for (const { write, number } of writes) {
        for (const row of rows(write)) {
          numbers.push(number)
          all.push(row)
        }
      }
      addLists(lists, NUMBER, numbers)
      addLists(lists, columns, all)
    },
    values: (write) =>
      rows(write)
        .slice(0, 1)
        .flatMap((row) => plainValues(columns, row)),
  }
}

/** Makes a part of one row for each write, whose columns are read from the write. */
export function jobPart(options: PartOptions<JobWrite>): FlushPart {
  const { columns } = options
  return {
    ...options,
    isOnePerJob: true,
    isIn: () => true,
    addLists: (lists, writes) => addLists(lists, columns, writes),
    addNumberedLists(lists, writes) {
      addLists(lists, NUMBER, writes.map(numberOf))
      addLists(lists, columns, writes.map(writeOf))
    },
    values: (write) => plainValues(columns, write),
  }
}

function numberOf({ number }: NumberedWrite): number {
  return number
}

function writeOf({ write }: NumberedWrite): JobWrite {
  return write
}
