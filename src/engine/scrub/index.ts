/** Masks secret values, in every spelling that reveals them, in whatever is recorded or published. */
export { MASK, Scrubber } from './scrub.ts'
