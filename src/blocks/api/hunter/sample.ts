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
  const host = domain || `${slug(company ?? '') || 'acme'}.example`
  return `${name.split(/\s+/).map(slug).filter(Boolean).join('.') || 'hello'}@${host}`
}

export function wholeBelow(limit: number, random: () => number): number {
  return Math.floor(random() * limit)
}

/** Letters and digits of ASCII, as in addresses. */
function slug(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '')
}
