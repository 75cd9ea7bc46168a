import type { JournalEntry } from '../../engine/record/index.ts'
import type { JobId } from '../../lib/index.ts'
import { isTransientFault, type Queryable } from '../sql/index.ts'
import { flushStatement } from './flush-statement.ts'
import { mergeEntries } from './journal-write.ts'
import type { Claim } from './journal.ts'

/** The end of a canceled job that no worker holds. */
export interface UnheldEnd {
  /** The fence, and the numbers of the newest event and entry, as they were read while no worker held the job. */
  readonly read: Claim
  /** Its last entry. */
  readonly entry: JournalEntry
}

export interface WrittenEnds {
  /** The jobs that have ended by this call. */
  readonly ended: readonly JobId[]
  /** The jobs whose ends do not fit into the log or the tables. */
  readonly refused: readonly JobId[]
}

/** Ends canceled jobs without a claim. */
export interface UnheldEnds {
  /**
   * Writes these ends in one statement, or in more where some of them are refused. A job that a worker has claimed since it was read, or
   * that another process has ended, is left as it is. Throws where the database cannot be reached. `now`: in milliseconds.
   */
  write(ends: readonly UnheldEnd[], now: number): Promise<WrittenEnds>
}

export function createUnheldEnds(pool: Queryable): UnheldEnds {
  return { write }

  async function write(ends: readonly UnheldEnd[], now: number): Promise<WrittenEnds> {
    try {
      return { ended: await writeAll(ends, now), refused: [] }
    } catch (fault) {
      if (isTransientFault(fault)) throw fault
      if (ends.length <= 1) return { ended: [], refused: ends.map(({ read }) => read.jobId) }
      const half = ends.length >> 1
      const [first, second] = [await write(ends.slice(0, half), now), await write(ends.slice(half), now)]
      return {
        ended: [...first.ended, ...second.ended],
        refused: [...first.refused, ...second.refused],
      }
    }
  }

  async function writeAll(ends: readonly UnheldEnd[], now: number): Promise<readonly JobId[]> {
    const writes = ends.map(({ read, entry }) => mergeEntries([entry], { ...read, now }))
    // Not prepared: a plan that was made while the table was small would read all of it for each job.
    const { text, values } = flushStatement(writes, 'unheld-ends')
    const { rows } = await pool.query<{ index: number }>(text, values)
    return rows.flatMap(({ index }) => ends[index]?.read.jobId ?? [])
  }
}
