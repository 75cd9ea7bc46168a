import { JSON_MAX_DEPTH, type JsonHeapSize } from '../../lib/json/index.ts'
import { OUTPUT_MAX_BYTES, OUTPUT_MAX_HEAP_BYTES, OUTPUT_MAX_VALUES } from './output.ts'
import { RenderedTooLargeError, type RenderLimits } from './render-total.ts'

/** What a config may have beside one output of the largest size, in bytes, so that every output can be handed on. */
const BESIDE_AN_OUTPUT_BYTES = 64 * 1024

/** The longest config of a step, with its templates filled in, in bytes of JSON text in UTF-8. */
export const CONFIG_MAX_BYTES = OUTPUT_MAX_BYTES + BESIDE_AN_OUTPUT_BYTES

/** The most memory that one config may take, in estimated bytes of heap. */
export const CONFIG_MAX_HEAP_BYTES = OUTPUT_MAX_HEAP_BYTES + BESIDE_AN_OUTPUT_BYTES

/** The most values of one config: strings, numbers, booleans, nulls, lists and objects. */
export const CONFIG_MAX_VALUES = OUTPUT_MAX_VALUES + 1_024

/** The code of a step whose config exceeds these limits. */
export const CONFIG_TOO_LARGE = 'CONFIG_TOO_LARGE'

export const CONFIG_LIMITS: RenderLimits = {
  maxBytes: CONFIG_MAX_BYTES,
  maxHeapBytes: CONFIG_MAX_HEAP_BYTES,
  maxValues: CONFIG_MAX_VALUES,
}

/** The JSON text of a rendered config; throws `RenderedTooLargeError` where it is longer than a config may be. */
export function configTextOf(config: unknown): string {
  const text = JSON.stringify(config)
  if (text.length > CONFIG_MAX_BYTES || Buffer.byteLength(text) > CONFIG_MAX_BYTES)
    throw new RenderedTooLargeError(`has more than ${CONFIG_MAX_BYTES} bytes of JSON text`)
  return text
}

/** Throws `RenderedTooLargeError` where a config of this size takes more memory than it may. */
export function checkConfigHeap({ heapBytes, values, isTooDeep }: JsonHeapSize): void {
  if (isTooDeep) throw new RenderedTooLargeError(`is nested deeper than ${JSON_MAX_DEPTH} levels`)
  if (values > CONFIG_MAX_VALUES) throw new RenderedTooLargeError(`has more than ${CONFIG_MAX_VALUES} values`)
  if (heapBytes > CONFIG_MAX_HEAP_BYTES)
    throw new RenderedTooLargeError(`takes more than ${CONFIG_MAX_HEAP_BYTES} bytes of memory`)
}

/** What a user reads of a config that is too large. */
export function configTooLargeMessage({ reason, pointer }: RenderedTooLargeError): string {
  const part = pointer === '' ? '' : `, counted up to the value at "${pointer}",`
  return (
    `The config, with its templates filled in${part} ${reason}, which is the limit. ` +
    'Let the templates yield less: store the rest elsewhere and pass where it is, or divide the work among several steps.'
  )
}
