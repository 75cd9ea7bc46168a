import type { z } from 'zod'
import { isJsonObject, pointer, type Json } from '../../../lib/json/index.ts'
import type { Block } from '../../block/index.ts'
import { problem, type Diagnostic } from '../../definition/index.ts'
import { memberOf, typeAt, typeOfBlockSchema } from './value-type.ts'
import { issuesToDiagnostics } from './zod-issues.ts'

interface ConfigContext {
  readonly block: Block
  readonly config: Json
  /** Where the config stands in the definition. */
  readonly at: string
  readonly nodeId: string
}

/** Tells what a config lacks apart from what is wrong with what it has. */
export function configDiagnostics(
  issues: readonly z.core.$ZodIssue[],
  context: ConfigContext,
): readonly Diagnostic[] {
  const { config, at, nodeId } = context
  return issues.flatMap((issue) =>
    lacks(config, issue.path)
      ? [requiredField(issue.path, context)]
      : issuesToDiagnostics([issue], { code: 'CONFIG_INVALID', at, nodeId }),
  )
}

/** Whether a path leads to a field that the object at its place does not have. */
function lacks(config: Json, path: readonly PropertyKey[]): boolean {
  let at: Json | undefined = config
  for (const [i, key] of path.entries()) {
    if (Array.isArray(at)) at = (at as readonly Json[])[Number(key)]
    else if (!isJsonObject(at)) return false
    else if (!Object.hasOwn(at, key)) return i === path.length - 1
    else at = at[String(key)]
  }
  return false
}

function requiredField(path: readonly PropertyKey[], { block, at, nodeId }: ConfigContext): Diagnostic {
  const keys = path.map(String)
  const name = keys.join('.')
  const description = descriptionOf(block, keys)
  return problem('CONFIG_REQUIRED', pointer(at, ...keys), `The config lacks \`${name}\`.`, {
    nodeId,
    suggestion: description === null ? `Give \`${name}\`.` : `Give \`${name}\`: ${description}`,
  })
}

function descriptionOf(block: Block, keys: readonly string[]): string | null {
  const owner = typeAt(typeOfBlockSchema(block.config, 'input'), keys.slice(0, -1))
  const member = memberOf(owner, keys.at(-1) ?? '')
  const description = member.kind === 'possible' ? member.type?.schema.description : null
  return typeof description === 'string' ? description : null
}
