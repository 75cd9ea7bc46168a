import { itemPath } from '../../engine/record/index.ts'
import type { JobId } from '../../lib/index.ts'
import type {
  OldCheckpoint,
  OldEvent,
  OldItem,
  OldJob,
  OldRecords,
  OldStep,
  RecordKey,
} from './old-records.ts'

/** The path of a step or an item, as events name it. */
export function nameOf({ path, index }: Pick<RecordKey, 'path' | 'index'>): string {
  return index === null ? path : itemPath(path, index)
}

export function pathOf({ draft: { body } }: OldEvent): string | null {
  return 'path' in body ? body.path : null
}

export function lastEventsOf(events: readonly OldEvent[]): ReadonlyMap<string, number> {
  const last = new Map<string, number>()
  for (const event of events) {
    const path = pathOf(event)
    if (path !== null) last.set(path, event.seq)
  }
  return last
}

export function isLast(event: OldEvent, last: ReadonlyMap<string, number>): boolean {
  const path = pathOf(event)
  return path !== null && last.get(path) === event.seq
}

export function keyOf(job: OldJob, event: OldEvent): RecordKey[] {
  const { body } = event.draft
  if (!('path' in body)) return []
  if (!('index' in body)) return [{ job, path: body.path, index: null }]
  return [{ job, path: body.path.slice(0, -`[${body.index}]`.length), index: body.index }]
}

/** Steps, items and checkpoints without their values, by job and path. */
export interface FoundRecords {
  readonly steps: Map<string, OldStep>
  readonly items: Map<string, OldItem>
  readonly checkpoints: Map<string, readonly OldCheckpoint[]>
}

export const NO_RECORDS: FoundRecords = { steps: new Map(), items: new Map(), checkpoints: new Map() }

export const fullName = (jobId: JobId, name: string) => `${jobId} ${name}`

export async function readRecords(records: OldRecords, keys: readonly RecordKey[]): Promise<FoundRecords> {
  const ofSteps = keys.filter(({ index }) => index === null)
  const ofItems = keys.filter(({ index }) => index !== null)
  const steps = ofSteps.length === 0 ? [] : await records.steps(ofSteps)
  const checkpoints = ofSteps.length === 0 ? [] : await records.checkpoints(ofSteps)
  const items = ofItems.length === 0 ? [] : await records.items(ofItems)
  return {
    steps: new Map(steps.map(({ jobId, ...step }) => [fullName(jobId, step.path), step])),
    items: new Map(
      items.map(({ jobId, ...item }) => [fullName(jobId, itemPath(item.path, item.index)), item]),
    ),
    checkpoints: groupedBy(checkpoints, ({ jobId, path }) => fullName(jobId, path)),
  }
}

export function groupedBy<Row, Key>(rows: readonly Row[], keyOf: (row: Row) => Key): Map<Key, Row[]> {
  const groups = new Map<Key, Row[]>()
  for (const row of rows) {
    const key = keyOf(row)
    const group = groups.get(key)
    if (group) group.push(row)
    else groups.set(key, [row])
  }
  return groups
}
