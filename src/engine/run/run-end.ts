import {
  event,
  FenceLostError,
  type EventDraft,
  type JobEnd,
  type JournalEntry,
  type RunJournal,
  type StepRecord,
} from '../record/index.ts'

/** How a worker's time with a job is over. */
export type RunEnd =
  | { readonly kind: 'ended'; readonly end: JobEnd }
  /** Only waits are left; the lease is given back (E9). */
  | { readonly kind: 'parked'; readonly wakeAt: number | null }
  /** Somebody else goes on, now or later. */
  | { readonly kind: 'yielded' }

export interface LastEntry {
  /** In percent, as reached so far. */
  readonly progress: number
  readonly completedNodes?: number
  /** What comes to its end with the job. */
  readonly events?: readonly EventDraft[]
  readonly steps?: readonly StepRecord[]
}

/** Returns a job's last entry: its terminal event and its end, which are one transaction. */
export function endEntry(end: JobEnd, last: LastEntry): JournalEntry {
  const { events = [], steps = [], ...reached } = last
  const progress = end.status === 'COMPLETED' ? 100 : reached.progress
  return {
    events: [...events, terminalEvent(end)],
    steps,
    job: { ...reached, progress, currentStep: null, end },
  }
}

/** Writes a job's last entry. */
export async function recordEnd(journal: RunJournal, end: JobEnd, last: LastEntry): Promise<RunEnd> {
  try {
    await journal.append(endEntry(end, last))
    return { kind: 'ended', end }
  } catch (fault) {
    if (fault instanceof FenceLostError) return { kind: 'yielded' }
    throw fault
  }
}

function terminalEvent(end: JobEnd): EventDraft {
  switch (end.status) {
    case 'COMPLETED':
      return event('JOB_COMPLETED', end.at, {})
    case 'FAILED':
      return event('JOB_FAILED', end.at, { error: end.error })
    case 'CANCELED':
      return event('JOB_CANCELED', end.at, {})
  }
}
