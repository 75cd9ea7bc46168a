import { expect, test } from '@jest/globals'
import { decodeEvents, type LogRow } from '../../../../src/db/log/decode-entry.ts'
import { encodeEntry } from '../../../../src/db/log/encode-entry.ts'
import { Fold } from '../../../../src/db/log/fold.ts'
import { event } from '../../../../src/engine/record/event.ts'
import type { StepRecord } from '../../../../src/engine/record/journal.ts'
import { rowOf } from '../../../support/log-entries.ts'

const AT = 1_796_000_000_000

const TRANSFORM: StepRecord = {
  path: 's1',
  order: [0],
  nodeId: 's1',
  status: 'COMPLETED',
  attempt: 1,
  attempts: [
    {
      number: 1,
      status: 'COMPLETED',
      startedAt: new Date(AT + 9).toISOString(),
      finishedAt: new Date(AT + 18).toISOString(),
    },
  ],
  handles: ['out'],
  inputFrom: [],
  dueAt: null,
  wait: null,
  error: null,
  reusedFrom: null,
  callKey: null,
  startedAt: AT + 9,
  finishedAt: AT + 18,
}

const EVENTS = [
  { progress: 5, draft: event('JOB_STARTED', AT, {}) },
  {
    progress: 95,
    draft: event('STEP_COMPLETED', AT + 18, {
      path: 's1',
      nodeId: 's1',
      attempt: 1,
      handles: ['out'],
      durationMs: 9,
    }),
  },
  { progress: 100, draft: event('JOB_COMPLETED', AT + 20, {}) },
]

const CONTENTS = {
  events: EVENTS,
  steps: [TRANSFORM],
  values: [{ path: 's1', config: '{"value":1}', output: '1' }],
  items: [],
  checkpoints: [],
  signals: [],
  output: '1',
}

// Stored entries are never rewritten: these texts may change only together with a new `ENTRY_FORMAT`.
const STORED = {
  at: AT,
  changes: '{"s":[{"p":"s1","o":"0000","b":9,"f":18,"v":5}]}',
  events: '[["js",0,5],["c",18,95,0],["jc",20,100]]',
  small: '{"c":{"s1":{"value":1}},"o":{"s1":1,"":1}}',
}

test('an entry of format 1 leaves out what follows from the rest', () => {
  expect(encodeEntry(CONTENTS, 0)).toEqual({ ...STORED, large: [], changeCount: 1 })
})

test('an entry of format 1 that is stored reads the same in this build', () => {
  const row = rowOf({ ...STORED, large: [], changeCount: 1 }, { seq: 4, entryNo: 1 })
  expect(Fold.of([row]).steps.get('s1')?.step).toEqual(TRANSFORM)
  expect(decodeEvents(row)).toEqual(
    EVENTS.map(({ progress, draft: { kind, at, body } }, place) => {
      return { seq: 2 + place, at: new Date(at), kind, progress, body }
    }),
  )
})

const [ATTEMPT] = TRANSFORM.attempts as readonly [StepRecord['attempts'][number]]
const ERROR = { code: 'A', message: 'b' }

test.each<Partial<StepRecord>>([
  { attempts: [] },
  { attempts: [ATTEMPT, ATTEMPT] },
  { attempts: [{ ...ATTEMPT, number: 2 }] },
  { attempts: [{ ...ATTEMPT, blockVersion: '0.1.0' }] },
  { attempts: [{ ...ATTEMPT, blockVersion: '0.1.0', usage: { costUsd: 1 } }] },
  {
    attempts: [
      { ...ATTEMPT, blockVersion: '0.1.0' },
      { ...ATTEMPT, number: 2, blockVersion: '0.2.0' },
    ],
    attempt: 2,
  },
  { attempts: [{ ...ATTEMPT, status: 'FAILED' }] },
  { attempts: [{ ...ATTEMPT, startedAt: new Date(AT + 8).toISOString() }] },
  { attempts: [{ ...ATTEMPT, finishedAt: new Date(AT + 19).toISOString() }] },
  { attempts: [{ ...ATTEMPT, usage: { costUsd: 1 } }] },
  { attempts: [{ ...ATTEMPT, callMayHaveHappened: true }] },
  { attempts: [{ ...ATTEMPT, error: ERROR }] },
  { attempts: [{ ...ATTEMPT, error: ERROR }], error: ERROR },
  { status: 'FAILED', handles: [], attempts: [{ ...ATTEMPT, status: 'FAILED', error: ERROR }], error: ERROR },
  { attempt: 2 },
  { startedAt: null },
  { handles: [] },
  { handles: ['in'] },
  { handles: ['out', 'out'] },
  { status: 'SKIPPED' },
])('a step that differs from what a reader would derive is read as it was recorded: %j', (difference) => {
  const step = { ...TRANSFORM, ...difference }
  const row = rowOf(encodeEntry({ ...CONTENTS, steps: [step] }, 0), { seq: 4, entryNo: 1 })
  expect(Fold.of([row]).steps.get('s1')?.step).toEqual(step)
})

test.each<Readonly<Record<string, unknown>>>([
  { handles: [] },
  { handles: ['in'] },
  { handles: ['out', 'out'] },
  { durationMs: 8 },
  { usage: { costUsd: 1 } },
  { reused: true },
  { attempt: 2 },
  { nodeId: 's2' },
  { path: 's2' },
])('an event that differs from what a reader would derive is read as it was recorded: %j', (difference) => {
  const [started, completed] = EVENTS
  const body = { ...completed?.draft.body, ...difference } as never
  const draft = event('STEP_COMPLETED', AT + 18, body)
  const events = [...(started ? [started] : []), { progress: 95, draft }]
  const row = rowOf(encodeEntry({ ...CONTENTS, events }, 0), { seq: 2, entryNo: 1 })
  expect(decodeEvents(row).at(-1)?.body).toEqual(body)
})

test('an entry of a later format is refused by name, and not read as something else', () => {
  const row: LogRow = { seq: 1, entryNo: 7, format: 3, at: AT, changes: null, events: [] }
  for (const read of [() => Fold.of([row]), () => decodeEvents(row)])
    expect(read).toThrow('entry 7 of the log has format 3, and this build reads formats up to 2')
})

test('a value of more than 2,048 characters is stored apart from its entry', () => {
  const long = JSON.stringify('x'.repeat(2_047))
  const { small, large, changes } = encodeEntry(
    { ...CONTENTS, values: [{ path: 's1', config: long, output: long }], output: null },
    0,
  )
  expect(small).toBeNull()
  expect(large).toEqual([
    { key: 'c:s1', value: long },
    { key: 'o:s1', value: long },
  ])
  expect(changes).toContain('"v":15')
})

test('an entry with the values of a step that it does not change is a mistake of its writer', () => {
  expect(() => encodeEntry({ ...CONTENTS, steps: [] }, 0)).toThrow(
    'an entry holds values of "s1" without the step',
  )
})
