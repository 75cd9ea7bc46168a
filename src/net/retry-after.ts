/**
 * How long a `Retry-After` header asks to wait, in milliseconds from `now`: its value is a number of seconds or an HTTP
 * date (RFC 9110 section 10.2.3). A date that has passed gives 0; no header, or one that is neither, undefined.
 */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  const value = header?.trim() ?? ''
  if (/^\d{1,10}$/.test(value)) return Number(value) * 1000
  if (!/^[A-Z][a-z]+, .+ GMT$/.test(value)) return undefined
  const instant = Date.parse(value)
  return Number.isNaN(instant) ? undefined : Math.max(0, instant - now)
}
