import { z } from 'zod'
import type { Json } from './json.ts'

/**
 * A schema that takes any JSON value as it is, for values that are known to be plain JSON, such as the config of a block.
 * `z.json()` tries six types for each value inside, which takes seconds for a list of some hundred thousand values.
 */
export function anyJson(): z.ZodType<Json> {
  return z.unknown().refine((value) => value !== undefined) as unknown as z.ZodType<Json>
}
