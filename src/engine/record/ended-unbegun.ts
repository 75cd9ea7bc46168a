import type { StepRecord } from './journal.ts'

/** The record of a top-level node that ends without having begun. */
export function endedUnbegun(
  { id, order }: { readonly id: string; readonly order: readonly number[] },
  status: 'SKIPPED' | 'CANCELED',
  at: number,
): StepRecord {
  return {
    path: id,
    order,
    nodeId: id,
    status,
    attempt: 0,
    attempts: [],
    handles: [],
    inputFrom: [],
    dueAt: null,
    wait: null,
    error: null,
    reusedFrom: null,
    callKey: null,
    startedAt: null,
    finishedAt: at,
  }
}
