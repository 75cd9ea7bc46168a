import type pg from 'pg'
import type { LogRow } from '../../src/db/log/decode-entry.ts'
import { Fold } from '../../src/db/log/fold.ts'
import { ENTRY_TIME } from '../../src/db/log/log-store.ts'
import type { StepRecord } from '../../src/engine/record/journal.ts'
import type { KnownWait, StepWait } from '../../src/engine/record/step.ts'
import type { JobId } from '../../src/lib/ids.ts'
import { recordEntries, sendTo } from './record-entries.ts'

/** Entries of this many steps stay below the limit of a flush, also where a step has a long value. */
const STEPS_PER_ENTRY = 50

/**
 * Records steps of a job that no worker holds once more, with what `change` returns of each; null: the step stays as it is. A changed
 * step that waits for a signal demands no schema unless the change has a wait.
 */
export async function changeSteps(
  pool: Pick<pg.Pool, 'query'>,
  id: JobId,
  change: (step: Omit<StepRecord, 'wait'>) => Partial<StepRecord> | null,
): Promise<void> {
  const { rows } = await pool.query<LogRow>(
    `SELECT l.seq, l.entry_no AS "entryNo", l.format, ${ENTRY_TIME} AS at, l.changes FROM job_log l
     WHERE l.job_id = $1 ORDER BY l.seq, l.entry_no`,
    [id],
  )
  const steps = [...Fold.of(rows).steps.values()].flatMap(({ step }): readonly StepRecord[] => {
    const { wait, ...record } = step
    const changed = change(record)
    if (!changed) return []
    return [{ ...record, wait: wait && withoutSchema(wait), ...changed }]
  })
  for (let first = 0; first < steps.length; first += STEPS_PER_ENTRY)
    await recordEntries(sendTo(pool), id, [{ steps: steps.slice(first, first + STEPS_PER_ENTRY) }])
}

function withoutSchema(wait: KnownWait): StepWait {
  if (wait.kind !== 'signal') return wait
  const { kind, name, timeoutHandle } = wait
  return { kind, name, timeoutHandle, schema: null }
}
