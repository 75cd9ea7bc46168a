import { z } from 'zod'

const fields = {
  maxAttempts: z.int().min(1).max(100).describe('All tries together; 1 means no retry.'),
  initialDelayMs: z
    .int()
    .min(0)
    .max(86_400_000)
    .describe('The cap of the first delay, in milliseconds; each delay is a random part of its cap.'),
  factor: z.number().min(1).max(10).describe('By how much the cap grows with each try.'),
  maxDelayMs: z.int().min(0).max(86_400_000).describe('No delay is longer than this, in milliseconds.'),
  retryIf: z
    .string()
    .optional()
    .describe(
      'A bare CEL expression on `error { code, message, retryable, details }` and `attempt`; false ends the tries.',
    ),
}

/** How often and how far apart a step is tried (E6). */
export const retryPolicySchema = z.object({
  ...fields,
  maxAttempts: fields.maxAttempts.default(3),
  initialDelayMs: fields.initialDelayMs.default(500),
  factor: fields.factor.default(2),
  maxDelayMs: fields.maxDelayMs.default(8_000),
})
export type RetryPolicy = z.output<typeof retryPolicySchema>

/** A definition's `retry`: what it does not say is the block's own policy, so nothing here has a default. */
export const nodeRetrySchema = z.object(fields).partial()

export const NO_RETRY: RetryPolicy = retryPolicySchema.parse({ maxAttempts: 1 })
export const RETRY_TRANSIENT: RetryPolicy = retryPolicySchema.parse({})
