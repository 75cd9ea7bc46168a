import { expect, jest, test } from '@jest/globals'
import { FLUSH_PARTS } from '../../../src/db/journal/flush-parts.ts'
import { flushStatement } from '../../../src/db/journal/flush-statement.ts'
import { mergeEntries, type JobWrite } from '../../../src/db/journal/journal-write.ts'
import { event } from '../../../src/engine/record/event.ts'
import type { JournalEntry } from '../../../src/engine/record/journal.ts'
import { ownerId, type JobId } from '../../../src/lib/ids.ts'
import { fc } from '../../support/fast-check.ts'
import { completedStep } from '../../support/step-records.ts'

const NOTED: JournalEntry = { events: [event('JOB_PROGRESS', 1, { message: 'a' })], job: { progress: 5 } }

test('the statement of a flush with one event names only jobs and job_log', () => {
  const { text } = flushStatement([write(1, NOTED)])
  expect(writtenTables(text)).toEqual(['UPDATE jobs', 'INSERT INTO job_log'])
})

test('the statement of a flush of many jobs names each table once, however many rows it writes', () => {
  const long = { ...values('a'), output: LONG }
  const entry = { ...NOTED, steps: ['a', 'b', 'c'].map(completedStep), values: [long, values('b')] }
  const { text } = flushStatement([write(1, entry), write(2, entry), write(3, NOTED)])
  expect(writtenTables(text)).toEqual(['UPDATE jobs', 'INSERT INTO job_log', 'INSERT INTO job_values'])
})

test('the statement of a flush that ends a job adds the job to those that are to be counted', () => {
  const end = { status: 'COMPLETED', at: 1, output: '1' } as const
  const { text } = flushStatement([write(1, { ...NOTED, job: { progress: 100, end } })])
  expect(writtenTables(text)).toEqual(['UPDATE jobs', 'INSERT INTO job_log', 'INSERT INTO uncounted_jobs'])
})

test('the steps that one flush records of a job are one row, and their large values one list per column', () => {
  const paths = Array.from({ length: 50 }, (_, index) => `step-${index}`)
  const { values: sent } = flushStatement([
    write(1, {
      ...NOTED,
      steps: paths.map(completedStep),
      values: paths.map((path) => ({ path, config: '{}', output: LONG })),
    }),
  ])
  const lists = sent.flatMap((value) => (Buffer.isBuffer(value) ? [elementsOf(value).map(String)] : []))
  expect(lists).toContainEqual(paths.map((path) => `o:${path}`))
  expect(sent.filter((value) => String(value).includes('"p":"step-49"'))).toHaveLength(1)
})

test('an entry of steps that end and begin as almost all do is made into JSON text once, and the path of each value', () => {
  const step = { path: 'a', nodeId: 'a', attempt: 1 }
  const events = [
    event('STEP_COMPLETED', 2, { ...step, handles: ['out'], durationMs: 1 }),
    event('STEP_STARTED', 2, { ...step, path: 'b', nodeId: 'b' }),
  ]
  const begun = { status: 'RUNNING', handles: [], finishedAt: null } as const
  const steps = [completedStep('a'), { ...completedStep('b'), ...begun }]
  const stringify = jest.spyOn(JSON, 'stringify')
  write(1, { events, steps, values: [values('a')], job: { progress: 5 } })
  const { length } = stringify.mock.calls
  stringify.mockRestore()
  expect(length).toBe(2)
})

test('the lists of a statement are one piece of memory', () => {
  const { values: sent } = flushStatement([write(1, NOTED), write(2, NOTED)])
  const lists = sent as readonly Buffer[]
  const ends = lists.map(({ byteOffset, length }) => byteOffset + length)
  expect(new Set(lists.map(({ buffer }) => buffer)).size).toBe(1)
  expect(lists.slice(1).map(({ byteOffset }) => byteOffset)).toEqual(ends.slice(0, -1))
})

