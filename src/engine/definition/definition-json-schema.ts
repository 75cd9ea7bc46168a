import { z } from 'zod'
import type { JsonObject } from '../../lib/json/index.ts'
import { definitionSchema } from './definition.ts'

/**
 * The JSON Schema (2020-12) of a definition as people write it, for editors and generators. It tells the shape of a
 * document: what blocks ask of their configs, and whether the parts fit each other, is for `validateDefinition` to say.
 */
export function definitionJsonSchema(): JsonObject {
  return {
    title: 'Lume workflow definition',
    ...(z.toJSONSchema(definitionSchema, { io: 'input', target: 'draft-2020-12' }) as JsonObject),
  }
}
