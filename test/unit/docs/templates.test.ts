import { readFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import type { JsonObject } from '../../../src/lib/json/json.ts'
import { createTemplates } from '../../../src/workflows/template-files.ts'

test('docs/templates.md lists every template, and every parameter of those that it explains', async () => {
  const page = await readFile('docs/templates.md', 'utf8')
  const sections = new Map(page.split('\n## ').map((section) => [section.split('\n')[0] ?? '', section]))
  for (const { id, parameters } of await createTemplates().list()) {
    expect(page).toMatch(new RegExp(`^\\| \\[?\`${id}\``, 'm'))
    const section = sections.get(id)
    const missing = Object.keys(parameters['properties'] as JsonObject).filter(
      (name) => section !== undefined && !section.includes(`\`${name}\``),
    )
    expect([id, missing]).toEqual([id, []])
  }
})
