import { getNamedType, type GraphQLField, type GraphQLNamedType } from 'graphql'

/** Of a value that only the limits of the engine bound: an output has up to 4 MiB. */
const PAYLOAD = 100
/** Of a value that is free in its form, and small: some kilobytes, seldom more. */
const DETAIL = 5
/** Of a value that is in memory already: only the writing is left. */
const HELD = 2

/** Values that are no payloads of their own, as `Type.field`. A field that is not here, and is JSON, is one. */
export const DETAILS: ReadonlySet<string> = new Set([
  'Block.configSchema',
  'Block.outputSchema',
  'Block.sample',
  'Contact.data',
  'Execution.metadata',
  'Failure.details',
  // Recorded up to 32 KiB.
  'Step.config',
  'StepLogEvent.fields',
  'StepStreamEvent.text',
  'StepWait.payloadSchema',
  'Template.definition',
  'Template.parameters',
  'TestBlockPayload.config',
  'TestLog.fields',
  'Usage.quantities',
])
/** Parts of definitions, which are paid for as a whole, below, and of a simulation, which runs here and is never stored. */
export const HELD_VALUES: ReadonlySet<string> = new Set([
  'EdgeChange.after',
  'EdgeChange.before',
  'GraphEdge.document',
  'GraphNode.config',
  'GraphNode.document',
  'NodeChange.after',
  'NodeChange.before',
  'SimulatedStep.config',
  'SimulatedStep.input',
  'SimulatedStep.output',
  'ValueChange.after',
  'ValueChange.before',
])
/** Parts of stored values that the database has to read as a whole to answer them, by what that weighs. */
const PARTS: Readonly<Record<string, number>> = { 'Job.contacts': 2 * PAYLOAD }
/** Objects that are made of whole definitions, by how many. */
const DEFINITIONS: Readonly<Record<string, number>> = { Graph: 1, WorkflowDiff: 2 }
/** What a field costs by itself, beside the objects that it leads to: more than nothing where it carries free data. */
export function weightOf(parent: GraphQLNamedType, field: GraphQLField<unknown, unknown>): number {
  const place = `${parent.name}.${field.name}`
  const { name } = getNamedType(field.type)
  const definitions = DEFINITIONS[name]
  if (definitions !== undefined) return definitions * PAYLOAD
  const part = PARTS[place]
  if (part !== undefined) return part
  // Found by reading the definition.
  if (place === 'Workflow.diagnostics') return PAYLOAD
  if (DETAILS.has(place)) return DETAIL
  if (HELD_VALUES.has(place)) return HELD
  return name === 'JSON' ? PAYLOAD : 0
}
