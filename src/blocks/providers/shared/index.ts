/** Calls provider APIs with rate limits, retries and typed failures; every provider is built on it. */
export { gatheringCaller } from './gathering-caller.ts'
export { jsonObjectSchema, listOf } from './list-of.ts'
export { payOnce } from './pay-once.ts'
export { readAnswer, type ProviderAnswer } from './provider-answer.ts'
export {
  createProviderClient,
  type ProviderCaller,
  type ProviderRequest,
  type ProviderStream,
  type ProviderTraits,
  type ProviderTransport,
} from './provider-client.ts'
export { providerError, wordsOf, type FailureKind, type ProviderFailure } from './provider-error.ts'
export { PROVIDER_RETRY } from './provider-retry.ts'
export { providerOrigins, providerSettingsSchema, type ProviderSettings } from './provider-settings.ts'
export { createRateLimiter, type RateLimits } from './rate-limiter.ts'
export { repeatRead } from './repeat-read.ts'
export { capitalised, lettersOf, pick, slugOf, wholeBelow } from './sample.ts'
export { statusKind } from './status-kind.ts'
