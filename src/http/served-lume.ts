import type { Services } from '../schema/index.ts'
import type { Load } from './load.ts'

/** What the server needs of a running Lume. */
export interface ServedLume {
  /** What the GraphQL layer is built on. */
  readonly services: Services
  /** Loads what the first requests would wait for. */
  prepare(): Promise<void>
  /** Returns whether the database answers. */
  isReady(): Promise<boolean>
  /** Returns what this process runs, for its metrics. */
  load(): Promise<Load>
  /** Lets `api.http` reach one exact origin although it is not public. */
  allowOrigin(origin: string): void
}
