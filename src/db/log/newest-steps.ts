import { statusCode } from './codes.ts'
import { requireKnownFormat, type LogRow } from './decode-entry.ts'
import type { StepChange } from './entry.ts'
import type { EntryAt } from './fold.ts'

/** The newest record of a step, of which `decodeStep` makes the step. */
export interface NewestStep {
  readonly change: StepChange
  /** Where the times of the change count from. */
  readonly at: number
  /** The entry that has the record. */
  readonly entry: EntryAt
}

/**
 * The newest record of each step in these entries, by path. For readers that need few of the steps decoded, and none of their values.
 * Throws on an entry that a later build has written.
 */
export function newestSteps(rows: readonly LogRow[]): ReadonlyMap<string, NewestStep> {
  const steps = new Map<string, NewestStep>()
  for (const row of rows) {
    requireKnownFormat(row)
    const { at, seq, entryNo, changes } = row
    for (const change of changes?.s ?? []) steps.set(change.p, { change, at, entry: { seq, entryNo } })
  }
  return steps
}

/** Whether a step waits for a timer, a signal, a child or its next attempt. */
export function isWaiting({ s, w }: StepChange): boolean {
  return s === RETRYING || (s === WAITING && w !== undefined)
}

/** Whether `text`, the JSON text of the changes of an entry, may have a step that waits: those of an entry that has one do. */
export function mayWaitSql(text: string): string {
  return [WAITING, RETRYING].map((code) => `strpos(${text}, '"s":"${code}"') > 0`).join(' OR ')
}

const WAITING = statusCode('WAITING')
const RETRYING = statusCode('RETRYING')
