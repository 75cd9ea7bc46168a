import {
  GraphQLError,
  Kind,
  NoSchemaIntrospectionCustomRule,
  parse,
  type ASTVisitor,
  type DocumentNode,
  type ParseOptions,
  type SelectionSetNode,
  type Source,
  type ValidationContext,
} from 'graphql'
import type { Plugin } from 'graphql-yoga'

/** What one operation may hold, counted with every fragment where it is used. Variables do not count. */
export interface OperationLimits {
  readonly tokens: number
  readonly depth: number
  readonly fields: number
  readonly aliases: number
  readonly directives: number
  readonly allowIntrospection: boolean
}

export const DEFAULT_LIMITS: OperationLimits = {
  tokens: 10_000,
  depth: 15,
  fields: 2_000,
  aliases: 50,
  directives: 50,
  allowIntrospection: true,
}

type Counted = 'depth' | 'fields' | 'aliases' | 'directives'

/** Refuses operations that are too large, before anything of them is executed: HTTP 400, code `OPERATION_TOO_LARGE`. */
export function useOperationLimits(limits: OperationLimits): Plugin {
  return {
    onParse({ setParseFn }) {
      setParseFn((source: string | Source, options?: ParseOptions): DocumentNode =>
        parse(source, { ...options, maxTokens: limits.tokens }),
      )
    },
    onValidate({ addValidationRule }) {
      addValidationRule((context: ValidationContext) => limitRule(context, limits))
      if (!limits.allowIntrospection) addValidationRule(NoSchemaIntrospectionCustomRule)
    },
  }
}

function limitRule(context: ValidationContext, limits: OperationLimits): ASTVisitor {
  return {
    OperationDefinition(operation) {
      const exceeded = measure(context, operation.selectionSet, limits)
      if (exceeded) {
        const message = `The operation has more than ${limits[exceeded]} ${exceeded === 'depth' ? 'levels' : exceeded}.`
        context.reportError(
          new GraphQLError(message, { nodes: operation, extensions: { code: 'OPERATION_TOO_LARGE' } }),
        )
      }
      return false
    },
  }
}

/** Which limit an operation exceeds, or null. Stops at the first, so that fragments cannot multiply without end. */
function measure(
  context: ValidationContext,
  root: SelectionSetNode,
  limits: OperationLimits,
): Counted | null {
  const counts: Record<Counted, number> = { depth: 0, fields: 0, aliases: 0, directives: 0 }
  const exceeds = (name: Counted) => counts[name] > limits[name]

  const walk = (set: SelectionSetNode, depth: number, fragments: readonly string[]): Counted | null => {
    counts.depth = Math.max(counts.depth, depth)
    for (const selection of set.selections) {
      counts.directives += selection.directives?.length ?? 0
      // Fields of fragments count where the fragment is used; a fragment in a circle is another rule's business.
      counts.fields++
      if (selection.kind === Kind.FIELD && selection.alias) counts.aliases++
      const over = (['depth', 'fields', 'aliases', 'directives'] as const).find(exceeds)
      if (over) return over
      const inner = descend(selection, depth, fragments)
      if (inner) return inner
    }
    return null
  }
  const descend = (
    selection: SelectionSetNode['selections'][number],
    depth: number,
    fragments: readonly string[],
  ): Counted | null => {
    switch (selection.kind) {
      case Kind.FIELD:
        // Introspection nests by nature and is bounded by its fields.
        return selection.selectionSet
          ? walk(selection.selectionSet, selection.name.value.startsWith('__') ? depth : depth + 1, fragments)
          : null
      case Kind.INLINE_FRAGMENT:
        return walk(selection.selectionSet, depth, fragments)
      case Kind.FRAGMENT_SPREAD: {
        const name = selection.name.value
        const fragment = fragments.includes(name) ? null : context.getFragment(name)
        return fragment ? walk(fragment.selectionSet, depth, [...fragments, name]) : null
      }
    }
  }
  return walk(root, 1, [])
}
