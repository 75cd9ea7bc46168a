import type { Expression, Reference } from '../../../cel/index.ts'
import { closest } from '../../../lib/text/index.ts'
import type { Pieces } from '../../../lib/turns/index.ts'
import { problem, type Diagnostic, type Template } from '../../definition/index.ts'
import type { Inspection } from './inspection.ts'
import { fieldFault, type KnownTypes } from './known-types.ts'
import { referenceTo } from './path-text.ts'

/** The ids of the nodes of a graph and of the graphs around it. */
export interface NodeNames {
  has(id: string): boolean
  all(): readonly string[]
}

/**
 * Whether secrets may be named. Not where a result must depend on recorded facts alone (E12), nor in a control block, which
 * hands on what it is given and calls nobody (P7).
 */
export type SecretRule = 'allowed' | 'refusedByPure' | 'refusedByControl'

/** What an expression may name at its place. */
export interface VisibleNames {
  /** Null when the definition's variables could not be read: any may be there. */
  readonly variables: ReadonlySet<string> | null
  readonly nodes: NodeNames
  readonly isUpstream: (nodeId: string) => boolean
  readonly inLoop: boolean
  readonly onErrorRoute: boolean
  /** Names that the block binds beside the scope, such as a filter's `item`. */
  readonly binds: readonly string[]
  /** Whether `item` among them is of the type that `types` say. */
  readonly bindsKnownItem: boolean
  readonly secrets: SecretRule
  readonly types: KnownTypes
}

export interface ReferenceCheck {
  readonly at: string
  readonly names: VisibleNames
  readonly inspection: Inspection
  readonly nodeId?: string
  /** Gathers the names of the secrets that are read. */
  readonly secretNames?: Set<string>
}

const ALWAYS = ['input', 'variables', 'nodes', 'execution', 'secrets']

/** Reports every name in a template that means nothing, or nothing yet, at its place, in pieces. */
export function* checkReferences(template: Template, check: ReferenceCheck): Pieces<void> {
  for (const part of template.parts) {
    if (typeof part === 'string') continue
    checkExpression(part.expression, check, part.offset)
    yield
  }
}

/** The same for one bare expression, which starts `offset` characters into its string. */
export function checkExpression(expression: Expression, check: ReferenceCheck, offset = 0): void {
  const { at, names, inspection, nodeId } = check
  const whole = expression.source.trim().length
  const guards = expression.references.filter(({ guarded }) => guarded).map(({ path }) => path)
  for (const reference of expression.references) {
    const range = { start: reference.range.start + offset, end: reference.range.end + offset }
    // What an expression reads is all that there is of it.
    const isAlone = reference.range.end - reference.range.start === whole
    noteUse(reference, { ...check, range, isAlone })
    const fault =
      faultOf(reference, { names, inspection, isAlone }) ??
      absenceOf(reference, guards, { names, inspection })
    if (!fault) continue
    const { code, message, severity, suggestion } = fault
    inspection.report(
      problem(code, at, message, { severity: severity ?? 'error', range, nodeId, suggestion }),
    )
  }
}

/** Keeps in mind which variables and secrets are used. */
function noteUse(
  { path: [root, name], guarded }: Reference,
  {
    at,
    names,
    inspection,
    nodeId,
    secretNames,
    range,
    isAlone,
  }: ReferenceCheck & Pick<Reference, 'range'> & { readonly isAlone: boolean },
): void {
  if (root === undefined || names.binds.includes(root)) return
  if (root === 'variables') inspection.useVariable(name ?? null)
  if (root !== 'secrets' || name === undefined || nodeId === undefined) return
  if (names.secrets !== 'allowed' || !isAlone) return
  secretNames?.add(name)
  if (!guarded) inspection.secretUses.push({ name, nodeId, pointer: at, range })
}

