import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'

const FOLDER = 'src/db/embedded'
const CODE = /'((?:DATA_DIR|EMBEDDED_DATABASE)_[A-Z_]+)'/g

test('docs/embedded-database.md says what to do about each code of the embedded database, and names no other', () => {
  const codes = new Set<string>()
  for (const file of readdirSync(FOLDER)) {
    for (const [, code = ''] of readFileSync(`${FOLDER}/${file}`, 'utf8').matchAll(CODE)) codes.add(code)
  }
  const page = readFileSync('docs/embedded-database.md', 'utf8')
  const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| .+ \| .+ \|$/gm)].map(([, code = '']) => code)
  expect(rows.toSorted()).toEqual([...codes].toSorted())
})
