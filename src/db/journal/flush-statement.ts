import { BinaryArrays, parameters, selectLists, selectValues, type Parameter } from '../sql/index.ts'
import { NUMBER, type FlushPart, type NumberedWrite } from './flush-part.ts'
import { FLUSH_PARTS } from './flush-parts.ts'
import { GUARDED_JOBS, UNHELD_JOBS } from './guarded-jobs.ts'
import type { JobWrite } from './journal-write.ts'

/** A prepared statement and its values. */
export interface FlushStatement {
  readonly name: string
  readonly text: string
  readonly values: unknown[]
}

/** The guards of a flush, by the name with which the names of its prepared statements begin. */
const GUARDS = { 'journal-flush': GUARDED_JOBS, 'unheld-ends': UNHELD_JOBS } as const
type Guard = keyof typeof GUARDS

/**
 * Returns the statement that commits all of these writes whose guard holds: one round trip and one transaction. It names only
 * the tables that it writes, and each of them once. Every row joins its job `g` in the guard by the number `n` of its
 * write, so a stale writer's rows go nowhere, even if the job's new holder writes in the same flush.
 *
 * The jobs are sent in the order of their ids. The guard reaches them by their key, one by one in that order, and locks each
 * when it updates it: two flushes over the same jobs lock them in the same order, so they cannot deadlock.
 */
export function flushStatement(writes: readonly JobWrite[], guard: Guard = 'journal-flush'): FlushStatement {
  const groups = Object.entries(FLUSH_PARTS).filter(([, parts]) =>
    parts.some((part) => writes.some((write) => part.isIn(write))),
  )
  const parts = groups.flatMap(([, group]) => group)
  const shape = writes.length === 1 ? ONE : MANY
  const name = [guard, shape.name, ...groups.map(([group]) => group)].join(' ')
  let text = texts.get(name)
  if (text === undefined) texts.set(name, (text = flushText(GUARDS[guard], parts, shape)))
  return { name, text, values: shape.values(GUARDS[guard], parts, writes) }
}

const texts = new Map<string, string>()

function flushText(guard: FlushPart, parts: readonly FlushPart[], shape: Shape): string {
  const parameter = parameters()
  const statements = [
    `guard AS (${guard.statement(shape.jobs(guard, parameter))})`,
    ...parts.map((part) => `${part.name} AS (${part.statement(shape.rows(part, parameter))})`),
  ]
  return `WITH ${statements.join(', ')}
SELECT n - 1 AS index, commands_sent AS "commandsSent" FROM guard`
}

/** How the rows of a statement are sent. */
interface Shape {
  readonly name: string
  /** Returns what provides the jobs `r`, with the number `n` of the write of each. */
  jobs(guard: FlushPart, parameter: Parameter): string
  /** Returns what provides the rows `r` of a part, each with its job `g`. */
  rows(part: FlushPart, parameter: Parameter): string
  values(guard: FlushPart, parts: readonly FlushPart[], writes: readonly JobWrite[]): unknown[]
}

const MANY: Shape = {
  name: 'many',
  jobs: ({ columns }, parameter) => `(${selectLists({ ...NUMBER, ...columns }, parameter)}) AS r`,
  rows: ({ columns }, parameter) =>
    `(${selectLists({ ...NUMBER, ...columns }, parameter)}) AS r JOIN guard g ON g.n = r.n`,
  values(guard, parts, writes) {
    const numbered = writes.map((write, index) => ({ write, number: index + 1 })).sort(byJobId)
    const lists = new BinaryArrays(writes.length * USUAL_COLUMNS)
    guard.addNumberedLists(lists, numbered)
    for (const part of parts) part.addNumberedLists(lists, numbered)
    return [...lists.take()]
  },
}

/** The lists of the jobs and their entries, for the size of a buffer. */
const USUAL_COLUMNS = 30

/** A write that is alone needs no numbers, and no lists for its job and its log entry. */
const ONE: Shape = {
  name: 'one',
  jobs: ({ columns }, parameter) =>
    `(SELECT 1 AS n, own.* FROM (${selectValues(columns, parameter)}) AS own) AS r`,
  rows: ({ columns, isOnePerJob }, parameter) =>
    `(${(isOnePerJob ? selectValues : selectLists)(columns, parameter)}) AS r CROSS JOIN guard g`,
  values: (guard, parts, writes) =>
    writes.flatMap((write) => [
      ...guard.values(write),
      ...parts.flatMap((part): readonly unknown[] =>
        part.isOnePerJob ? part.values(write) : listsOf(part, write),
      ),
    ]),
}

function listsOf(part: FlushPart, write: JobWrite): readonly Buffer[] {
  const lists = new BinaryArrays(0)
  part.addLists(lists, [write])
  return lists.take()
}

/** Postgres compares UUIDs by their bytes, which is how their lower-case texts compare. */
function byJobId({ write: { jobId: a } }: NumberedWrite, { write: { jobId: b } }: NumberedWrite): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
