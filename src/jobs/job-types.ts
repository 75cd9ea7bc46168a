import { z } from 'zod'
import { EXECUTION_MODES, type JobType } from '../engine/job.ts'
import type { Json } from '../lib/json.ts'
import { isStorableText } from '../lib/plain-json.ts'

/** What a WORKFLOW job is created with: a stored workflow by its id, or a definition in place. */
export const workflowPayloadSchema = z.object({
  /** The id of a stored workflow; beside a `workflowDefinition` it is only a name. */
  workflowId: z.string().max(300).refine(isStorableText, 'holds a character that cannot be stored'),
  workflowDefinition: z.unknown().optional(),
  /** Of a stored workflow: this version; default the newest one, or the draft when none is published. */
  version: z.int().min(1).optional(),
  /** Of a stored workflow: the draft, also when a version is published. */
  draft: z.boolean().default(false),
  input: z.unknown().optional(),
  mode: z.enum(EXECUTION_MODES).default('production'),
  variables: z.unknown().optional(),
  /** With the mode `test`: what comes of its calls, by node id or step path. */
  mocks: z.unknown().optional(),
  metadata: z.unknown().optional(),
  tags: z.array(z.string()).default([]),
  /** From -100 to 100, the higher the sooner. */
  priority: z.number().default(0),
})
export type WorkflowJobPayload = z.input<typeof workflowPayloadSchema>

/** The jobs that are one block: their payload is the node's config. */
const BLOCK_OF = {
  SEARCH: { id: 'search', type: 'api.apollo.searchPeople' },
  UPLOAD_TO_META: { id: 'upload', type: 'api.meta.uploadAudience' },
} as const satisfies Record<Exclude<JobType, 'WORKFLOW'>, { id: string; type: string }>

/** The built-in definition of a job type: one node whose config is the job's payload. */
export function definitionOf(type: Exclude<JobType, 'WORKFLOW'>, payload: Json): Json {
  return { nodes: [{ ...BLOCK_OF[type], config: payload }], edges: [] }
}
