import type { Json } from '../../lib/json/index.ts'
import { completed, DEFAULT_HANDLE, type Block, type BlockOutcome, type SampleCall } from '../block/index.ts'
import type { PlanNode } from '../definition/index.ts'

/** What a block says that it would give, shaped by the call where it can. */
export function sampleOutput({ sample, sampleFor }: Block, call: SampleCall): Json {
  return sampleFor ? sampleFor(call) : sample
}

/** An outcome that leaves the node as a plain one does: by `out`, or by the first handle of a node that has no such. */
export function plainOutcome({ handles }: PlanNode, output: Json): BlockOutcome {
  return completed(output, handles.includes(DEFAULT_HANDLE) ? [DEFAULT_HANDLE] : handles.slice(0, 1))
}
