import type { EventDraft } from '../../engine/record/index.ts'
import { encodeEntry, NO_CONTENTS } from '../log/index.ts'

/** The events of the first entry in a job's log, as JSON text. The entry has the time of the event. */
export function queuedEntry(queued: EventDraft): string | null {
  return encodeEntry({ ...NO_CONTENTS, events: [{ draft: queued, progress: 0 }] }, queued.at).events
}
