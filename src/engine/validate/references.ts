import { closest } from '../../lib/suggest.ts'
import { problem, type Diagnostic } from '../diagnostics.ts'
import type { Expression, Reference } from '../expression.ts'
import type { Template } from '../template.ts'

/** The ids of the nodes of a graph and of the graphs around it. */
export interface NodeNames {
  has(id: string): boolean
  all(): readonly string[]
}

/** What an expression may name at its place. */
export interface VisibleNames {
  readonly variables: ReadonlySet<string>
  readonly nodes: NodeNames
  readonly isUpstream: (nodeId: string) => boolean
  readonly inLoop: boolean
  readonly onErrorRoute: boolean
  /** Names that the block binds beside the scope, such as a filter's `item`. */
  readonly binds: readonly string[]
  /** E12: a pure block's result may not depend on a secret. */
  readonly allowsSecrets: boolean
  /** False once a definition has had as many suggestions as anybody reads: they are dear. */
  readonly maySuggest: () => boolean
}

export interface ReferenceCheck {
  readonly at: string
  readonly names: VisibleNames
  readonly report: (diagnostic: Diagnostic) => void
  readonly nodeId?: string
}

const ALWAYS = ['input', 'variables', 'nodes', 'execution', 'secrets']

/** Reports every name in a template that means nothing, or nothing yet, at its place. */
export function checkReferences(template: Template, check: ReferenceCheck): void {
  for (const part of template.parts) {
    if (typeof part !== 'string') checkExpression(part.expression, check, part.offset)
  }
}

/** The same for one bare expression, which stands `offset` characters into its string. */
export function checkExpression(expression: Expression, check: ReferenceCheck, offset = 0): void {
  for (const reference of expression.references) {
    const fault = faultOf(reference, check.names)
    if (!fault) continue
    const { code, message, severity = 'error', suggestion } = fault
    check.report(
      problem(code, check.at, message, {
        severity,
        range: { start: reference.range.start + offset, end: reference.range.end + offset },
        ...(check.nodeId === undefined ? {} : { nodeId: check.nodeId }),
        ...(suggestion === undefined ? {} : { suggestion }),
      }),
    )
  }
}

type Fault = Pick<Diagnostic, 'code' | 'message' | 'suggestion'> & { severity?: Diagnostic['severity'] }

function faultOf({ path, guarded }: Reference, names: VisibleNames): Fault | null {
  const [root = '', name] = path
  if (names.binds.includes(root)) return null
  switch (root) {
    case 'input':
    case 'execution':
      return null
    case 'item':
    case 'index':
      return names.inLoop ? null : { code: 'NAME_UNKNOWN', message: `"${root}" exists only inside a loop.` }
    case 'error':
      if (names.onErrorRoute) return null
      return {
        code: 'NAME_UNKNOWN',
        message: '"error" exists only in a node that an edge enters by the handle "error".',
      }
    case 'secrets':
      if (names.allowsSecrets) return null
      return {
        code: 'SECRET_IN_PURE_BLOCK',
        message: 'Only external blocks may use secrets; this place must not depend on one.',
      }
    case 'variables':
      return name === undefined || guarded || names.variables.has(name) ? null : unknownVariable(name, names)
    case 'nodes':
      return nodeFault(name, names)
    default:
      return unknownName(root, names)
  }
}

function nodeFault(id: string | undefined, names: VisibleNames): Fault | null {
  if (id === undefined) {
    const message =
      '"nodes" cannot be used as a whole; name the node, as in `nodes.find.output` or `nodes["my-node"].output`.'
    return { code: 'NODE_UNKNOWN', message }
  }
  if (names.nodes.has(id)) {
    if (names.isUpstream(id)) return null
    const message = `"${id}" is not upstream of this node, so its result is not known here; join them by edges.`
    return { code: 'NODE_NOT_UPSTREAM', message }
  }
  const meant = names.maySuggest() ? meantNode(id, names.nodes.all()) : null
  const suggestion = meant === null ? {} : { suggestion: `Did you mean ${referenceTo(meant)}?` }
  return { code: 'NODE_UNKNOWN', message: `There is no node "${id}".`, ...suggestion }
}

function meantNode(id: string, ids: readonly string[]): string | null {
  // `nodes.my-node` reads as a subtraction, so the id that was meant begins with what was read.
  return ids.find((other) => other.startsWith(`${id}-`)) ?? closest(id, ids)
}

function referenceTo(id: string): string {
  return /^[A-Za-z_]\w*$/.test(id) ? `\`nodes.${id}\`` : `\`nodes["${id}"]\``
}

/** Only a warning: a start may bring variables that the definition gives no default. */
function unknownVariable(name: string, names: VisibleNames): Fault {
  const meant = names.maySuggest() ? closest(name, names.variables) : null
  return {
    code: 'NAME_UNKNOWN',
    severity: 'warning',
    message: `The definition has no variable "${name}"; unless every start brings it, this fails.`,
    ...(meant ? { suggestion: `Did you mean \`variables.${meant}\`?` } : {}),
  }
}

function unknownName(root: string, names: VisibleNames): Fault {
  const inScope = [...ALWAYS, ...(names.inLoop ? ['item', 'index'] : []), ...names.binds]
  const meant = closest(root, inScope)
  return {
    code: 'NAME_UNKNOWN',
    message: `There is no "${root}" in scope; there are ${inScope.join(', ')}.`,
    ...(meant ? { suggestion: `Did you mean \`${meant}\`?` } : {}),
  }
}
