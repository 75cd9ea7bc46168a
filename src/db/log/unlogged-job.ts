/**
 * A job that an earlier build has stored has no log until it is converted: it has events, but its entry number is 0. What is recorded of
 * it meanwhile counts down from there and writes no entry, so that each flush still changes the number that guards it.
 *
 * Delete this file once all jobs are converted.
 */
export function isUnlogged({ lastSeq, entryNo }: LogPosition): boolean {
  return entryNo < 0 || (entryNo === 0 && lastSeq > 0)
}

/** The same in SQL, for a row of `jobs` with this alias. */
export function isUnloggedSql(job: string): string {
  return `(${job}.entry_no < 0 OR (${job}.entry_no = 0 AND ${job}.last_seq > 0))`
}

/** Where the log of a job ends. */
interface LogPosition {
  /** The number of the job's newest event. */
  readonly lastSeq: number
  /** The number of the job's newest entry. */
  readonly entryNo: number
}

/** The entry number of a job after it has recorded something more. */
export function nextEntryNo(position: LogPosition): number {
  return position.entryNo + (isUnlogged(position) ? -1 : 1)
}

/** The same in SQL, for a row of `jobs` with this alias before it is updated. */
export function nextEntryNoSql(job: string): string {
  return `${job}.entry_no + CASE WHEN ${isUnloggedSql(job)} THEN -1 ELSE 1 END`
}
