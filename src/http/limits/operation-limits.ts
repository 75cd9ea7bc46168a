import {
  GraphQLError,
  Kind,
  Lexer,
  NoSchemaIntrospectionCustomRule,
  parse,
  Source,
  TokenKind,
  validate,
  type DocumentNode,
  type FragmentDefinitionNode,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { shorten } from '../../lib/text/index.ts'
import { repeatsFieldsTooOften, REPEATED_FIELDS_MAX_PAIRS } from './repeated-fields.ts'
import { MESSAGE_MAX_LENGTH } from './variable-error.ts'

/** What one document may hold, its operations counted with every fragment where it is used. Variables do not count. */
export interface OperationLimits {
  readonly characters: number
  readonly tokens: number
  /** Brackets within brackets of any kind: the parser goes down as deep. */
  readonly nesting: number
  readonly depth: number
  readonly fields: number
  readonly aliases: number
  readonly directives: number
  readonly allowIntrospection: boolean
}

export const DEFAULT_LIMITS: OperationLimits = {
  characters: 100_000,
  tokens: 10_000,
  nesting: 200,
  depth: 15,
  fields: 2_000,
  aliases: 50,
  directives: 50,
  allowIntrospection: true,
}

/** Maximum number of fields of all operations of a document together: validation reads each with all its fragments. */
export const DOCUMENT_MAX_FIELDS = 10_000
/**
 * Maximum number of lines of a document whose errors say at which line and column they are. For each error graphql-js reads
 * all lines before it, and an answer may have thousands of errors.
 */
export const LOCATED_MAX_LINES = 500

const COUNTED = ['depth', 'fields', 'aliases', 'directives'] as const
type Counted = (typeof COUNTED)[number]
type Excess = Counted | 'allFields' | 'repeated'

const NAMES = {
  characters: 'characters',
  tokens: 'tokens',
  nesting: 'brackets within brackets',
  depth: 'levels',
  fields: 'fields',
  allFields: 'fields in all its operations together',
  repeated: 'pairs of fields with the same response name',
  aliases: 'aliases',
  directives: 'directives',
} as const

/** Refuses documents that are too large, before anything else is done with them: HTTP 400, code `OPERATION_TOO_LARGE`. */
export function useOperationLimits(limits: OperationLimits): Plugin {
  const verdicts = new WeakMap<DocumentNode, GraphQLError | null>()
  return {
    onParse({ setParseFn }) {
      setParseFn((source: string | Source) => {
        const text = typeof source === 'string' ? new Source(source) : source
        const lines = requireParsable(text, limits)
        return parse(text, { noLocation: lines > LOCATED_MAX_LINES })
      })
    },
    onValidate({ params: { documentAST }, setResult, addValidationRule, setValidationFn }) {
      const known = verdicts.get(documentAST)
      const verdict = known === undefined ? judge(documentAST, limits) : known
      verdicts.set(documentAST, verdict)
      if (verdict) setResult([verdict])
      if (!limits.allowIntrospection) {
        addValidationRule(NoSchemaIntrospectionCustomRule)
        // Suggestions would reveal the names of the schema one by one.
        setValidationFn((schema, document, rules) =>
          validate(schema, document, rules, { hideSuggestions: true }),
        )
      }
      return ({ result, setResult: replace }) => {
        const errors = result as readonly GraphQLError[]
        if (errors.some(isTooLong)) replace(errors.map(shortened))
      }
    },
  }
}

/**
 * Reads the document flat, so that nothing in it can take the parser's stack or time. Returns its number of lines. Throws
 * what a client can read.
 */
function requireParsable(source: Source, limits: OperationLimits): number {
  if (source.body.length > limits.characters) throw tooLarge('characters', limits)
  const lexer = new Lexer(source)
  let tokens = 0
  let nesting = 0
  for (let { kind } = lexer.advance(); kind !== TokenKind.EOF; { kind } = lexer.advance()) {
    if (++tokens > limits.tokens) throw tooLarge('tokens', limits)
    if (kind === TokenKind.BRACE_L || kind === TokenKind.BRACKET_L || kind === TokenKind.PAREN_L) nesting++
    if (kind === TokenKind.BRACE_R || kind === TokenKind.BRACKET_R || kind === TokenKind.PAREN_R) nesting--
    if (nesting > limits.nesting) throw tooLarge('nesting', limits)
  }
  return lexer.line
}

/** graphql-js names what it refuses, however long the name is, in each of up to a hundred errors. */
function isTooLong({ message }: GraphQLError): boolean {
  return message.length > MESSAGE_MAX_LENGTH
}

function shortened(error: GraphQLError): GraphQLError {
  const { nodes = null, source = null, positions = null, extensions } = error
  return new GraphQLError(shorten(error.message, MESSAGE_MAX_LENGTH), {
    nodes,
    source,
    positions,
    extensions,
  })
}

function judge(document: DocumentNode, limits: OperationLimits): GraphQLError | null {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  }
  const measured = new Set<string>()
  const sum = { fields: 0 }
  const exceeds = ({ selectionSet }: OperationDefinitionNode | FragmentDefinitionNode) =>
    measure(selectionSet, { fragments, limits, measured, sum })
  for (const definition of document.definitions) {
    const exceeded = definition.kind === Kind.OPERATION_DEFINITION && exceeds(definition)
    if (exceeded) return tooLarge(exceeded, limits)
  }
  // What no operation spreads is walked by the rules of validation all the same.
  for (const [name, fragment] of fragments) {
    const exceeded = !measured.has(name) && exceeds(fragment)
    if (exceeded) return tooLarge(exceeded, limits)
  }
  return repeatsFieldsTooOften(document, fragments) ? tooLarge('repeated', limits) : null
}

