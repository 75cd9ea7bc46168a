import { readFile, writeFile } from 'node:fs/promises'
import { CORE_BLOCKS } from '../src/blocks/core/index.ts'
import { httpBlock } from '../src/blocks/http/index.ts'
import { providerBlocks } from '../src/blocks/index.ts'
import { providerSettingsSchema } from '../src/blocks/providers/shared/index.ts'
import { EXPRESSION_FUNCTIONS } from '../src/cel/index.ts'
import { blockPage } from '../src/engine/block/index.ts'
import { definitionJsonSchema, DIAGNOSTIC_CODES } from '../src/engine/definition/index.ts'
import { codeSpan, tableRow } from '../src/lib/text/index.ts'
import { systemClock } from '../src/lib/time/index.ts'
import { createHttpClient } from '../src/net/index.ts'
import { limitTables } from './limit-tables.ts'

// Writes what is read off the code: parts of the docs, between the marks that each page has for them, and the JSON Schema
// of definitions.

await fill('expressions.md', { functions: functionTables() })
await fill('diagnostics.md', { codes: diagnosticTable() })
await fill('blocks.md', { blocks: blockPages() })
await fill('security.md', { limits: limitTables() })
await writeFile(
  new URL('../definition.schema.json', import.meta.url),
  `${JSON.stringify(definitionJsonSchema(), null, 2)}\n`,
)

async function fill(page: string, parts: Readonly<Record<string, string>>): Promise<void> {
  const url = new URL(`../docs/${page}`, import.meta.url)
  let text = await readFile(url, 'utf8')
  for (const [name, content] of Object.entries(parts)) {
    const [begin, end] = [`<!-- ${name}: generated -->`, `<!-- ${name}: end -->`]
    const from = text.indexOf(begin)
    const to = text.indexOf(end)
    if (from < 0 || to < from) throw new Error(`docs/${page} has no marks for ${name}`)
    text = `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`
  }
  await writeFile(url, text)
}

function functionTables(): string {
  const groups = [...new Set(EXPRESSION_FUNCTIONS.map(({ group }) => group))]
  return groups
    .map((group) => {
      const rows = EXPRESSION_FUNCTIONS.filter((fn) => fn.group === group).map(
        ({ signature, description, example, result }) =>
          tableRow([codeSpan(signature), description, codeSpan(example), codeSpan(JSON.stringify(result))]),
      )
      return [
        `### ${group}`,
        '',
        tableRow(['function', '', 'example', 'gives']),
        tableRow(['---', '---', '---', '---']),
        ...rows,
      ].join('\n')
    })
    .join('\n\n')
}

function diagnosticTable(): string {
  const rows = Object.entries(DIAGNOSTIC_CODES).map(([name, meaning]) => tableRow([codeSpan(name), meaning]))
  return [tableRow(['code', 'means']), tableRow(['---', '---']), ...rows].join('\n')
}

function blockPages(): string {
  // Nothing is sent: blocks are only looked at.
  const client = createHttpClient({ policy: () => ({ allowedHosts: [], allowedOrigins: [] }) })
  const providers = providerSettingsSchema.parse({})
  return [...CORE_BLOCKS, httpBlock({ client }), ...providerBlocks({ client, providers, clock: systemClock })]
    .toSorted((a, b) => (a.type < b.type ? -1 : 1))
    .map((block) => blockPage(block))
    .join('\n\n')
}
