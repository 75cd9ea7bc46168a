import { pino } from 'pino'
import { createLume, type Lume, type LumeOverrides } from '../../src/app.ts'
import type { LumeConfig } from '../../src/config.ts'
import type { StartRequest } from '../../src/jobs/start/start-execution.ts'
import type { JobId } from '../../src/lib/ids.ts'
import type { TestDatabase } from './database.ts'
import { OWNER } from './jobs.ts'

/** Lumes on one database, each a process of its own as far as the others can tell. */
export interface Fleet {
  open(config?: Partial<LumeConfig>, overrides?: LumeOverrides): Promise<Lume>
  /** Closes those that are still open, the newest first. */
  close(): Promise<void>
}

export function createFleet(database: TestDatabase): Fleet {
  const lumes: Lume[] = []
  return {
    async open(config = {}, overrides = {}) {
      const logger = pino({ level: 'silent' })
      const lume = await createLume(
        { databaseUrl: database.url, shutdownGraceMs: 0, ...config },
        { logger, ...overrides },
      )
      lumes.push(lume)
      return lume
    },
    async close() {
      for (const lume of lumes.splice(0).reverse()) await lume.close()
    },
  }
}

/** Has a Lume accept a start. */
export async function start(
  { services }: { readonly services: Pick<Lume['services'], 'start'> },
  definition: unknown,
  more: Partial<StartRequest> = {},
): Promise<JobId> {
  const result = await services.start({
    ownerId: OWNER,
    type: 'WORKFLOW',
    definition,
    workflowId: null,
    input: null,
    mode: 'production',
    intent: 'queue',
    ...more,
  })
  if (result.kind !== 'started') throw new Error(JSON.stringify(result))
  return result.jobId
}
