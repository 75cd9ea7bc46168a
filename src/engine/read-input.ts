import { messageOf } from '../lib/errors.ts'
import type { Json } from '../lib/json.ts'
import type { Block } from './block.ts'
import { finalFailure, type StepFailure } from './step.ts'

const MAX_ISSUES = 10

/**
 * Why a step's input is not what its block takes; null where it is, or the block takes anything. The input is only looked
 * at: what the block is given is what was recorded. A schema is its author's code: one that throws refuses.
 */
export function inputFailure(
  { type, input: schema }: Pick<Block, 'type' | 'input'>,
  input: Json,
): StepFailure | null {
  const problem = schema && problemOf(schema, input)
  if (!problem) return null
  return finalFailure('BLOCK_INPUT_INVALID', `The input is not what the block ${type} takes: ${problem}`)
}

function problemOf(schema: NonNullable<Block['input']>, input: Json): string | null {
  try {
    const { error } = schema.safeParse(input)
    if (!error) return null
    return error.issues
      .slice(0, MAX_ISSUES)
      .map(({ path, message }) => `${path.join('.') || 'input'}: ${message}`)
      .join('; ')
  } catch (thrown) {
    return `the block’s schema failed: ${messageOf(thrown)}`
  }
}
