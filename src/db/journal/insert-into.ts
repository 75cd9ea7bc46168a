import type { Columns } from './flush-column.ts'
import { flushPart, type FlushPart } from './flush-part.ts'
import type { JobWrite } from './journal-write.ts'

interface TableOptions<Row> {
  readonly table: string
  /** The column that holds the job's id. */
  readonly job: 'execution_id' | 'job_id'
  /** Whether the rows have the job's owner, too. Default: true. */
  readonly hasOwner?: boolean
  rows(write: JobWrite): readonly Row[]
  /** What identifies a row of a job. */
  readonly key: Columns<Row>
  /** What the first write of a row sets. */
  readonly fixed?: Columns<Row>
  /** What a later write of the same row replaces. Without it a second row with the same key is refused. */
  readonly replaced?: Columns<Row>
}

/** A part that stores rows `r` in a table, each with the id of its job `g`. */
export function insertInto<Row>(options: TableOptions<Row>): FlushPart {
  const { table, job, hasOwner = true, rows, key, fixed = {}, replaced = {} } = options
  const columns = { ...key, ...fixed, ...replaced }
  const names = Object.keys(columns)
  const changes = Object.keys(replaced).map((name) => `${name} = excluded.${name}`)
  const owner = (prefix: string) => (hasOwner ? `${prefix}owner_id, ` : '')
  const onConflict = `ON CONFLICT (${owner('')}${job}, ${Object.keys(key).join(', ')}) DO UPDATE SET ${changes.join(', ')}`
  return flushPart({
    name: table,
    rows,
    columns,
    statement: (from) => `INSERT INTO ${table} (${owner('')}${job}, ${names.join(', ')})
  SELECT ${owner('g.')}g.id, ${names.map((name) => `r.${name}`).join(', ')} FROM ${from}
  ${changes.length > 0 ? onConflict : ''}`,
  })
}
