import { z } from 'zod'
import { isJsonObject, type Json } from '../../lib/json/index.ts'
import { codeSpan, tableRow } from '../../lib/text/index.ts'
import type { Block } from './block.ts'

/** What the catalogue and docs/blocks.md say of a block, in Markdown: its section, heading included. */
export function blockPage(block: Block): string {
  const { type, name, description, config, input, output, sample } = block
  const configs = variantsOf(z.toJSONSchema(config, { io: 'input', unrepresentable: 'any' }) as Json)
  const outputs = z.toJSONSchema(output, { unrepresentable: 'any' }) as Json
  return [
    `## ${type}`,
    '',
    `**${name}.** ${description} ${kindOf(block)}`,
    '',
    ...configs.flatMap((variant) => [...configTable(variant), '']),
    ...(input ? inputTable(z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }) as Json) : []),
    ...outputTable(outputs),
    `Sample output: ${codeSpan(JSON.stringify(sample))}`,
  ].join('\n')
}

function kindOf({ effect, repeat, secrets }: Block): string {
  if (effect === 'pure') return 'Pure.'
  const needs = secrets.length > 0 ? ` Reads the secret ${secrets.map(codeSpan).join(', ')}.` : ''
  const care = repeat === 'never' ? ' Never repeated when nobody knows whether the call happened.' : ''
  return `External.${needs}${care}`
}

/** A config is one object, or one of several. */
function variantsOf(schema: Json): readonly Json[] {
  const variants = isJsonObject(schema) ? (schema.anyOf ?? schema.oneOf) : undefined
  return Array.isArray(variants) ? (variants as readonly Json[]) : [schema]
}

function configTable(schema: Json): string[] {
  const required =
    isJsonObject(schema) && Array.isArray(schema.required) ? (schema.required as readonly Json[]) : []
  const rows = propertiesOf(schema).map(([name, property]) => {
    const { description, default: fallback } = isJsonObject(property) ? property : {}
    const need = required.includes(name)
      ? 'required'
      : fallback === undefined
        ? ''
        : codeSpan(JSON.stringify(fallback))
    return tableRow([codeSpan(name), need, typeof description === 'string' ? description : ''])
  })
  return [tableRow(['config', 'default', '']), tableRow(['---', '---', '---']), ...rows]
}

/** Of what an input must be; what takes anything says nothing. */
function inputTable(schema: Json): string[] {
  const rows = propertyRows(schema)
  if (rows.length === 0) return [`Input: ${codeSpan(JSON.stringify(schema))}`, '']
  return [tableRow(['input', '']), tableRow(['---', '---']), ...rows, '']
}

/** Of an object; other outputs are told by the description and the sample. */
function outputTable(schema: Json): string[] {
  const rows = propertyRows(schema)
  return rows.length > 0 ? [tableRow(['output', '']), tableRow(['---', '---']), ...rows, ''] : []
}

function propertyRows(schema: Json): readonly string[] {
  return propertiesOf(schema).map(([name, property]) => {
    const description = isJsonObject(property) ? property.description : undefined
    return tableRow([codeSpan(name), typeof description === 'string' ? description : ''])
  })
}

function propertiesOf(schema: Json): readonly (readonly [name: string, property: Json])[] {
  return isJsonObject(schema) && isJsonObject(schema.properties) ? Object.entries(schema.properties) : []
}
