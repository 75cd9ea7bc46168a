/** Masks secret values, in every spelling that reveals them, in whatever is recorded or published. */
export { EXECUTION_SECRETS_MAX_LENGTH, MASK, Scrubber, SECRET_COUNTED_MIN_LENGTH } from './scrub.ts'