test('flushes that write the same kinds of rows share one prepared statement, whatever its rows are', () => {
  const one = flushStatement([write(1, NOTED)])
  const other = flushStatement([write(2, { ...NOTED, events: [...NOTED.events, ...NOTED.events] })])
  expect(other.name).toBe(one.name)
  expect(other.text).toBe(one.text)
  expect(flushStatement([write(1, NOTED), write(2, NOTED)]).name).not.toBe(one.name)
})

test('a statement has as many values as parameters, a name of its own, and its jobs in the order of their ids', () => {
  const texts = new Map<string, string>()
  const entry: fc.Arbitrary<JournalEntry> = fc
    .record({
      events: fc.constantFrom([], NOTED.events),
      isStep: fc.boolean(),
      output: fc.constantFrom(null, '1', LONG),
      items: fc.constantFrom([], [ITEM, { ...ITEM, index: 1 }]),
      checkpoints: fc.constantFrom([], [{ path: 'a', order: [0], key: 'k', value: '1' }]),
      signals: fc.constantFrom([], [{ number: 1, path: 'a' }]),
      job: fc.constantFrom<JournalEntry['job']>(
        { progress: 5 },
        { progress: 100, end: { status: 'COMPLETED', at: 1, output: '1' } },
      ),
    })
    .map(({ isStep, output, ...rest }) => ({
      ...rest,
      steps: isStep ? [completedStep('a')] : [],
      values: isStep && output !== null ? [{ ...values('a'), output }] : [],
    }))
  const jobs = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), entry, fc.nat(1)), {
    minLength: 1,
    maxLength: 4,
  })
  fc.assert(
    fc.property(jobs, (given) => {
      const writes = given.map(([job, one, commandsSeen]) => write(job, one, commandsSeen))
      const { name, text, values: sent } = flushStatement(writes)
      const parameters = [...text.matchAll(/\$(\d+)::/g)].map(([, number]) => Number(number))
      expect(parameters).toEqual(sent.map((_, index) => index + 1))
      expect(texts.get(name) ?? text).toBe(text)
      texts.set(name, text)
      // pg warns about longer names.
      expect(name.length).toBeLessThanOrEqual(63)
      if (writes.length === 1) return
      const [first, second] = sent as [Buffer, Buffer]
      const numbers = elementsOf(first).map((element) => element.readInt32BE())
      const ids = elementsOf(second).map((element) => uuidText(element))
      expect(ids).toEqual(ids.toSorted())
      expect(numbers.map((number) => writes[number - 1]?.jobId)).toEqual(ids)
    }),
  )
  expect(texts.size).toBeLessThanOrEqual(2 ** (1 + Object.keys(FLUSH_PARTS).length))
})

const LONG = JSON.stringify('x'.repeat(3_000))

const ITEM = {
  path: 'loop',
  order: [0, 0],
  index: 0,
  status: 'COMPLETED',
  output: '1',
  error: null,
  reusedFrom: null,
  finishedAt: 1,
} as const

function write(job: number, entry: JournalEntry, commandsSeen = 0): JobWrite {
  const jobId = `00000000-0000-0000-0000-00000000000${job}` as JobId
  const position = { fence: 1n, lastSeq: 1, entryNo: 1, commandsSeen, now: 1 }
  return mergeEntries([entry], { jobId, ownerId: ownerId('owner'), ...position })
}

function values(path: string) {
  return { path, config: '{}', output: '1' }
}

/** What a statement writes, in its order. */
function writtenTables(text: string): readonly string[] {
  return text.match(/(?:INSERT INTO|UPDATE(?! SET)|DELETE FROM) \w+/g) ?? []
}

/** The elements of a binary array without nulls. */
function elementsOf(array: Buffer): readonly Buffer[] {
  const elements: Buffer[] = []
  for (let offset = 20; offset < array.length;) {
    const length = array.readInt32BE(offset)
    elements.push(array.subarray(offset + 4, offset + 4 + length))
    offset += 4 + length
  }
  return elements
}

function uuidText(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
