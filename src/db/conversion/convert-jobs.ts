import { createLogStore, writePages } from '../log/index.ts'
import type { Queryable } from '../sql/index.ts'
import { EntryWriter } from './entry-writer.ts'
import { groupedBy, isLast, keyOf, lastEventsOf, nameOf, NO_RECORDS, readRecords } from './found-records.ts'
import { LogDraft, PIECE_MAX_COUNT } from './log-draft.ts'
import { OldRecords, type OldJob } from './old-records.ts'

/** Writes the logs of these jobs from their rows in the tables. All statements belong to one transaction of the caller. */
export async function convertJobs(pool: Queryable, jobs: readonly OldJob[]): Promise<void> {
  const records = new OldRecords(pool)
  for (const group of groupsOf(jobs)) {
    const [only] = group
    if (only && only.lastSeq > PIECE_MAX_COUNT) await convertLong(pool, records, only)
    else await convertShort(pool, records, group)
  }
}

/** Jobs with few events are read together; each other one is a group. */
function groupsOf(jobs: readonly OldJob[]): readonly (readonly OldJob[])[] {
  const groups: OldJob[][] = []
  let count = Number.POSITIVE_INFINITY
  for (const job of jobs) {
    count += job.lastSeq
    if (count > PIECE_MAX_COUNT) {
      groups.push([])
      count = job.lastSeq
    }
    groups.at(-1)?.push(job)
  }
  return groups
}

async function convertShort(pool: Queryable, records: OldRecords, jobs: readonly OldJob[]): Promise<void> {
  const writer = new EntryWriter(pool, records)
  const events = await records.events(jobs, { after: 0, limit: PIECE_MAX_COUNT })
  const found = await readRecords(records, await records.keys(jobs))
  const byJob = groupedBy(events, ({ jobId }) => jobId)
  for (const job of jobs) {
    const own = byJob.get(job.id) ?? []
    const log = new LogDraft(job, writer)
    await log.add(own, lastEventsOf(own), found)
    await log.end(found)
  }
  await writer.flush()
}

async function convertLong(pool: Queryable, records: OldRecords, job: OldJob): Promise<void> {
  const writer = new EntryWriter(pool, records)
  const store = createLogStore(pool)
  const log = new LogDraft(job, writer)
  const last = await records.lastEvents(job)
  for (let after = 0; after < job.lastSeq;) {
    const events = await records.events([job], { after, limit: PIECE_MAX_COUNT })
    if (events.length === 0) break
    after = events.at(-1)?.seq ?? job.lastSeq
    const keys = events.flatMap((event) => (isLast(event, last) ? keyOf(job, event) : []))
    await log.add(events, last, await readRecords(records, keys))
    await writer.flush()
    await writePages(store, job)
  }
  const rest = (await records.keys([job])).filter((key) => !last.has(nameOf(key)))
  for (let done = 0; done < rest.length; done += PIECE_MAX_COUNT) {
    const found = await readRecords(records, rest.slice(done, done + PIECE_MAX_COUNT))
    await log.addUntold(found)
  }
  await log.end(NO_RECORDS)
  await writer.flush()
  await writePages(store, job)
}
