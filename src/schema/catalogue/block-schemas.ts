import { z } from 'zod'
import { blockPage, type Block } from '../../engine/block/index.ts'
import { JsonText } from '../../lib/json/index.ts'

/** Blocks and their schemas never change: what is derived from them is derived once. */
const schemas = { input: new WeakMap<z.ZodType, JsonText>(), output: new WeakMap<z.ZodType, JsonText>() }
const pages = new WeakMap<Block, string>()

/** A schema of a block as JSON Schema (2020-12). */
export function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonText {
  const known = schemas[io].get(schema)
  if (known) return known
  const text = new JsonText(JSON.stringify(z.toJSONSchema(schema, { io, unrepresentable: 'any' })))
  schemas[io].set(schema, text)
  return text
}

/** The page of a block in Markdown. */
export function pageOf(block: Block): string {
  const known = pages.get(block)
  if (known !== undefined) return known
  const page = blockPage(block)
  pages.set(block, page)
  return page
}
