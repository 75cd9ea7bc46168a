import { z } from 'zod'
import type { JsonObject } from '../../../lib/json/index.ts'
import { isJsonObject } from '../../../lib/json/index.ts'

/** An object of an answer, as it is: what was parsed as JSON need not be checked again, value by value. */
export const jsonObjectSchema = z.custom<JsonObject>(isJsonObject, 'is no object')

/**
 * A list in an answer, read up to the first item that does not fit. `z.array` reports an issue for every item: a million of them keep
 * the thread for seconds.
 */
export function listOf<T>(item: z.ZodType<T>): z.ZodType<readonly T[]> {
  return z.unknown().transform((value, context) => {
    if (!Array.isArray(value)) {
      context.addIssue({ code: 'custom', message: 'is no list' })
      return z.NEVER
    }
    const items: T[] = []
    for (const [index, one] of value.entries()) {
      const read = item.safeParse(one)
      if (!read.success) {
        const [issue] = read.error.issues
        const path = [index, ...(issue?.path ?? [])]
        context.addIssue({ code: 'custom', message: issue?.message ?? 'does not fit', path })
        return z.NEVER
      }
      items.push(read.data)
    }
    return items
  })
}