function tooLarge(what: keyof typeof NAMES, limits: OperationLimits): GraphQLError {
  const hint =
    what === 'characters' || what === 'tokens' || what === 'nesting' ? ' Send large values as variables.' : ''
  return new GraphQLError(`The document has more than ${maximumOf(what, limits)} ${NAMES[what]}.${hint}`, {
    extensions: { code: 'OPERATION_TOO_LARGE', http: { status: 400, spec: true } },
  })
}

function maximumOf(what: keyof typeof NAMES, limits: OperationLimits): number {
  if (what === 'allFields') return DOCUMENT_MAX_FIELDS
  if (what === 'repeated') return REPEATED_FIELDS_MAX_PAIRS
  return limits[what]
}

interface Measuring {
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly limits: OperationLimits
  /** Grows by the fragments that are measured where they are spread. */
  readonly measured: Set<string>
  /** The fields of all operations so far. */
  readonly sum: { fields: number }
}

/** Which limit a selection exceeds, or null. Stops at the first, so that fragments cannot multiply without end. */
function measure(root: SelectionSetNode, { fragments, limits, measured, sum }: Measuring): Excess | null {
  /** The fragments that the walk is inside of. */
  const within = new Set<string>()
  const counts: Record<Counted, number> = { depth: 0, fields: 0, aliases: 0, directives: 0 }

  const walk = (set: SelectionSetNode, depth: number): Excess | null => {
    counts.depth = Math.max(counts.depth, depth)
    for (const selection of set.selections) {
      // A spread counts as a field, too: fragments that only spread each other would be free otherwise.
      counts.fields++
      if (++sum.fields > DOCUMENT_MAX_FIELDS) return 'allFields'
      counts.directives += selection.directives?.length ?? 0
      if (selection.kind === Kind.FIELD && selection.alias) counts.aliases++
      const exceeded = COUNTED.find((name) => counts[name] > limits[name]) ?? descend(selection, depth)
      if (exceeded) return exceeded
    }
    return null
  }
  const descend = (selection: SelectionNode, depth: number): Excess | null => {
    switch (selection.kind) {
      case Kind.FIELD:
        // Introspection nests by nature and is bounded by its fields.
        return selection.selectionSet
          ? walk(selection.selectionSet, selection.name.value.startsWith('__') ? depth : depth + 1)
          : null
      case Kind.INLINE_FRAGMENT:
        return walk(selection.selectionSet, depth)
      case Kind.FRAGMENT_SPREAD: {
        const name = selection.name.value
        // A fragment in a circle is the business of another rule.
        const fragment = within.has(name) ? undefined : fragments.get(name)
        if (!fragment) return null
        within.add(name)
        measured.add(name)
        const exceeded = walk(fragment.selectionSet, depth)
        within.delete(name)
        return exceeded
      }
    }
  }
  return walk(root, 1)
}
