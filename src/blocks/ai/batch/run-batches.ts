import { z } from 'zod'
import type { BlockContext } from '../../../engine/block.ts'
import { isJsonObject, type Json } from '../../../lib/json.ts'
import { itemResultSchema, type IndexedItem, type ItemResult } from './item-result.ts'

/** Somewhat less than a checkpoint may hold. */
const MAX_CHECKPOINT_BYTES = 60_000
const CHECKPOINT_PREFIX = 'items '

const recordedSchema = z.array(itemResultSchema(z.custom(isJsonObject)))

export interface BatchWork {
  readonly items: readonly Json[]
  readonly batchSize: number
  /** How many batches are under way at the same time. */
  readonly concurrency: number
  /** Gives a result for each item of a batch, in order. */
  readonly ask: (batch: readonly IndexedItem[]) => Promise<readonly ItemResult[]>
}

type Recorder = Pick<BlockContext, 'checkpoints' | 'checkpoint' | 'progress'>

/**
 * Works through a list in batches and gives the results in the order of the items. Each batch's results are recorded as
 * soon as they are there, and what an earlier attempt recorded is not asked for again. When a batch fails as a whole, no
 * further one is begun, those under way are brought to their end, and the first failure is thrown.
 */
export async function runBatches(work: BatchWork, context: Recorder): Promise<readonly ItemResult[]> {
  const { items, batchSize, concurrency, ask } = work
  const results = recordedResults(context.checkpoints)
  const open = items.map((item, index) => ({ index, item })).filter(({ index }) => !results.has(index))
  const failures: unknown[] = []

  async function runLane(): Promise<void> {
    while (open.length > 0 && failures.length === 0) {
      try {
        const answered = await ask(open.splice(0, batchSize))
        for (const part of checkpointParts(answered)) await context.checkpoint(keyOf(part), part)
        for (const result of answered) results.set(result.index, result)
        context.progress(results.size / items.length, `${results.size} of ${items.length}`)
      } catch (failure) {
        failures.push(failure)
      }
    }
  }

  await Promise.all(Array.from({ length: concurrency }, runLane))
  if (failures.length > 0) throw failures[0]
  return [...results.values()].sort((one, other) => one.index - other.index)
}

function recordedResults(checkpoints: BlockContext['checkpoints']): Map<number, ItemResult> {
  const recorded = Object.entries(checkpoints)
    .filter(([key]) => key.startsWith(CHECKPOINT_PREFIX))
    .flatMap(([, value]) => recordedSchema.parse(value) as readonly ItemResult[])
  return new Map(recorded.map((result) => [result.index, result]))
}

/** A checkpoint is of limited size. A single result beyond it is recorded with the step alone. */
function checkpointParts(results: readonly ItemResult[]): (readonly ItemResult[])[] {
  if (results.length === 0) return []
  if (Buffer.byteLength(JSON.stringify(results)) <= MAX_CHECKPOINT_BYTES) return [results]
  if (results.length === 1) return []
  const middle = Math.ceil(results.length / 2)
  return [...checkpointParts(results.slice(0, middle)), ...checkpointParts(results.slice(middle))]
}

function keyOf(part: readonly ItemResult[]): string {
  return `${CHECKPOINT_PREFIX}${part[0]?.index}-${part.at(-1)?.index}`
}
