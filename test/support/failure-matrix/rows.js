/** A row of the table in docs/what-happens-if.md. */
const ROW = /^\| .+ \| `([^`]+)`: (.+) \|$/
/** A line below the table that says why the tests of a file may be skipped. */
const SKIP = /^- `(test\/[^`]+)`: .+$/

export const FAILURE_MATRIX = 'docs/what-happens-if.md'

/**
 * The tests that the page names. `rows` that name none have a null `file`.
 *
 * @param {string} page the text of docs/what-happens-if.md
 * @returns {{ rows: { line: string, file: string | null, title: string }[], skippable: Set<string> }}
 */
export function readFailureMatrix(page) {
  const lines = page.split('\n')
  const rows = lines
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) => {
      const [, file = null, title = ''] = ROW.exec(line) ?? []
      return { line, file, title }
    })
  const skippable = new Set(lines.flatMap((line) => SKIP.exec(line)?.[1] ?? []))
  return { rows, skippable }
}

/**
 * The rows whose test did not pass, with the reason. `%s` in a title stands for any text, as in `test.each`.
 *
 * @param {ReturnType<typeof readFailureMatrix>} matrix
 * @param {Map<string, { fullName: string, status: string }[]>} results the tests of each file that was to run, by the file's path
 * @returns {string[]}
 */
export function unprovenRows({ rows, skippable }, results) {
  return rows.flatMap(({ file, title }) => {
    const tests = file === null ? undefined : results.get(file)
    if (file === null || !tests) return []
    const named = tests.filter(({ fullName }) => patternOf(title).test(fullName))
    if (named.some(({ status }) => status === 'passed')) return []
    if (named.some(({ status }) => status === 'failed')) return [] // Jest reports it.
    if (named.some(({ status }) => status === 'pending') && skippable.has(file)) return []
    return [`${file}: ${title}: ${named.length === 0 ? 'there is no such test' : 'the test did not run'}`]
  })
}

/** @param {string} title */
function patternOf(title) {
  return new RegExp(title.split('%s').map(escapeText).join('.+'))
}

/** @param {string} text */
function escapeText(text) {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
