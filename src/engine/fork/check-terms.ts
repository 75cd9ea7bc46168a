import { closest } from '../../lib/text/index.ts'
import { readOutput } from '../block/index.ts'
import { placeOf, type Plan, type PlanGraph } from '../definition/index.ts'
import { patchedHandles, type OriginalRecord, type RetryTerms } from './original.ts'

/** Why a retry cannot be made as it is asked for. */
export interface TermsFault {
  readonly argument: 'from' | 'patchOutputs'
  readonly message: string
}

/** Checks the steps that a retry names against what it will run; null when all fit. */
export function checkTerms(
  { graph }: Plan,
  { from, patched }: RetryTerms,
  { steps }: Pick<OriginalRecord, 'steps'>,
): TermsFault | null {
  if (from.kind === 'step' && !placeOf(graph, from.path)) {
    const known = `${unknownPath(from.path, graph)} \`from\` is FAILED, START or a step’s path.`
    return { argument: 'from', message: known }
  }
  const refuse = (message: string): TermsFault => ({ argument: 'patchOutputs', message })
  for (const [path, output] of Object.entries(patched)) {
    const node = graph.nodes.find(({ id }) => id === path)
    if (!node) {
      if (!placeOf(graph, path)) return refuse(unknownPath(path, graph))
      return refuse(`"${path}" is inside a loop: only the output of the loop as a whole can be given.`)
    }
    const before = steps.find((step) => step.path === path)
    if (!patchedHandles(node, before)) {
      return refuse(`"${path}" did not complete, so nobody knows by which of its handles it would be left.`)
    }
    const read = readOutput(output, { hint: 'Give less.' })
    if (read.kind === 'refused') return refuse(`"${path}": ${read.message}`)
  }
  return null
}

const MAX_NAMED = 10

function unknownPath(path: string, { nodes }: PlanGraph): string {
  const ids = nodes.map(({ id }) => id)
  const meant = closest(path, ids)
  if (meant !== null) return `There is no step "${path}"; did you mean "${meant}"?`
  const named = ids.slice(0, MAX_NAMED).map((id) => `"${id}"`)
  return `There is no step "${path}"; there are ${named.join(', ')}${ids.length > MAX_NAMED ? ' and more' : ''}.`
}
