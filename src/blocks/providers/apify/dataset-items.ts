import { z } from 'zod'
import type { BlockContext } from '../../../engine/block/index.ts'
import { isJsonObject, type Json, type JsonObject } from '../../../lib/json/index.ts'
import { repeatRead, type ProviderCaller } from '../shared/index.ts'
import type { ApifyClient } from './apify-client.ts'

const PAGE_SIZE = 250
/** A step's output holds 4 MiB. A run that was paid for must not be lost because its results are larger. */
const MAX_BYTES = 3_500_000

export interface DatasetWish {
  readonly datasetId: string
  readonly offset: number
  readonly maxItems: number
  readonly clean: boolean
  readonly fields: readonly string[]
}

export interface DatasetPorts extends ProviderCaller {
  readonly random: () => number
  /** Called after every page. */
  onPage(read: number, total: number | null): void
}

export const datasetOutput = {
  items: z.array(z.json()).describe('The items, as the actor wrote them.'),
  failures: z
    .array(z.json())
    .describe('Items by which the actor says that it failed for one of its inputs; they hold an `error`.'),
  total: z.int().describe('How many items the dataset holds in all, read or not.'),
  isCut: z
    .boolean()
    .describe(
      'Whether items were left out because a step’s output would be too large; name `fields` to keep more.',
    ),
}

export interface DatasetItems {
  readonly items: readonly Json[]
  readonly failures: readonly JsonObject[]
  readonly total: number
  readonly isCut: boolean
}

/** Reads a dataset page by page, up to as many items as are wanted and fit into an output. */
export async function readDataset(
  client: Pick<ApifyClient, 'readItems'>,
  { maxItems, offset, ...wish }: DatasetWish,
  ports: DatasetPorts,
): Promise<DatasetItems> {
  const items: Json[] = []
  const failures: JsonObject[] = []
  const limit = Math.min(PAGE_SIZE, maxItems)
  let room = MAX_BYTES
  let total = offset
  let isMore = true
  for (let at = offset; isMore; at += limit) {
    const page = await repeatRead(() => client.readItems({ ...wish, offset: at, limit }, ports), ports)
    for (const item of page.items) {
      const isWanted = isFailure(item) || items.length < maxItems
      if (isWanted) room -= Buffer.byteLength(JSON.stringify(item)) + 1
      if (room < 0) break
      if (isFailure(item)) failures.push(item)
      else if (isWanted) items.push(item)
    }
    total = page.total ?? at + page.items.length
    // A cleaned page may be short, or empty, in the middle: only the total tells the end.
    isMore = page.total === null ? page.items.length === limit : at + limit < page.total
    if (items.length >= maxItems || room < 0) isMore = false
    ports.onPage(items.length, page.total)
  }
  return { items, failures, total, isCut: room < 0 }
}

/** Tells how far reading is: as a fraction of what remains after `from`. */
export function reportPages(
  { heartbeat, progress }: Pick<BlockContext, 'heartbeat' | 'progress'>,
  { maxItems, from }: { readonly maxItems: number; readonly from: number },
): DatasetPorts['onPage'] {
  return (read, total) => {
    heartbeat()
    const wanted = Math.max(1, Math.min(total ?? read, maxItems))
    progress(from + (1 - from) * Math.min(1, read / wanted), `${read} of ${total ?? 'unknown'} results read`)
  }
}

/** Scrapers write what went wrong with one input among the results. */
function isFailure(item: Json): item is JsonObject {
  return isJsonObject(item) && typeof item['error'] === 'string' && item['error'] !== ''
}
