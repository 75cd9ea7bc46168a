import { BlockError } from '../../../engine/block/index.ts'
import { ANSWER_MAX_HEAP_BYTES } from '../../../net/index.ts'
import type { ProviderCaller } from './provider-client.ts'

/**
 * A caller that keeps all answers of its calls until the last one, such as the pages of a list: they are counted together, small ones
 * too. One that exceeds `ANSWER_MAX_HEAP_BYTES` with those before it ends with `HTTP_RESPONSE_TOO_LARGE`.
 */
export function gatheringCaller<Caller extends ProviderCaller>(caller: Caller): Caller {
  let heapBytes = 0
  const claimMemory = async (bytes: number) => {
    heapBytes += bytes
    if (heapBytes > ANSWER_MAX_HEAP_BYTES)
      throw new BlockError(
        'HTTP_RESPONSE_TOO_LARGE',
        `The answers would take about ${heapBytes} bytes in memory together; ${ANSWER_MAX_HEAP_BYTES} are allowed. Ask for less in one step.`,
      )
    await caller.answers.claimMemory(heapBytes)
  }
  return {
    ...caller,
    answers: { open: (options) => caller.answers.open(options), claimMemory },
    isGathering: true,
  }
}
