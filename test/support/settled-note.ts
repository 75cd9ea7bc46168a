import type { JournalEntry, RunJournal } from '../../src/engine/record/journal.ts'

/** Records an entry that no caller awaits, and settles once its commit is decided. */
export function settledNote(journal: Pick<RunJournal, 'note'>, entry: JournalEntry): Promise<void> {
  return new Promise((resolve, reject) => {
    journal.note(entry, (refusal) => (refusal === null ? resolve() : reject(refusal)))
  })
}
