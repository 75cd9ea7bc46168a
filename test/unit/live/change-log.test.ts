import { expect, test } from '@jest/globals'
import type { ChangedJob } from '../../../src/db/lists/index.ts'
import type { JobId } from '../../../src/lib/ids.ts'
import { ChangeLog, CHANGES_MAX_JOBS } from '../../../src/live/change-log.ts'
import { fc } from '../../support/fast-check.ts'

const changed = (id: string, lastSeq: number): ChangedJob => ({
  id: id as JobId,
  lastSeq,
  status: 'RUNNING',
})

/** All that a reader takes from its cursor on. */
function readFrom(log: ChangeLog, cursor: number): { readonly jobs: readonly ChangedJob[]; cursor: number } {
  const jobs: ChangedJob[] = []
  for (;;) {
    const change = log.after(cursor)
    if (change.kind === 'lost') throw new Error('the log has lost changes')
    if (change.kind === 'none') return { jobs, cursor }
    jobs.push(change.job)
    cursor = change.cursor
  }
}

test('a reader that comes from time to time takes the newest state of each job that has changed since, once and in order', () => {
  const step = fc.oneof(
    fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd'), lastSeq: fc.nat(3) }),
    fc.constant('read' as const),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const log = new ChangeLog()
      let cursor = 0
      let expected = new Map<string, ChangedJob>()
      const states = new Map<string, number>()
      for (const one of [...steps, 'read' as const]) {
        if (one === 'read') {
          const taken = readFrom(log, cursor)
          expect(taken.jobs).toEqual([...expected.values()])
          cursor = taken.cursor
          expected = new Map()
        } else {
          const isNew = states.get(one.id) !== one.lastSeq
          const job = changed(one.id, one.lastSeq)
          expect(log.add(job)).toBe(isNew)
          states.set(one.id, one.lastSeq)
          if (!isNew) continue
          expected.delete(one.id)
          expected.set(one.id, job)
        }
      }
    }),
  )
})

test('a reader whose changes have made room is told that it has lost some, and one that has taken them is not', () => {
  const log = new ChangeLog()
  log.add(changed('first', 1))
  const upToDate = readFrom(log, 0).cursor
  for (let n = 0; n < CHANGES_MAX_JOBS; n++) log.add(changed(`${n}`, 1))
  expect(log.after(0)).toEqual({ kind: 'lost' })
  expect(readFrom(log, upToDate).jobs).toHaveLength(CHANGES_MAX_JOBS)
})

test('a job that changes without end takes the place of one job', () => {
  const log = new ChangeLog()
  for (let n = 1; n <= 10 * CHANGES_MAX_JOBS; n++) log.add(changed('busy', n))
  log.add(changed('calm', 1))
  expect(readFrom(log, 0).jobs).toEqual([changed('busy', 10 * CHANGES_MAX_JOBS), changed('calm', 1)])
})
