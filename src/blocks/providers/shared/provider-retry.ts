import { retryPolicySchema, type RetryPolicy } from '../../../engine/block/index.ts'

/** How steps that call a provider are tried again where their node says nothing. */
export const PROVIDER_RETRY: RetryPolicy = retryPolicySchema.parse({ maxAttempts: 4 })
