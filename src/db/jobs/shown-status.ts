/** SQL for a job's status as users see it: CANCELING from the moment a cancel is accepted (D8). */
export function shownStatus(table: string): string {
  return `CASE WHEN ${table}.cancel_requested_at IS NOT NULL AND ${table}.finished_at IS NULL THEN 'CANCELING'
    ELSE ${table}.status END`
}
