import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createExecutionStore } from '../../src/db/executions/execution-store.ts'
import { createCommandStore } from '../../src/db/jobs/command-store.ts'
import { createJournalStore } from '../../src/db/journal/journal-store.ts'
import { Journal } from '../../src/db/journal/journal.ts'
import { createLogStore } from '../../src/db/log/log-store.ts'
import { createContactStore } from '../../src/db/stores/contact-store.ts'
import { createValueStore } from '../../src/db/stores/value-store.ts'
import { event } from '../../src/engine/record/event.ts'
import { FenceLostError, type JobChange, type JournalEntry } from '../../src/engine/record/journal.ts'
import { systemClock } from '../../src/lib/time/clock.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { OWNER, sendCancel, storeClaimedJob, STRANGER } from '../support/jobs.ts'
import { LoggedJob, stepAt } from '../support/logged-job.ts'

// What a run, a retry and the end of a job read of logs.

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})

afterAll(() => database.drop())

// Outputs of executions

test('the end of a job is its last entry: nothing is recorded behind it, and neither a cancel nor a signal writes one', async () => {
  const claim = await storeClaimedJob(database.pool)
  const journal = openJournal()
  const ledger = journal.open(claim)
  // Entries that share the flush of the end are in the same log entry.
  await Promise.all([
    ledger.append(entryOf({ end: { status: 'COMPLETED', at: 1, output: '"done"' } })),
    ledger.append(entryOf({})),
  ])
  const numbers = await numbersOf(claim.jobId)
  const late = { ...entryOf({}), steps: [stepAt('late', [0])] }
  await expect(ledger.append(late)).rejects.toBeInstanceOf(FenceLostError)
  // A holder that knows the newest entry, but whose lease is over with the end.
  const next = openJournal().open({ ...claim, ...numbers })
  await expect(next.append(late)).rejects.toBeInstanceOf(FenceLostError)
  const signal = { kind: 'SIGNAL', name: 'go', path: null, payload: 1, key: null } as const
  const sent = await createCommandStore(database.pool).send(OWNER, claim.jobId, signal)
  expect([sent.kind, await sendCancel(database.pool, OWNER, claim.jobId)]).toEqual(['refused', false])
  expect(await numbersOf(claim.jobId)).toEqual(numbers)
  expect(await createExecutionStore(database.pool).output({ id: claim.jobId, ownerId: OWNER })).toBe('done')
})

test('an output is read from the entry that ended the job, whether it is small, large, null or absent, and by its owner alone', async () => {
  const outputs = [
    '{"small":[1]}',
    JSON.stringify({ contacts: [{ name: 'x'.repeat(5_000) }, 7, {}] }),
    'null',
  ]
  const ids = [await ended(null)]
  for (const output of outputs) ids.push(await ended(output))
  ids.push((await LoggedJob.store(database.pool)).key.id)
  // What the tables say is not read.
  await database.pool.query(
    `UPDATE execution_values SET output = '"of the table"' WHERE execution_id = ANY($1)`,
    [ids],
  )
  const executions = createExecutionStore(database.pool)
  const expected = [null, ...outputs, null]
  const keys = ids.map((id) => ({ id, ownerId: OWNER }))
  const texts = (output: string | null) => (output === null ? null : (JSON.parse(output) as unknown))
  expect(await Promise.all(keys.map((key) => executions.output(key)))).toEqual(expected.map(texts))
  expect(await Promise.all(keys.map((key) => executions.outputBytes(key)))).toEqual(
    expected.map((output) => output?.length ?? 0),
  )
  expect((await Promise.all(ids.map((id) => executions.details(id)))).map((one) => one?.output)).toEqual(
    expected.map(texts),
  )
  const values = createValueStore(database.pool)
  const wanted = ids.map((id) => ({ id, path: '' }))
  const read = await values.read(OWNER, 'executionOutput', wanted, 100_000)
  expect(read.values).toEqual(expected)
  expect((await values.read(OWNER, 'executionOutput', wanted, 1_000)).values).toBeNull()
  expect((await values.read(STRANGER, 'executionOutput', wanted, 100_000)).values).toEqual(
    ids.map(() => null),
  )
  const contacts = createContactStore(database.pool)
  expect(await contacts.countsOf(OWNER, ids)).toEqual([0, 0, 3, 0, 0])
  const page = await contacts.pagesOf(OWNER, ids, { after: -1, limit: 10 }, 100_000)
  expect(page.values?.map((found) => found.map(({ index }) => index))).toEqual([[], [], [0, 2], [], []])
  expect(await contacts.countsOf(STRANGER, ids)).toEqual([0, 0, 0, 0, 0])
  await database.pool.query(
    'UPDATE execution_values v SET output = o.output::json FROM unnest($1::uuid[], $2::text[]) AS o(id, output) WHERE v.execution_id = o.id',
    [ids, expected],
  )
})

async function ended(output: string | null) {
  const job = await LoggedJob.store(database.pool)
  const end =
    output === null
      ? ({ status: 'CANCELED', at: 1 } as const)
      : ({ status: 'COMPLETED', at: 1, output } as const)
  await job.append(entryOf({ end }))
  return job.key.id
}

function entryOf(job: Partial<JobChange>): JournalEntry {
  return { events: [event('JOB_PROGRESS', 1, { message: 'x' })], job: { progress: job.end ? 50 : 5, ...job } }
}

function openJournal(): Journal {
  return new Journal({
    store: createJournalStore(database.pool),
    pages: createLogStore(database.pool),
    clock: systemClock,
    logger: { warn: () => undefined },
  })
}

async function numbersOf(id: string): Promise<{ readonly entryNo: number; readonly lastSeq: number }> {
  const { rows } = await database.pool.query<{ entryNo: number; lastSeq: number }>(
    'SELECT entry_no AS "entryNo", last_seq AS "lastSeq" FROM jobs WHERE id = $1',
    [id],
  )
  if (!rows[0]) throw new Error(`there is no job ${id}`)
  return rows[0]
}
