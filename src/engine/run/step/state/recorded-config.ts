import { createHash } from 'node:crypto'
import { jsonTextDigestPieces, type Json, type TextDigest } from '../../../../lib/json/index.ts'
import type { Pieces } from '../../../../lib/turns/index.ts'
import { RenderedTooLargeError, RenderTotal } from '../../../block/index.ts'
import type { Scrubber } from '../../../scrub/index.ts'

/** The longest config that is recorded as it is, in characters of JSON; of a longer one its length and its SHA-256 are recorded. */
export const RECORDED_CONFIG_MAX_LENGTH = 32_768

/** What exceeds this certainly has a longer text. */
const SHORT = {
  maxBytes: RECORDED_CONFIG_MAX_LENGTH,
  maxHeapBytes: Number.POSITIVE_INFINITY,
  maxValues: RECORDED_CONFIG_MAX_LENGTH,
}

/**
 * The text that is recorded of a resolved config, without the values of secrets. No text that is much longer is made: of a
 * longer config the digest is computed piece by piece, which is enough to find out whether another config is the same.
 */
export function* recordedConfigPieces(
  config: Json,
  scrubber: Pick<Scrubber, 'json' | 'value'>,
): Pieces<string> {
  const text = (yield* isShort(config)) ? shortConfigText(config, scrubber) : null
  if (text !== null) return text
  yield
  const masked = scrubber.value(config)
  yield
  const digest = yield* jsonTextDigestPieces(masked)
  if (digest.length <= RECORDED_CONFIG_MAX_LENGTH) return JSON.stringify(masked)
  return digestText(digest)
}

/** The same for a config that is known to be small; null where its text is too long to be recorded as it is. */
export function shortConfigText(config: Json, scrubber: Pick<Scrubber, 'json'>): string | null {
  const text = scrubber.json(JSON.stringify(config))
  return text.length <= RECORDED_CONFIG_MAX_LENGTH ? text : null
}

function* isShort(config: Json): Pieces<boolean> {
  try {
    yield* new RenderTotal(SHORT).add(config)
    return true
  } catch (thrown) {
    if (thrown instanceof RenderedTooLargeError) return false
    throw thrown
  }
}

/** What is recorded in place of a text of a config that is not kept. */
export function configDigest(text: string): string {
  return digestText({ length: text.length, sha256: createHash('sha256').update(text).digest('hex') })
}

function digestText(digest: TextDigest): string {
  return JSON.stringify({ truncated: true, ...digest })
}
