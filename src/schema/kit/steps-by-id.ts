import type DataLoader from 'dataloader'
import type { ListedStep } from '../../db/log-reads/index.ts'
import type { Context } from './context.ts'
import { readStepId } from './global-id.ts'

/** Steps by the part of their global ids behind the type, found together; null for each that does not exist or has another owner. */
export function stepsById({
  batch,
  stepList,
  ownerId,
}: Pick<Context, 'batch' | 'stepList' | 'ownerId'>): DataLoader<string, ListedStep | null> {
  return batch('steps', null, (ids) => stepList.find(ownerId, ids.map(readStepId)))
}
