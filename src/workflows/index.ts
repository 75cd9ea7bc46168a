/** Saves drafts, publishes versions, and creates workflows from templates. */
export type { DraftInput } from './draft-fields.ts'
export { DraftTurns } from './draft-turns.ts'
export { storeDraftHashes } from './draft-hashes.ts'
export { createDrafts, draftHash, type Drafts, type RefusedChange, type SaveResult } from './drafts.ts'
export { createPublishing, type Publishing, type PublishResult } from './publishing.ts'
export { createTemplates, type Templates } from './template-files.ts'
export { instantiate, type Template } from './templates.ts'
