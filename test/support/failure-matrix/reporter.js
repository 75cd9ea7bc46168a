import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { FAILURE_MATRIX, readFailureMatrix, unprovenRows } from './rows.js'

/**
 * Fails a run of whole projects in which a test did not run that docs/what-happens-if.md names: a promise of that page is proved by
 * each run of `npm test`. A run of chosen files or tests is left alone.
 */
export default class FailureMatrixReporter {
  #globalConfig
  /** @type {Error | undefined} */
  #failure

  /** @param {{ rootDir: string, onlyChanged: boolean, testNamePattern?: string, testPathPatterns: { patterns: string[] } }} globalConfig */
  constructor(globalConfig) {
    this.#globalConfig = globalConfig
  }

  /**
   * @param {Set<{ config: { displayName?: { name: string }, rootDir: string } }>} contexts
   * @param {{ testResults: { testFilePath: string, testResults: { fullName: string, status: string }[] }[], wasInterrupted: boolean }} results
   */
  onRunComplete(contexts, results) {
    if (this.#isPartial || results.wasInterrupted) return
    const { rootDir } = this.#globalConfig
    const matrix = readFailureMatrix(readFileSync(`${rootDir}/${FAILURE_MATRIX}`, 'utf8'))
    const projects = new Set([...contexts].map(({ config }) => config.displayName?.name))
    /** @type {Map<string, { fullName: string, status: string }[]>} */
    const tests = new Map()
    // A file of a project that ran, and that has no result, has no tests any more.
    for (const { file } of matrix.rows) if (file && projects.has(file.split('/')[1])) tests.set(file, [])
    for (const { testFilePath, testResults } of results.testResults)
      tests.set(relative(rootDir, testFilePath), testResults)
    const unproven = unprovenRows(matrix, tests)
    if (unproven.length === 0) return
    this.#failure = new Error(
      `${FAILURE_MATRIX} names tests that did not run:\n${unproven.join('\n')}\n` +
        'Name the test that proves the row, or list its file below the table with the reason for which it may be skipped.',
    )
    console.error(this.#failure.message)
  }

  getLastError() {
    return this.#failure
  }

  /** Whether files or tests were chosen. */
  get #isPartial() {
    const { onlyChanged, testNamePattern, testPathPatterns } = this.#globalConfig
    return onlyChanged || Boolean(testNamePattern) || testPathPatterns.patterns.length > 0
  }
}
