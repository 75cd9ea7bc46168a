import { z } from 'zod'
import type { Json } from '../../lib/json/index.ts'
import { nodeRetrySchema } from '../block/index.ts'

/** Node ids make step paths, so they hold no `/`, `[` or `]`. */
export const NODE_ID = /^[A-Za-z0-9_.:-]{1,128}$/

export const ON_ERROR = ['fail', 'continue', 'route'] as const
export type OnError = (typeof ON_ERROR)[number]

export const ON_UNKNOWN = ['fail', 'retry'] as const
export type OnUnknown = (typeof ON_UNKNOWN)[number]

/** Any JSON: a document is known to be plain JSON before it is read by these schemas, so nothing is walked again. */
const json = z.unknown() as z.ZodType<Json>

export const nodeSchema = z.looseObject({
  id: z
    .string()
    .regex(NODE_ID, 'has 1 to 128 letters, digits, "_", ".", ":" or "-"')
    .describe('Unique in its graph.'),
  type: z.string().min(1).max(200).describe('The block type, such as `core.filter`.'),
  name: z.string().max(500).optional().describe('What people call it.'),
  config: z
    .record(z.string(), json)
    .default({})
    .describe('The block’s config; any string in it may hold `{{ expression }}`.'),
  position: z
    .looseObject({ x: z.number(), y: z.number() })
    .optional()
    .describe('Where a canvas shows it; not executed.'),
  retry: nodeRetrySchema.optional().describe('How often and how far apart a failed attempt is made again.'),
  timeoutMs: z
    .int()
    .min(1)
    .max(86_400_000)
    .optional()
    .describe('How long one attempt may take, in milliseconds.'),
  stepTimeoutMs: z
    .int()
    .min(1)
    .max(31_536_000_000)
    .optional()
    .describe(
      'How long the step may take with all its attempts and the waits between them, in milliseconds.',
    ),
  heartbeatMs: z
    .int()
    .min(1)
    .max(86_400_000)
    .optional()
    .describe('How long an attempt may go without a sign of life, in milliseconds.'),
  onError: z
    .enum(ON_ERROR)
    .default('fail')
    .describe(
      '`fail` ends the execution, `continue` goes on with `defaultOutput`, `route` leaves by the handle `error`.',
    ),
  defaultOutput: json.optional().describe('The output of a failed node that continues; default `null`.'),
  onUnknown: z
    .enum(ON_UNKNOWN)
    .default('fail')
    .describe(
      'For a block that must not repeat a call, when nobody knows whether the call happened: `retry` makes it again.',
    ),
})

export const edgeSchema = z.looseObject({
  id: z
    .string()
    .max(300)
    .optional()
    .describe('Kept for canvases; edges are told apart by their ends and handle.'),
  source: z.string().describe('The id of the node it leaves.'),
  target: z.string().describe('The id of the node it enters.'),
  sourceHandle: z.string().max(128).nullish().describe('The handle it leaves by; default `out`.'),
  targetHandle: z.string().max(128).nullish().describe('Kept for canvases; a node has one entry.'),
})

const limitsSchema = z.looseObject({
  concurrency: z.int().min(1).max(100).default(10).describe('How many attempts may run at the same time.'),
  timeoutMs: z
    .int()
    .min(1)
    .max(31_536_000_000)
    .optional()
    .describe('How long the execution may take from its start, waits included, in milliseconds.'),
  maxCostUsd: z
    .number()
    .min(0)
    .optional()
    .describe(
      'How much its calls may cost together, in US dollars; the execution fails at the call that goes beyond.',
    ),
})

/**
 * A workflow definition, with React Flow's field names. Fields that are not named here are kept and not executed, which
 * also admits the earlier in-house form `{ workflowId, name, version, metadata, nodes, edges }`.
 */
export const definitionSchema = z.looseObject({
  nodes: z.array(nodeSchema).describe('The blocks, in the order in which they start where several may.'),
  edges: z.array(edgeSchema).default([]).describe('What follows what.'),
  inputSchema: z
    .union([z.record(z.string(), json), z.boolean()])
    .optional()
    .describe('JSON Schema 2020-12 that an execution’s input must satisfy.'),
  variables: z
    .record(z.string(), json)
    .default({})
    .describe('Defaults of `variables.<name>`, overridable at start.'),
  output: json
    .optional()
    .describe('A template; default: the output of the only leaf, or an object of outputs by leaf id.'),
  limits: limitsSchema.prefault({}).describe('What one execution may use.'),
  metadata: z.record(z.string(), json).optional().describe('Free data; not executed.'),
})

/** Read, with defaults filled in; what is stored is the document as it came. */
export type GraphNode = z.output<typeof nodeSchema>
export type GraphEdge = z.output<typeof edgeSchema>

/** The text of a definition, in bytes of UTF-8. */
export const DEFINITION_MAX_BYTES = 4 * 1024 * 1024
/** The nodes of a definition, loop bodies included, unless the setting `maxDefinitionNodes` says otherwise. */
export const DEFINITION_MAX_NODES = 2_000
/** The largest value of the setting `maxDefinitionNodes`. */
export const DEFINITION_NODES_CEILING = 10_000
/** The edges of a definition, loop bodies included. */
export const DEFINITION_MAX_EDGES = 60_000
/** The variables of a definition. */
export const DEFINITION_MAX_VARIABLES = 1_000
/** The values of a definition: lists, objects, texts, numbers, booleans and nulls, at any depth. */
export const DEFINITION_MAX_VALUES = 200_000
/** The members of one object of a definition. */
export const DEFINITION_MAX_MEMBERS = 20_000
/**
 * The JSON pointers of all values of a definition, together, in UTF-16 units: a long key counts once for each value under
 * it. Diagnostics and compiled templates hold such pointers.
 */
export const DEFINITION_MAX_POINTERS = 32 * 1024 * 1024
/** The expressions of a definition, those in templates and bare ones. */
export const DEFINITION_MAX_EXPRESSIONS = 30_000
/** All texts of a definition that hold expressions, together, in UTF-16 units. */
export const DEFINITION_MAX_EXPRESSION_TEXT = 1024 * 1024
