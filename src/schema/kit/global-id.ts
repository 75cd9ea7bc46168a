import { decodeGlobalId, parseId, type GlobalId } from '../../lib/index.ts'

/** The id of no row. */
const NOBODY = '00000000-0000-0000-0000-000000000000'

/** Everything that `node` finds. */
export const NODE_TYPES = [
  'Workflow',
  'WorkflowVersion',
  'Execution',
  'Job',
  'Step',
  'Schedule',
  'ApiKey',
] as const

export type NodeType = (typeof NODE_TYPES)[number]

/** A row's id of the inside of a global id; what is no UUID names no row, rather than being an error of the database. */
export function rowId(id: string): string {
  return parseId(id) ?? NOBODY
}

/** What `node` is to look for. Anything that is no global id of a node names no row: an answer, and not an error. */
export function readNodeId(globalId: string): GlobalId {
  const named = decodeGlobalId(globalId)
  return named && NODE_TYPES.some((name) => name === named.typename) ? named : { typename: 'Job', id: NOBODY }
}

/** The columns that identify a step, read from the part of its global id behind the type. */
export function readStepId(id: string): { readonly executionId: string; readonly path: string } {
  const [executionId = '', ...path] = id.split(':')
  // Postgres text cannot hold NUL, so no path does.
  return { executionId: rowId(executionId), path: path.join(':').replaceAll('\u0000', '') }
}
