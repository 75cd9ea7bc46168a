import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { fc } from '../support/fast-check.ts'
import { createJournalStore, type JournalStore } from '../../src/db/journal/journal-store.ts'
import { Journal, type ClaimedJournal } from '../../src/db/journal/journal.ts'
import { createLogStore } from '../../src/db/log/log-store.ts'
import { event } from '../../src/engine/record/event.ts'
import { FenceLostError, type JournalEntry } from '../../src/engine/record/journal.ts'
import type { JobId } from '../../src/lib/ids.ts'
import { systemClock } from '../../src/lib/time/clock.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { steal, storeClaimedJob, timelineMessages } from '../support/jobs.ts'
import { settledNote } from '../support/settled-note.ts'

const JOBS = 3
const PROCESSES = 2

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})

afterAll(() => database.drop())

/** What may happen to a flush: `during` is a connection that breaks while the server goes on with the statement. */
const BREAKS = ['before', 'during', 'after', 'deadlock'] as const

const job = fc.nat(JOBS - 1)
const process = fc.nat(PROCESSES - 1)
const command = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      job,
      events: fc.integer({ min: 0, max: 3 }),
      isNote: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('appendAsFormer' as const), job }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('hasten' as const), job }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('claim' as const), job, process }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('break' as const),
      process,
      how: fc.constantFrom(...BREAKS),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('settle' as const) }) },
)
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never

test('under any interleaving of appends, claims and faults a timeline is what was acknowledged, in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 60 }), async (commands) => {
      const world = await openWorld()
      for (const each of commands) await obey(each, world)
      await settle(world)
      for (const { id, holders } of world.jobs) {
        const timeline = await timelineMessages(database.pool, id)
        const notes = (await Promise.all(holders.flatMap(({ appends }) => appends))).flat()
        const acknowledged = notes.filter(({ fault }) => fault === null).map(({ text }) => text)
        // One holder after the other, and each one's own order.
        expect(timeline).toEqual(timeline.toSorted((a, b) => orderOf(a) - orderOf(b)))
        expect(timeline).toEqual(expect.arrayContaining(acknowledged))
        // Whatever else is there had landed when its answer was lost and the job was claimed by another at once.
        const unheard = timeline.filter((text) => !acknowledged.includes(text))
        expect([...world.answersLost]).toEqual(expect.arrayContaining(unheard))
        // P3: what a holder appends once there is a newer one goes nowhere; the newest is never refused.
        expect(timeline.filter((text) => world.appendedTooLate.has(text))).toEqual([])
        for (const { holder, fault } of notes) {
          if (fault === null) continue
          expect(fault).toBeInstanceOf(FenceLostError)
          expect(holder).toBeLessThan(holders.length - 1)
        }
      }
    }),
    { numRuns: 100 },
  )
}, 60_000)

interface World {
  readonly jobs: readonly ModelJob[]
  readonly processes: readonly ModelProcess[]
  /** The texts of flushes that landed, or may yet land, and whose writers were told that the connection broke. */
  readonly answersLost: Set<string>
  /** The texts of holders that were none any more when they wrote them. */
  readonly appendedTooLate: Set<string>
  /** Statements that the server works on although their connection broke. */
  readonly abandoned: Promise<unknown>[]
}

interface ModelProcess {
  readonly journal: Journal
  /** What happens to the flushes to come. */
  readonly breaks: (typeof BREAKS)[number][]
}

interface ModelJob {
  readonly id: JobId
  readonly holders: Holder[]
}

interface Holder {
  readonly ledger: ClaimedJournal
  readonly appends: Promise<readonly Note[]>[]
}

interface Note {
  readonly text: string
  readonly holder: number
  /** Null: it was acknowledged. */
  readonly fault: unknown
}

async function openWorld(): Promise<World> {
  const lost = { answersLost: new Set<string>(), abandoned: [] }
  const processes = Array.from({ length: PROCESSES }, () => openProcess(lost))
  const claims = await Promise.all(Array.from({ length: JOBS }, () => storeClaimedJob(database.pool)))
  const [first] = processes
  const jobs = claims.map((claim) => ({
    id: claim.jobId,
    holders: first ? [{ ledger: first.journal.open(claim), appends: [] }] : [],
  }))
  return { jobs, processes, appendedTooLate: new Set(), ...lost }
}

function openProcess({ answersLost, abandoned }: Pick<World, 'answersLost' | 'abandoned'>): ModelProcess {
  const inner = createJournalStore(database.pool)
  const breaks: (typeof BREAKS)[number][] = []
  const store: JournalStore = {
    ...inner,
    async flush(writes) {
      const how = breaks.shift()
      if (how === 'deadlock') throw Object.assign(new Error('injected'), { code: '40P01' })
      if (how === 'before') throw CUT
      const flushed = inner.flush(writes)
      if (how === undefined) return flushed
      abandoned.push(flushed)
      for (const { draft } of writes.flatMap(({ events }) => events)) {
        if (draft.kind === 'JOB_PROGRESS') answersLost.add(draft.body.message ?? '')
      }
      if (how === 'after') await flushed
      throw CUT
    },
  }
  const clock = { ...systemClock, wait: async () => undefined }
  const pages = createLogStore(database.pool)
  return { breaks, journal: new Journal({ store, pages, clock, logger: { warn: () => undefined } }) }
}

const CUT = Object.assign(new Error('injected'), { code: 'ECONNRESET' })

async function settle({ processes, abandoned }: World): Promise<void> {
  await Promise.all(processes.map(({ journal }) => journal.idle()))
  await Promise.all(abandoned)
}

async function obey(command: Command, world: World): Promise<void> {
  switch (command.kind) {
    case 'append':
      return append(world, { ...command, former: 0 })
    case 'appendAsFormer':
      return append(world, { job: command.job, former: 1, events: 1, isNote: false })
    case 'hasten':
      return world.jobs[command.job]?.holders.at(-1)?.ledger.hasten()
    case 'claim': {
      const { id, holders } = world.jobs[command.job] as ModelJob
      const ledger = world.processes[command.process]?.journal.open(await steal(database.pool, id))
      if (ledger) holders.push({ ledger, appends: [] })
      return
    }
    case 'break':
      world.processes[command.process]?.breaks.push(command.how)
      return
    case 'turn':
      return new Promise((resolve) => setImmediate(resolve))
    case 'settle':
      return settle(world)
  }
}

/** Has a job's newest holder append, or one before it. A text says who wrote it and when: `job.holder.number`. */
function append(
  { jobs, appendedTooLate }: World,
  { job, former, events, isNote }: { job: number; former: number; events: number; isNote: boolean },
): void {
  const { holders } = jobs[job] as ModelJob
  const number = holders.length - 1 - former
  const holder = holders[number]
  if (!holder) return
  const texts = Array.from({ length: events }, (_, n) => `${job}.${number}.${holder.appends.length * 10 + n}`)
  if (former > 0) for (const text of texts) appendedTooLate.add(text)
  const entry: JournalEntry = {
    events: texts.map((message) => event('JOB_PROGRESS', 1, { message })),
    job: { progress: 5, status: 'RUNNING' },
  }
  const appended = isNote ? settledNote(holder.ledger, entry) : holder.ledger.append(entry)
  const told = (fault: unknown): readonly Note[] => texts.map((text) => ({ text, holder: number, fault }))
  holder.appends.push(appended.then(() => told(null), told))
}

function orderOf(text: string): number {
  const [, holder, number] = text.split('.').map(Number)
  return (holder ?? 0) * 1_000_000 + (number ?? 0)
}
