import { z } from 'zod'

/** How often and how far apart a step is tried (E6). The same shape stands in a definition's `retry`. */
export const retryPolicySchema = z.object({
  /** All tries together; 1 means no retry. */
  maxAttempts: z.int().min(1).max(100).default(3),
  /** The cap of the first delay, in milliseconds. */
  initialDelayMs: z.int().min(0).max(86_400_000).default(500),
  /** By how much the cap grows with each try. */
  factor: z.number().min(1).max(10).default(2),
  /** No delay is longer than this, in milliseconds. */
  maxDelayMs: z.int().min(0).max(86_400_000).default(8_000),
  /** CEL on `error { code, message, retryable, details }` and `attempt`; false ends the tries. */
  retryIf: z.string().optional(),
})
export type RetryPolicy = z.output<typeof retryPolicySchema>

export const NO_RETRY: RetryPolicy = retryPolicySchema.parse({ maxAttempts: 1 })
export const RETRY_TRANSIENT: RetryPolicy = retryPolicySchema.parse({})
