import { readFile, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { createHttpClient } from '../src/blocks/api/http/http-client.ts'
import { httpBlock } from '../src/blocks/api/http.ts'
import { providerSettingsSchema } from '../src/blocks/api/provider/provider-settings.ts'
import { CORE_BLOCKS } from '../src/blocks/index.ts'
import { providerBlocks } from '../src/blocks/providers.ts'
import type { Block } from '../src/engine/block.ts'
import { definitionJsonSchema } from '../src/engine/definition-json-schema.ts'
import { DIAGNOSTIC_CODES } from '../src/engine/diagnostics.ts'
import { EXPRESSION_FUNCTIONS } from '../src/engine/expression.ts'
import { systemClock } from '../src/lib/clock.ts'
import { isJsonObject, type Json } from '../src/lib/json.ts'

// Writes what is read off the code: parts of the docs, between the marks that each page has for them, and the JSON Schema
// of definitions.

await fill('expressions.md', { functions: functionTables() })
await fill('diagnostics.md', { codes: diagnosticTable() })
await fill('blocks.md', { blocks: blockPages() })
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
          row([code(signature), description, code(example), code(JSON.stringify(result))]),
      )
      return [
        `### ${group}`,
        '',
        row(['function', '', 'example', 'gives']),
        row(['---', '---', '---', '---']),
        ...rows,
      ].join('\n')
    })
    .join('\n\n')
}

function diagnosticTable(): string {
  const rows = Object.entries(DIAGNOSTIC_CODES).map(([name, meaning]) => row([code(name), meaning]))
  return [row(['code', 'means']), row(['---', '---']), ...rows].join('\n')
}

function blockPages(): string {
  // Nothing is sent: blocks are only looked at.
  const client = createHttpClient({ policy: () => ({ allowedHosts: [], allowedOrigins: [] }) })
  const providers = providerSettingsSchema.parse({})
  return [...CORE_BLOCKS, httpBlock({ client }), ...providerBlocks({ client, providers, clock: systemClock })]
    .toSorted((a, b) => (a.type < b.type ? -1 : 1))
    .map(blockPage)
    .join('\n\n')
}

function blockPage(block: Block): string {
  const { type, name, description, config, output, sample } = block
  const configs = variantsOf(z.toJSONSchema(config, { io: 'input', unrepresentable: 'any' }) as Json)
  const outputs = z.toJSONSchema(output, { unrepresentable: 'any' }) as Json
  return [
    `## ${type}`,
    '',
    `**${name}.** ${description} ${kindOf(block)}`,
    '',
    ...configs.flatMap((variant) => [...configTable(variant), '']),
    ...outputTable(outputs),
    `Sample output: ${code(JSON.stringify(sample))}`,
  ].join('\n')
}

function kindOf({ effect, repeat, secrets }: Block): string {
  if (effect === 'pure') return 'Pure.'
  const needs = secrets.length > 0 ? ` Reads the secret ${secrets.map(code).join(', ')}.` : ''
  const care = repeat === 'never' ? ' Never repeated when nobody knows whether the call happened.' : ''
  return `External.${needs}${care}`
}

/** A config is one object, or one of several. */
function variantsOf(schema: Json): readonly Json[] {
  const variants = isJsonObject(schema) ? (schema.anyOf ?? schema.oneOf) : undefined
  return Array.isArray(variants) ? (variants as readonly Json[]) : [schema]
}

function configTable(schema: Json): string[] {
  const properties = isJsonObject(schema) && isJsonObject(schema.properties) ? schema.properties : {}
  const required =
    isJsonObject(schema) && Array.isArray(schema.required) ? (schema.required as readonly Json[]) : []
  const rows = Object.entries(properties).map(([name, property]) => {
    const { description, default: fallback } = isJsonObject(property) ? property : {}
    const need = required.includes(name)
      ? 'required'
      : fallback === undefined
        ? ''
        : code(JSON.stringify(fallback))
    return row([code(name), need, typeof description === 'string' ? description : ''])
  })
  return [row(['config', 'default', '']), row(['---', '---', '---']), ...rows]
}

/** Of an object; other outputs are told by the description and the sample. */
function outputTable(schema: Json): string[] {
  const properties = isJsonObject(schema) && isJsonObject(schema.properties) ? schema.properties : {}
  const rows = Object.entries(properties).map(([name, property]) => {
    const description = isJsonObject(property) ? property.description : undefined
    return row([code(name), typeof description === 'string' ? description : ''])
  })
  return rows.length > 0 ? [row(['output', '']), row(['---', '---']), ...rows, ''] : []
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
}

function code(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``
}
