import type { Breakdown } from './folder-errors.ts'

/** What the worker is started with. */
export interface WorkerData {
  /** Where Postgres keeps its files. */
  readonly folder: string
}

/** Connections are numbered, so that what a broken one left on the way cannot reach its successor. */
export type ToWorker =
  | { readonly kind: 'connect'; readonly connection: number }
  | { readonly kind: 'bytes'; readonly connection: number; readonly bytes: Uint8Array }
  | { readonly kind: 'disconnect'; readonly connection: number }
  | { readonly kind: 'stop' }

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly connection: number }
  | { readonly kind: 'bytes'; readonly connection: number; readonly bytes: Uint8Array }
  | ({ readonly kind: 'failed' } & Breakdown)
