import type pg from 'pg'

/** How many jobs a worker holds, by status; a status without jobs is left out. */
export async function countHeldJobs(
  pool: pg.Pool,
  workerId: string,
): Promise<Readonly<Record<string, number>>> {
  const { rows } = await pool.query<{ status: string; count: number }>(
    'SELECT status, count(*)::int AS count FROM jobs WHERE holder = $1 GROUP BY status',
    [workerId],
  )
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]))
}
