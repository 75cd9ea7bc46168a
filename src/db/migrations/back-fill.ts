import type pg from 'pg'
import { LumeError } from '../../lib/index.ts'
import { first } from '../sql/index.ts'
import { isRecorded, record } from './recorded.ts'
import type { Migration } from './read-migrations.ts'
import { inShortTransaction, type LockWait } from './short-transaction.ts'

/**
 * Runs a migration that fills rows, one batch in each transaction, until there is no next one. Returns false if another process has
 * finished it.
 *
 * The file is one statement that changes one batch and returns one row with the column `next`: the key of the last row of the batch as
 * text, or null if the batch was empty. `current_setting('lume.after')` is the `next` of the batch before, and '' for the first one. Each
 * batch commits with its `next`, so that a back-fill that was cut off continues after its last batch.
 */
export async function backFill(
  client: pg.ClientBase,
  migration: Migration,
  wait: LockWait,
): Promise<boolean> {
  for (;;) {
    const state = await inShortTransaction(client, () => fillBatch(client, migration), wait)
    if (state !== 'more') return state === 'done'
  }
}

async function fillBatch(
  client: pg.ClientBase,
  migration: Migration,
): Promise<'more' | 'done' | 'elsewhere'> {
  const { name, sql } = migration
  if (await isRecorded(client, migration)) return 'elsewhere'
  await client.query(
    `select set_config('lume.after', coalesce((select progress from _lume_migrations where name = $1), ''), true)`,
    [name],
  )
  const { rows } = await client.query<{ next?: string | null }>(sql)
  const next = first(rows ?? [])?.next
  if (next === undefined)
    throw new LumeError(
      'MIGRATION_INVALID',
      `migration ${name} is a back-fill: it must return one row with the column "next"`,
    )
  if (next === null) {
    await record(client, migration)
    return 'done'
  }
  await client.query(
    `insert into _lume_migrations (name, kind, progress) values ($1, 'expand', $2)
     on conflict (name) do update set progress = excluded.progress`,
    [name, next],
  )
  return 'more'
}
