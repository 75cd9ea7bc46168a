import { z } from 'zod'
import { contactUploadSchema, peopleSearchSchema, profileSearchSchema } from '../blocks/leads/index.ts'
import { EXECUTION_MODES } from '../engine/block/index.ts'
import { listProblems, type InputProblem } from '../engine/json-schema/index.ts'
import type { JobType } from '../engine/record/index.ts'
import { isJsonObject, isStorableText, type Json, type JsonObject } from '../lib/json/index.ts'

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

/** The jobs that run one block. */
export type BlockJobType = Exclude<JobType, 'WORKFLOW'>

const searchPayloadSchema = z
  .strictObject({
    /** People by Apollo. */
    people: peopleSearchSchema.optional(),
    /** Instagram profiles by Apify. */
    profiles: profileSearchSchema.optional(),
  })
  .refine(({ people, profiles }) => (people === undefined) !== (profiles === undefined), {
    error: 'must have exactly one of people and profiles',
  })

const PAYLOADS = {
  SEARCH: searchPayloadSchema,
  UPLOAD_TO_META: contactUploadSchema,
} as const satisfies Record<BlockJobType, z.ZodType>

export type SearchJobPayload = z.input<typeof searchPayloadSchema>
export type UploadJobPayload = z.input<typeof contactUploadSchema>

/** What a job of one block runs: a definition of one node, and the input that its config is read from. */
export type BlockJob =
  | {
      readonly kind: 'valid'
      readonly definition: JsonObject
      readonly input: Json
      /** The job whose result is needed, as it was named; null: none is. */
      readonly fromJobId: string | null
    }
  | { readonly kind: 'invalid'; readonly problems: readonly InputProblem[] }

/** Reads the payload of a job of one block. */
export function readBlockJob(type: BlockJobType, payload: unknown): BlockJob {
  const parsed = PAYLOADS[type].safeParse(payload)
  if (!parsed.success) return { kind: 'invalid', problems: listProblems(parsed.error.issues, toProblem) }
  // Without what is undefined, which no JSON holds.
  const input = JSON.parse(JSON.stringify(parsed.data)) as JsonObject
  const fromJobId = typeof input['fromJobId'] === 'string' ? input['fromJobId'] : null
  return { kind: 'valid', definition: definitionOf(type, input), input, fromJobId }
}

function definitionOf(type: BlockJobType, input: JsonObject): JsonObject {
  if (type === 'UPLOAD_TO_META') return oneNode({ id: 'upload', type: 'job.uploadToMeta' }, 'input', input)
  const { people, profiles } = input
  if (isJsonObject(profiles)) {
    return oneNode({ id: 'search', type: 'job.searchProfiles' }, 'input.profiles', profiles)
  }
  const config = isJsonObject(people) ? people : {}
  // A search that buys nothing may simply be made again when nobody knows how far it came.
  const onUnknown = config['enrich'] === true ? 'fail' : 'retry'
  return oneNode({ id: 'search', type: 'job.searchPeople', onUnknown }, 'input.people', config)
}

/**
 * Every field of the config is read from the input: so the payload is stored once, whatever stands in its texts is never
 * taken for an expression, and all jobs with the same fields share one definition.
 */
function oneNode(node: JsonObject, source: string, config: JsonObject): JsonObject {
  const fields = Object.keys(config).map((name) => [name, `{{ ${source}.${name} }}`] as const)
  return { nodes: [{ ...node, config: Object.fromEntries(fields) }], edges: [] }
}

function toProblem({ path, message }: { path: readonly PropertyKey[]; message: string }): InputProblem {
  const tokens = path.map((token) => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`)
  return { pointer: tokens.join(''), message }
}
