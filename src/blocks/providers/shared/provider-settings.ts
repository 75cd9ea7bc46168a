import { z } from 'zod'

/** Where a provider answers: http or https, perhaps with a path, without anything behind it. */
function baseUrl(fallback: string) {
  return z
    .url({ protocol: /^https?$/, error: 'is not an http or https URL', abort: true })
    .refine((text) => {
      const { username, password, search, hash } = new URL(text)
      return !username && !password && !search && !hash
    }, 'must not hold credentials, a query or a fragment')
    .transform((text) => text.replace(/\/+$/, ''))
    .default(fallback)
}

function provider(fallback: string) {
  return z.object({ baseUrl: baseUrl(fallback) }).prefault({})
}

/** Where each provider is reached; what is not given is the real one. */
export const providerSettingsSchema = z.object({
  apify: provider('https://api.apify.com'),
  apollo: provider('https://api.apollo.io/api/v1'),
  hunter: provider('https://api.hunter.io/v2'),
  mixedbread: provider('https://api.mixedbread.com'),
  openrouter: provider('https://openrouter.ai/api/v1'),
  /** With the Graph API's version. */
  meta: provider('https://graph.facebook.com/v26.0'),
})
export type ProviderSettings = z.output<typeof providerSettingsSchema>

/** The origins that the operator opened by naming them as a provider's: they need not be public. */
export function providerOrigins(settings: ProviderSettings): readonly string[] {
  return Object.values(settings).map(({ baseUrl }) => new URL(baseUrl).origin)
}
