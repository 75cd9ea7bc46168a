/** Exponential backoff with full jitter: a uniform share of a cap that grows with each attempt. */
export interface Backoff {
  readonly initialDelayMs: number
  readonly factor: number
  readonly maxDelayMs: number
}

/**
 * The delay after the `attempt`-th failure (from 1), in whole milliseconds; `random` is in [0, 1).
 * Source: "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
 */
export function backoffDelay(
  { initialDelayMs, factor, maxDelayMs }: Backoff,
  attempt: number,
  random: number,
): number {
  const cap = Math.min(maxDelayMs, initialDelayMs * factor ** (attempt - 1))
  return Math.floor(random * cap)
}
