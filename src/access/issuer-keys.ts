import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import type { Clock } from '../lib/time/index.ts'

/** How old the keys of an issuer become before they are read again. */
export const KEYS_REFRESH_MS = 10 * 60_000
/** How long they are used while the issuer cannot be read. */
export const KEYS_MAX_AGE_MS = 24 * 60 * 60_000
/** How long after a reading a token with an unknown key causes no other one. */
export const KEYS_COOLDOWN_MS = 30_000
/** How long the issuer is not asked after a failure; doubled with each one in a row. */
export const ISSUER_RETRY_MS = 1_000
export const ISSUER_MAX_RETRY_MS = 60_000
/** How long the issuer may take to answer. */
const ISSUER_TIMEOUT_MS = 5_000

interface Keys {
  readonly find: ReturnType<typeof createLocalJWKSet>
  readonly readAt: number
}

/**
 * Finds the key of a token among those that an issuer publishes at `url`. One reading is under way at a time, all callers
 * share it, and after a failure the issuer is left alone for a time that doubles; tokens of known keys stay good
 * meanwhile. Throws what `jose` throws for a token without a key, and the failure of the last reading otherwise.
 */
export function createIssuerKeys(url: string, clock: Pick<Clock, 'now'>): JWTVerifyGetKey {
  let keys: Keys | null = null
  let reading: Promise<Keys> | null = null
  let failure: { readonly count: number; readonly cause: unknown; readonly retryAt: number } | null = null

  const readNow = async (): Promise<Keys> => {
    try {
      keys = { find: createLocalJWKSet(await fetchKeys(url)), readAt: clock.now() }
      failure = null
      return keys
    } catch (cause) {
      const count = (failure?.count ?? 0) + 1
      const delayMs = Math.min(ISSUER_MAX_RETRY_MS, ISSUER_RETRY_MS * 2 ** (count - 1))
      failure = { count, cause, retryAt: clock.now() + delayMs }
      throw cause
    } finally {
      reading = null
    }
  }
  const read = async (): Promise<Keys> => {
    if (failure && clock.now() < failure.retryAt) throw failure.cause
    reading ??= readNow()
    return reading
  }
  const current = async (): Promise<Keys> => {
    const known = keys
    const ageMs = known === null ? Infinity : clock.now() - known.readAt
    if (known !== null && ageMs < KEYS_REFRESH_MS) return known
    try {
      return await read()
    } catch (fault) {
      if (known !== null && ageMs < KEYS_MAX_AGE_MS) return known
      throw fault
    }
  }
  return async (header, token) => {
    const { find, readAt } = await current()
    try {
      return await find(header, token)
    } catch (fault) {
      const isUnknown = fault instanceof errors.JWKSNoMatchingKey
      if (!isUnknown || clock.now() - readAt < KEYS_COOLDOWN_MS) throw fault
      return (await read()).find(header, token)
    }
  }
}

async function fetchKeys(url: string): Promise<JSONWebKeySet> {
  const response = await fetch(url, {
    headers: { accept: 'application/json, application/jwk-set+json' },
    redirect: 'manual',
    signal: AbortSignal.timeout(ISSUER_TIMEOUT_MS),
  })
  if (response.status === 200) return (await response.json()) as JSONWebKeySet
  await response.body?.cancel()
  throw new Error(`the token issuer answers HTTP ${response.status}`)
}
