import { seededRandom } from '../../lib/index.ts'
import type { BlockEstimate } from '../block/index.ts'
import type { StandIn, StandInCall } from '../run/index.ts'
import { findMock, type Mock, type Mocks } from './mocks.ts'
import { playMock } from './play-mock.ts'

/** How a node's calls went before. */
export interface StepHistory {
  /** The median of the attempts that ended well. */
  readonly p50DurationMs: number
  /** How many attempts that is the median of. */
  readonly count: number
}

export interface SimulationStandInOptions {
  readonly mocks: Mocks
  /** By node id. */
  readonly history: ReadonlyMap<string, StepHistory>
  /** A call that would go out, before it does what its mock or its block says. */
  readonly onCall: (call: StandInCall, about: { readonly mockKey: string | null }) => void
}

const SAMPLE: Mock = {}

/**
 * Simulation: a block that would call out does what its mock says, or gives its sample. It takes as long as the mock
 * says, else as its node's calls took before, else as the block itself thinks, and costs what the block thinks.
 */
export function simulationStandIn({ mocks, history, onCall }: SimulationStandInOptions): StandIn {
  return async (call) => {
    const found = findMock(mocks, call)
    onCall(call, { mockKey: found?.key ?? null })
    const estimate = estimateOf(call)
    const durationMs = history.get(call.node.id)?.p50DurationMs ?? estimate.durationMs ?? 0
    const outcome = await playMock(found?.mock ?? SAMPLE, call, { durationMs })
    if (estimate.costUsd !== undefined) call.context.usage({ costUsd: estimate.costUsd })
    return outcome
  }
}

function estimateOf({ node, path, context: { config, input } }: StandInCall): BlockEstimate {
  return node.block.estimate?.({ config, input, random: seededRandom(path) }) ?? {}
}
