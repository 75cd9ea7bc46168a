import type { Json } from '../../../lib/json/index.ts'
import { issuesText, readBySchema, type Block } from '../../block/index.ts'
import { finalFailure, type StepFailure } from '../../record/index.ts'

/**
 * Why a step's input is not what its block takes; null where it is, or the block takes anything. The input is only looked
 * at: what the block is given is what was recorded.
 */
export function inputFailure(
  { type, input: schema }: Pick<Block, 'type' | 'input'>,
  input: Json,
): StepFailure | null {
  const read = schema && readBySchema(schema, input)
  if (!read || read.ok) return null
  const problem = issuesText(read.issues, 'input')
  return finalFailure('BLOCK_INPUT_INVALID', `The input is not what the block ${type} takes: ${problem}`)
}
