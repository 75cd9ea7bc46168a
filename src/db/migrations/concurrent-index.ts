import type pg from 'pg'
import { first } from '../sql/index.ts'
import type { NewIndex } from './read-migrations.ts'
import { inShortTransaction, whileLocked, type LockWait } from './short-transaction.ts'

/**
 * Builds an index while others read and write its table. Does nothing where it is built. What an interrupted build has left is dropped
 * first; a build of another process is waited for.
 */
export async function buildConcurrently(
  client: pg.ClientBase,
  index: NewIndex,
  wait: LockWait,
): Promise<void> {
  const { rows } = await client.query<{ statement: string; lock: string }>(
    `select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock`,
  )
  const { statement, lock } = rows[0] ?? { statement: '0', lock: '0' }
  while (!(await isBuilt(client, index, wait))) {
    await whileLocked(async () => {
      await client.query('set statement_timeout = 0')
      await client.query('set lock_timeout = 0')
      await client.query(index.sql.replace(/ INDEX /i, ' INDEX CONCURRENTLY IF NOT EXISTS '))
    }, wait.onLocked)
    await client.query(
      `select set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false)`,
      [statement, lock],
    )
  }
}

/** Whether the index is complete. One that is incomplete is dropped: a process that builds one holds the lock of its table. */
function isBuilt(client: pg.ClientBase, { name, table }: NewIndex, wait: LockWait): Promise<boolean> {
  return inShortTransaction(
    client,
    async () => {
      await client.query(`lock table "${table}" in share update exclusive mode`)
      const { rows } = await client.query<{ isValid: boolean }>(
        'select indisvalid as "isValid" from pg_index where indexrelid = to_regclass($1)',
        [`"${name}"`],
      )
      const found = first(rows)
      if (found && !found.isValid) await client.query(`drop index "${name}"`)
      return found?.isValid ?? false
    },
    wait,
  )
}