/** What is known to be absent where it is read. Where it may not be read at all, this is only a warning. */
function absenceOf(
  reference: Reference,
  guards: readonly (readonly string[])[],
  { names, inspection }: Pick<ReferenceCheck, 'names' | 'inspection'>,
): Fault | null {
  const [root = ''] = reference.path
  // Of what a block binds nothing is known, an item of a known list apart.
  const isOpaque = names.binds.includes(root) && !(root === 'item' && names.bindsKnownItem)
  if (reference.guarded || isOpaque) return null
  // `has(input.x) ? input.x : 0` has thought of it.
  if (guards.some((path) => startsAlike(path, reference.path))) return null
  const fault = fieldFault(reference.path, names.types, () => inspection.maySuggest())
  if (!fault) return null
  return reference.certain ? fault : { ...fault, severity: 'warning' }
}

function startsAlike(a: readonly string[], b: readonly string[]): boolean {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false
  return true
}

type Fault = Pick<Diagnostic, 'code' | 'message'> & {
  readonly severity?: Diagnostic['severity']
  readonly suggestion?: string | undefined
}

function faultOf(
  { path, guarded }: Reference,
  {
    names,
    inspection,
    isAlone,
  }: Pick<ReferenceCheck, 'names' | 'inspection'> & { readonly isAlone: boolean },
): Fault | null {
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
      return secretFault(names.secrets, { name, isNamedAlone: isAlone && path.length === 2 })
    case 'variables':
      if (name === undefined || guarded || !names.variables || names.variables.has(name)) return null
      return unknownVariable(name, names.variables, inspection)
    case 'nodes':
      return nodeFault(name, names, inspection)
    default:
      return unknownName(root, names)
  }
}

/**
 * Secrets are named, not computed with: the scrubber knows a value and its usual writings, not what a function makes of it
 * (P7).
 */
function secretFault(
  rule: SecretRule,
  { name = 'CRM_KEY', isNamedAlone }: { readonly name: string | undefined; readonly isNamedAlone: boolean },
): Fault | null {
  switch (rule) {
    case 'refusedByPure':
      return {
        code: 'SECRET_IN_PURE_BLOCK',
        message: 'Only external blocks may use secrets; this place must not depend on one.',
      }
    case 'refusedByControl':
      return {
        code: 'SECRET_IN_CONTROL_BLOCK',
        message: 'This block calls nobody and hands on what it is given, so it must not be given a secret.',
        suggestion: 'Name the secret in the block that calls out with it; a child workflow names it itself.',
      }
    case 'allowed': {
      if (isNamedAlone) return null
      const path = referenceTo(['secrets', name])
      return {
        code: 'SECRET_IN_EXPRESSION',
        message: 'A secret stands alone in its expression: nothing may be computed from it.',
        suggestion: `Write \`{{ ${path} }}\`, and what belongs around it as text: \`Bearer {{ ${path} }}\`.`,
      }
    }
  }
}

function nodeFault(id: string | undefined, names: VisibleNames, inspection: Inspection): Fault | null {
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
  const meant = inspection.maySuggest() ? meantNode(id, names.nodes.all()) : null
  const suggestion =
    meant === null ? {} : { suggestion: `Did you mean \`${referenceTo(['nodes', meant])}\`?` }
  return { code: 'NODE_UNKNOWN', message: `There is no node "${id}".`, ...suggestion }
}

function meantNode(id: string, ids: readonly string[]): string | null {
  // `nodes.my-node` reads as a subtraction, so the id that was meant begins with what was read.
  return ids.find((other) => other.startsWith(`${id}-`)) ?? closest(id, ids)
}

/** Only a warning: a start may bring variables that the definition gives no default. */
function unknownVariable(name: string, variables: ReadonlySet<string>, inspection: Inspection): Fault {
  const meant = inspection.maySuggest() ? closest(name, variables) : null
  return {
    code: 'NAME_UNKNOWN',
    severity: 'warning',
    message: `The definition has no variable "${name}"; unless every start brings it, this fails.`,
    ...(meant ? { suggestion: `Did you mean \`${referenceTo(['variables', meant])}\`?` } : {}),
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
