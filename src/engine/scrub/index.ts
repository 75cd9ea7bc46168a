/** Masks secret values, in every spelling that reveals them, in whatever is recorded or published. */
export { EXECUTION_SECRETS_MAX_LENGTH, MASK, SCRUB_MAX_WORK, Scrubber } from './scrub.ts'
