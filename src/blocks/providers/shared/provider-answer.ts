import type { z } from 'zod'
import { BlockError } from '../../../engine/block/index.ts'
import { messageOf } from '../../../lib/index.ts'
import type { Json } from '../../../lib/json/index.ts'

/** An answer as it came: text first, since providers answer errors in whatever form they like. */
export interface ProviderAnswer {
  readonly status: number
  readonly text: string
  /** What the text is when it is JSON; undefined when it is not. */
  readonly json: Json | undefined
  /** A header by lower-case name. */
  header(name: string): string | undefined
}

/** `text` is known to be fit to be parsed. */
export function providerAnswer(
  status: number,
  headers: Readonly<Record<string, string | readonly string[]>>,
  text: string,
): ProviderAnswer {
  return { status, text, json: parsed(text), header: (name) => headers[name]?.toString() }
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

/**
 * What a successful answer holds, by a schema that keeps unknown fields where the provider may add some. Throws
 * `PROVIDER_ANSWER_INVALID`, which is final: asked again, it would answer the same.
 */
export function readAnswer<T>(
  provider: string,
  { json, status, text }: ProviderAnswer,
  schema: z.ZodType<T>,
): T {
  const read = schema.safeParse(json)
  if (json !== undefined && read.success) return read.data
  const problem = json === undefined ? `it is not JSON (${text.length} characters)` : firstIssue(read.error)
  throw new BlockError(
    'PROVIDER_ANSWER_INVALID',
    `${provider} answered in a form that is not known: ${problem}`,
    {
      details: { provider, status },
    },
  )
}

function firstIssue(error: z.ZodError | undefined): string {
  const [issue] = error?.issues ?? []
  return issue ? `${issue.path.join('.') || 'the answer'}: ${issue.message}` : messageOf(error)
}
