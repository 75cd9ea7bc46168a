import { expect, test } from '@jest/globals'
import { insertStatement, type JobTexts } from '../../../src/db/jobs/job-insert-statement.ts'
import { newId, ownerId } from '../../../src/lib/ids.ts'
import { fc } from '../../support/fast-check.ts'
import { PLAIN_JOB } from '../../support/jobs.ts'

const SHORT: JobTexts = {
  job: {
    ...PLAIN_JOB,
    id: newId(),
    ownerId: ownerId('owner-1'),
    definitionId: newId(),
    workflowId: newId(),
    versionId: newId(),
    at: 1,
    wakeAt: 1,
    onlyIfPublished: true,
  },
  input: 'null',
  variables: '{}',
  mocks: null,
  metadata: '{}',
  patched: null,
}

test('the statement of a start with a short input writes only jobs and executions', () => {
  expect(writtenTables([SHORT])).toEqual(['jobs', 'executions'])
})

test('the statement of starts names the other tables that one of them needs', () => {
  const idempotency = { key: 'k', requestHash: 'h', expiresAt: 1 }
  const keyed = { ...SHORT, job: { ...SHORT.job, idempotency } }
  expect(writtenTables([SHORT, keyed])).toEqual(['idempotency_keys', 'jobs', 'executions'])
  const all = ['schedule_occurrences', 'jobs', 'executions', 'execution_tags', 'execution_values']
  const occurrence = { scheduleId: newId<never>(), at: 1 }
  for (const rare of [
    { ...SHORT, job: { ...SHORT.job, tags: ['a'] } },
    { ...SHORT, job: { ...SHORT.job, occurrence } },
    { ...SHORT, input: JSON.stringify('x'.repeat(3_000)) },
    { ...SHORT, mocks: '{}' },
    { ...SHORT, patched: '{}' },
  ])
    expect(writtenTables([SHORT, rare])).toEqual(all)
})

test('starts that need the same tables share one prepared statement, and there are at most 16', () => {
  const texts = new Map<string, string>()
  const parent = { id: newId<never>(), path: 'call', depth: 1, rootId: newId<never>() }
  const idempotency = { key: 'k', requestHash: 'h', expiresAt: 1 }
  const start = fc
    .record({
      parent: fc.constantFrom(null, parent),
      idempotency: fc.constantFrom(null, idempotency),
      tags: fc.constantFrom([], ['a']),
      onlyIfPublished: fc.boolean(),
    })
    .map((change): JobTexts => ({ ...SHORT, job: { ...SHORT.job, ...change } }))
  fc.assert(
    fc.property(fc.array(start, { minLength: 1, maxLength: 4 }), (starts) => {
      const { name, text, values } = insertStatement(starts)
      expect(texts.get(name) ?? text).toBe(text)
      texts.set(name, text)
      // pg warns about longer names.
      expect(name.length).toBeLessThanOrEqual(63)
      const parameters = [...text.matchAll(/\$(\d+)::/g)].map(([, number]) => Number(number))
      expect(parameters).toEqual(values.map((_, index) => index + 1))
    }),
  )
  expect(texts.size).toBeLessThanOrEqual(16)
})

function writtenTables(starts: readonly JobTexts[]): readonly (string | undefined)[] {
  return [...insertStatement(starts).text.matchAll(/INSERT INTO (\w+)/g)].map(([, table]) => table)
}
