import type { StepRecord } from '../../src/engine/record/index.ts'

/** A step that one attempt has completed. */
export function completedStep(path: string): StepRecord {
  return {
    path,
    order: [0],
    nodeId: path,
    status: 'COMPLETED',
    attempt: 1,
    attempts: [],
    handles: ['out'],
    inputFrom: [],
    dueAt: null,
    wait: null,
    error: null,
    reusedFrom: null,
    callKey: null,
    startedAt: 1,
    finishedAt: 2,
  }
}
