import { readFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'

const ROW = /^\| .+ \| `([^`]+)`: (.+) \|$/

test('every row of the failure matrix names a test that exists', async () => {
  const page = await readFile('docs/what-happens-if.md', 'utf8')
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
  expect(rows.length).toBeGreaterThan(20)
  for (const row of rows) {
    const [, file = '', name = ''] = ROW.exec(row) ?? []
    expect([row, file]).toEqual([row, expect.stringMatching(/^test\/.+\.test\.ts$/)])
    const source = await readFile(file, 'utf8')
    expect([file, name, source.includes(name)]).toEqual([file, name, true])
  }
})
