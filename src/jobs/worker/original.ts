import type { OriginalStore } from '../../db/executions/index.ts'
import type { Plan } from '../../engine/definition/index.ts'
import { originalOf, readRetryFrom, type Original, type OriginalRecord } from '../../engine/fork/index.ts'
import type { Asker, PlanCache } from '../../engine/validate/index.ts'
import type { JobId, OwnerId } from '../../lib/index.ts'
import type { Json, JsonObject } from '../../lib/json/index.ts'

/** What is stored of a retry: enough to tell again, after any crash, what it takes over. */
export interface Retry {
  readonly of: JobId
  /** `FAILED`, `START`, or a step's path. */
  readonly from: string
  /** Outputs in place of the steps' own, by path. */
  readonly patched: JsonObject
}

/** What an execution runs. */
export interface RunDefinition {
  readonly plan: Plan
  readonly definition: { readonly hash: string; readonly body: Json }
}

/** What a retry takes over of the execution that it retries, as far as that can be told before it runs. */
export async function loadOriginal(
  { originals, plans }: { readonly originals: OriginalStore; readonly plans: PlanCache },
  { ownerId, retry }: { readonly ownerId: OwnerId; readonly retry: Retry },
  runs: RunDefinition,
): Promise<Original> {
  const record = await originals.load({ id: retry.of, ownerId })
  if (!record) throw new Error(`the execution ${retry.of}, which is retried, is not there`)
  return readOriginal(record, { plans, asker: { ownerId, isRefusable: false }, retry, runs })
}

export async function readOriginal(
  record: OriginalRecord,
  {
    plans,
    asker,
    retry,
    runs,
  }: {
    readonly plans: PlanCache
    readonly asker: Asker
    readonly retry: Pick<Retry, 'from' | 'patched'>
    readonly runs: RunDefinition
  },
): Promise<Original> {
  const { plan: planBefore } = await plans.validate(record.definition, asker)
  const terms = { from: readRetryFrom(retry.from), patched: retry.patched }
  return originalOf(record, { ...runs, planBefore, terms })
}
