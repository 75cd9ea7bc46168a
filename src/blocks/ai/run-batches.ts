import { z } from 'zod'
import type { BlockContext } from '../../engine/block/index.ts'
import { isJsonObject, type Json } from '../../lib/json/index.ts'
import { payOnce } from '../providers/shared/index.ts'
import { itemResultSchema, type IndexedItem, type ItemResult } from './item-result.ts'

const recordedSchema = z.array(itemResultSchema(z.custom(isJsonObject)))

export interface BatchWork {
  readonly items: readonly Json[]
  readonly batchSize: number
  /** How many batches are under way at the same time. */
  readonly concurrency: number
  /** Gives a result for each item of a batch, in order. */
  readonly ask: (batch: readonly IndexedItem[]) => Promise<readonly ItemResult[]>
}

type Recorder = Pick<BlockContext, 'checkpoints' | 'checkpoint' | 'progress' | 'signal'>

/**
 * Works through a list in batches and gives the results in the order of the items. Each batch's results are recorded as
 * soon as they are there, and what an earlier attempt recorded is not asked for again. When a batch fails as a whole, no
 * further one is begun, those under way are brought to their end, and the first failure is thrown.
 */
export async function runBatches(work: BatchWork, context: Recorder): Promise<readonly ItemResult[]> {
  const { items, batchSize, concurrency, ask } = work
  const open = batchesOf(items, batchSize)
  const results: ItemResult[] = []
  const failures: unknown[] = []

  async function runLane(): Promise<void> {
    for (let batch = open.shift(); batch && failures.length === 0; batch = open.shift()) {
      try {
        results.push(...(await askOnce(batch)))
        context.progress(results.length / items.length, `${results.length} of ${items.length}`)
      } catch (failure) {
        failures.push(failure)
      }
    }
  }

  async function askOnce(batch: readonly IndexedItem[]): Promise<readonly ItemResult[]> {
    const key = `items ${batch[0]?.index}-${batch.at(-1)?.index}`
    const recorded = await payOnce(key, context, () => ask(batch))
    return recordedSchema.parse(recorded) as readonly ItemResult[]
  }

  await Promise.all(Array.from({ length: concurrency }, runLane))
  if (failures.length > 0) throw failures[0]
  return results.sort((one, other) => one.index - other.index)
}

function batchesOf(items: readonly Json[], size: number): (readonly IndexedItem[])[] {
  const indexed = items.map((item, index) => ({ index, item }))
  const count = Math.ceil(items.length / size)
  return Array.from({ length: count }, (_, batch) => indexed.slice(batch * size, (batch + 1) * size))
}
