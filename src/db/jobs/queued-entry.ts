import type { EventDraft } from '../../engine/record/index.ts'
import { encodeEntry } from '../log/index.ts'

/** The events of the first entry in a job's log, as JSON text. The entry has the time of the event. */
export function queuedEntry(queued: EventDraft): string | null {
  const contents = { steps: [], values: [], items: [], checkpoints: [], signals: [], output: null }
  return encodeEntry({ ...contents, events: [{ draft: queued, progress: 0 }] }, queued.at).events
}
