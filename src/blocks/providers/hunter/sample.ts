import { slugOf } from '../shared/index.ts'

/** An address as companies make them, from what is known. */
export function sampleAddress({
  name,
  domain,
  company,
}: {
  readonly name: string
  readonly domain?: string | null | undefined
  readonly company?: string | null | undefined
}): string {
  const host = domain || `${slugOf(company ?? '') || 'acme'}.example`
  return `${name.split(/\s+/).map(slugOf).filter(Boolean).join('.') || 'hello'}@${host}`
}
