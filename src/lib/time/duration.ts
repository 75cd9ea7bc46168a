const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}
const SHORT = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$/
const SHORT_PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g
// ISO 8601 without years and months, which have no fixed length.
const ISO = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/

/** Milliseconds of a text such as "90s", "1h30m", "7d" or ISO 8601 "PT15M"; null when it is neither. */
export function parseDuration(text: string): number | null {
  const trimmed = text.trim()
  if (trimmed.length > 64) return null
  if (SHORT.test(trimmed)) {
    const parts = [...trimmed.matchAll(SHORT_PART)]
    return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNITS_MS[unit ?? ''] ?? 0), 0)
  }
  const iso = ISO.exec(trimmed)
  if (!iso || /[PT]$/.test(trimmed)) return null
  const [, weeks, days, hours, minutes, seconds] = iso.map((part) => Number(part ?? 0))
  return (
    (weeks ?? 0) * 604_800_000 +
    (days ?? 0) * 86_400_000 +
    (hours ?? 0) * 3_600_000 +
    (minutes ?? 0) * 60_000 +
    (seconds ?? 0) * 1_000
  )
}
