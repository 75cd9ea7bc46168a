import {
  Kind,
  type DocumentNode,
  type FragmentDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql'

/**
 * Maximum number of pairs of fields with the same response name whose selections are merged. Validation compares each pair, and
 * each pair of the fragments that hold them, in 3 µs: 200 fragments of one selection set may repeat a field.
 */
export const REPEATED_FIELDS_MAX_PAIRS = 20_000

/** Selections that are read at most, those of fragments once for each place that spreads them. */
const MAX_READ = 20_000

/**
 * Whether a document repeats fields so often that it takes long to check that they can be merged (rule "Field Selection
 * Merging" of the GraphQL specification, 5.3.2). The fields of a selection set and of its fragments are merged by their response names,
 * and so are the selections of those that have the same name.
 */
export function repeatsFieldsTooOften(
  { definitions }: DocumentNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): boolean {
  let pairs = 0
  let read = 0
  const isOver = () => pairs > REPEATED_FIELDS_MAX_PAIRS || read > MAX_READ

  const pending: (readonly SelectionSetNode[])[] = definitions.flatMap((definition) =>
    'selectionSet' in definition ? [[definition.selectionSet]] : [],
  )
  for (let merged = pending.pop(); merged && !isOver(); merged = pending.pop()) {
    const counts = new Map<string, number>()
    const selections = new Map<string, SelectionSetNode[]>()
    const spread = new Set<string>()
    const open: SelectionNode[] = merged.flatMap((set) => set.selections)
    for (let next = open.pop(); next && !isOver(); next = open.pop()) {
      read++
      if (next.kind === Kind.INLINE_FRAGMENT) open.push(...next.selectionSet.selections)
      if (next.kind === Kind.FRAGMENT_SPREAD && !spread.has(next.name.value)) {
        spread.add(next.name.value)
        open.push(...(fragments.get(next.name.value)?.selectionSet.selections ?? []))
      }
      if (next.kind !== Kind.FIELD) continue
      const name = (next.alias ?? next.name).value
      const count = counts.get(name) ?? 0
      pairs += count
      counts.set(name, count + 1)
      if (!next.selectionSet) continue
      const sets = selections.get(name) ?? []
      sets.push(next.selectionSet)
      selections.set(name, sets)
    }
    pending.push(...selections.values())
  }
  return isOver()
}
