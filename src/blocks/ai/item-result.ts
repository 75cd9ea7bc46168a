import { z } from 'zod'
import type { Json, JsonObject } from '../../lib/json/index.ts'

/** What became of one item, in the form in which a loop collects: an item that failed is told in its place. */
export type ItemResult =
  | { readonly index: number; readonly status: 'COMPLETED'; readonly output: JsonObject }
  | { readonly index: number; readonly status: 'FAILED'; readonly error: ItemError }

export type ItemError = { readonly code: string; readonly message: string }

export interface IndexedItem {
  /** The item's place in the whole list, from 0. */
  readonly index: number
  readonly item: Json
}

export function itemResultSchema(output: z.ZodType) {
  return z.union([
    z.object({ index: z.int(), status: z.literal('COMPLETED'), output }),
    z.object({
      index: z.int(),
      status: z.literal('FAILED'),
      error: z.object({ code: z.string(), message: z.string() }),
    }),
  ])
}

export function failedItem(index: number, error: ItemError): ItemResult {
  return { index, status: 'FAILED', error }
}
