import { readFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import { FAILURE_MATRIX, readFailureMatrix, unprovenRows } from '../../support/failure-matrix/rows.js'

test('every row of the failure matrix names a test that exists', async () => {
  const { rows } = readFailureMatrix(await readFile(FAILURE_MATRIX, 'utf8'))
  expect(rows.length).toBeGreaterThan(20)
  for (const { line, file, title } of rows) {
    expect([line, file]).toEqual([line, expect.stringMatching(/^test\/.+\.test\.ts$/)])
    const source = await readFile(file ?? '', 'utf8')
    expect([file, title, source.includes(title)]).toEqual([file, title, true])
  }
})

test('every file whose tests may be skipped is one that the failure matrix names', async () => {
  const { rows, skippable } = readFailureMatrix(await readFile(FAILURE_MATRIX, 'utf8'))
  expect(rows.map(({ file }) => file)).toEqual(expect.arrayContaining([...skippable]))
})

const PAGE = `# What happens if

| if | then | test |
| --- | --- | --- |
| a | b | \`test/db/a.test.ts\`: the commit %s (P5) |
| a | b | \`test/db/b.test.ts\`: it holds |

- \`test/db/b.test.ts\`: it needs a program that not every machine has.
`

test.each([
  ['passed in every file', 'passed', 'passed', []],
  ['is skipped in a file that the page lists', 'passed', 'pending', []],
  [
    'is skipped in another file',
    'pending',
    'passed',
    ['test/db/a.test.ts: the commit %s (P5): the test did not run'],
  ],
  ['failed, which the run reports by itself', 'failed', 'passed', []],
  ['is to be written', 'todo', 'passed', ['test/db/a.test.ts: the commit %s (P5): the test did not run']],
])('a named test that %s leaves these rows without proof', (_case, first, second, unproven) => {
  const results = new Map([
    ['test/db/a.test.ts', [{ fullName: 'a kill at the commit of an end (P5)', status: first }]],
    ['test/db/b.test.ts', [{ fullName: 'it holds', status: second }]],
  ])
  expect(unprovenRows(readFailureMatrix(PAGE), results)).toEqual(unproven)
})

test('a named test that its file no longer has leaves its row without proof; files of projects that did not run are left out', () => {
  const results = new Map([['test/db/b.test.ts', [{ fullName: 'it has another title', status: 'passed' }]]])
  expect(unprovenRows(readFailureMatrix(PAGE), results)).toEqual([
    'test/db/b.test.ts: it holds: there is no such test',
  ])
})
