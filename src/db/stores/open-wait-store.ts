import type { KnownWait, StepWait } from '../../engine/record/index.ts'
import type { JobId, OwnerId } from '../../lib/index.ts'
import type { JsonObject } from '../../lib/json/index.ts'
import { readSchemas, readWaits, type OpenStep, type SchemaRef } from '../log-reads/index.ts'
import type { Queryable } from '../sql/index.ts'
import type { BoundedRead } from './value-store.ts'

/** What a step waits for; one whose attempt failed waits for its next attempt. */
export type WaitShown = StepWait | { readonly kind: 'retry' }

/** A step that waits, and for what. */
export interface OpenWait {
  readonly path: string
  readonly wait: WaitShown
  /** When a timer ends, the next attempt is due, or the time for a signal is over; null: there is no such time. */
  readonly dueAt: Date | null
}

export interface OpenWaitStore {
  /**
   * Returns the first `limit` steps that wait of each of these executions, in the definition’s order, if what all of them wait for
   * has together at most `maxBytes` as JSON text.
   */
  of(
    ownerId: OwnerId,
    executionIds: readonly string[],
    limit: number,
    maxBytes: number,
  ): Promise<BoundedRead<readonly OpenWait[]>>
}

export function createOpenWaitStore(pool: Queryable): OpenWaitStore {
  return {
    async of(ownerId, executionIds, limit, maxBytes) {
      const jobs = executionIds.map((id) => ({ id: id as JobId, ownerId }))
      const found = await readWaits(pool, jobs, limit)
      const bytes = found.flat().reduce((sum, { wait }) => sum + waitBytes(wait), 0)
      if (bytes > maxBytes) return { bytes, values: null }
      const schemas = await schemasOf(pool, jobs, found, maxBytes)
      const values = found.map((steps) => steps.map((step) => toOpenWait(step, schemas.get(step))))
      return { bytes, values }
    },
  }
}

function waitBytes(wait: KnownWait | null): number {
  if (wait === null) return 0
  return Buffer.byteLength(JSON.stringify(wait)) + (wait.kind === 'signal' ? wait.schemaBytes : 0)
}

/** The schemas that these steps demand of a signal. The caller has added up that they fit. */
async function schemasOf(
  pool: Queryable,
  jobs: readonly Pick<SchemaRef, 'id' | 'ownerId'>[],
  found: readonly (readonly OpenStep[])[],
  maxBytes: number,
): Promise<ReadonlyMap<OpenStep, JsonObject | boolean>> {
  const demanding = jobs.flatMap((job, place) =>
    (found[place] ?? [])
      .filter(({ wait }) => wait?.kind === 'signal' && wait.schemaBytes > 0)
      .map((step) => ({ step, ref: { ...job, entry: step.entry, path: step.path } })),
  )
  const { schemas } = await readSchemas(
    pool,
    demanding.map(({ ref }) => ref),
    maxBytes,
  )
  const bySteps = new Map<OpenStep, JsonObject | boolean>()
  for (const { text, places } of schemas) {
    const schema = JSON.parse(text) as JsonObject | boolean
    for (const place of places) {
      const step = demanding[place]?.step
      if (step) bySteps.set(step, schema)
    }
  }
  return bySteps
}

function toOpenWait({ path, wait, dueAt }: OpenStep, schema: JsonObject | boolean | undefined): OpenWait {
  const due = dueAt === null ? null : new Date(dueAt)
  if (wait === null) return { path, dueAt: due, wait: { kind: 'retry' } }
  if (wait.kind !== 'signal') return { path, dueAt: due, wait }
  const { kind, name, timeoutHandle } = wait
  return { path, dueAt: due, wait: { kind, name, schema: schema ?? null, timeoutHandle } }
}
