/** What `@jest/globals` exports in a test file: the functions that belong to the test file that runs now. */
export let jest, expect, describe, test, it, beforeAll, beforeEach, afterEach, afterAll

/** Called before each test file. Each worker runs one test file at a time. */
export function setGlobals(globals) {
  ;({ jest, expect, describe, test, it, beforeAll, beforeEach, afterEach, afterAll } = globals)
}
