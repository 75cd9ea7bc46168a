import type { ClaimedJournal } from '../../db/journal/index.ts'
import type { JournalEntry } from '../../engine/record/index.ts'

/** A journal that calls back after the commit of each entry. */
export function afterCommits(
  journal: ClaimedJournal,
  onCommitted: (entry: JournalEntry) => void,
): ClaimedJournal {
  return {
    ...journal,
    append: (entry) => journal.append(entry).then(() => onCommitted(entry)),
    note: (entry, onDecided) =>
      journal.note(entry, (refusal) => {
        if (refusal === null) onCommitted(entry)
        onDecided(refusal)
      }),
  }
}
