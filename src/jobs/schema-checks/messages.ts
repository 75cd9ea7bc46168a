import type { Compilation, InputCheck, SchemaLimits } from '../../engine/json-schema/index.ts'

/** What the thread is asked. Schemas and values go as JSON texts, which are copied faster than what they stand for. */
export type SchemaJob =
  | { readonly kind: 'compile'; readonly schema: string; readonly limits: SchemaLimits }
  | { readonly kind: 'check'; readonly schema: string; readonly value: string; readonly limits: SchemaLimits }

export type ToThread = { readonly id: number; readonly job: SchemaJob }

export type FromThread =
  /** `task` names the thread among those of its process, where the system shows it; null elsewhere. */
  | { readonly kind: 'ready'; readonly task: string | null }
  /** The schema is compiled: the time of the check begins. */
  | { readonly kind: 'compiled'; readonly id: number }
  | { readonly kind: 'done'; readonly id: number; readonly outcome: Compilation | InputCheck }
