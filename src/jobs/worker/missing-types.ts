import type { Diagnostic } from '../../engine/definition/index.ts'
import type { Json } from '../../lib/json/index.ts'

/** The characters of a list of block types beyond which the others are left out. */
const LIST_MAX_LENGTH = 1_000

/** The block types of a definition that are not registered here, in order, each once. Of many only the first ones. */
export function missingTypes(body: Json, diagnostics: readonly Diagnostic[]): readonly string[] {
  const types = diagnostics.flatMap(({ code, pointer }) => {
    const type = code === 'BLOCK_UNKNOWN' ? valueAt(body, pointer) : null
    return typeof type === 'string' ? [type] : []
  })
  let length = 0
  return [...new Set(types)].toSorted().filter((type, place) => {
    length += type.length + 1
    return place === 0 || length <= LIST_MAX_LENGTH
  })
}

function valueAt(body: Json, pointer: string): unknown {
  let value: unknown = body
  for (const key of pointer.split('/').slice(1)) {
    if (typeof value !== 'object' || value === null) return null
    value = (value as Record<string, unknown>)[key.replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  return value
}
