import type { z } from 'zod'
import { messageOf } from '../../lib/index.ts'
import type { Json } from '../../lib/json/index.ts'
import type { Block } from './block.ts'
import { limitIssues } from './limit-issues.ts'

export type ConfigReading =
  | { readonly ok: true; readonly config: unknown }
  | { readonly ok: false; readonly issues: readonly z.core.$ZodIssue[] }

/** Parses a config by its block's schema. */
export function readConfig(block: Pick<Block, 'config'>, config: Json): ConfigReading {
  return readBySchema(block.config, config)
}

/**
 * Parses a JSON value by a block's schema. The schema is code of the block's author: one that throws counts as one that
 * refuses. Of a list or a record only the first `ISSUES_MAX` issues are reported.
 */
export function readBySchema(schema: z.ZodType, value: Json): ConfigReading {
  try {
    limitIssues(schema)
    const parsed = schema.safeParse(value)
    return parsed.success ? { ok: true, config: parsed.data } : { ok: false, issues: parsed.error.issues }
  } catch (thrown) {
    const message = `the block’s schema failed: ${messageOf(thrown)}`
    return { ok: false, issues: [{ code: 'custom', path: [], message, input: value }] }
  }
}
