import fc from 'fast-check'

/** Less than a test may take: shrinking stops in time for the counterexample to be told. */
const PATIENCE_MS = 25_000

fc.configureGlobal({ interruptAfterTimeLimit: PATIENCE_MS, markInterruptAsFailure: true })

/** fast-check, with the settings that all laws share. */
export { fc }
