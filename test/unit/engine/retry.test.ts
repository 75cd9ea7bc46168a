import { describe, expect, test } from '@jest/globals'
import { fc } from '../../support/fast-check.ts'
import { decideRetry, type FailedAttempt } from '../../../src/engine/run/step/retry.ts'
import { NO_RETRY, RETRY_TRANSIENT } from '../../../src/engine/block/retry-policy.ts'

const policy = { maxAttempts: 4, initialDelayMs: 100, factor: 2, maxDelayMs: 350 }
const failure = { code: 'BUSY', message: 'busy', retryable: true }
const decide = (change: Partial<FailedAttempt>) =>
  decideRetry({ policy, failure, attempt: 1, isWanted: true, random: 0.5, ...change })

describe('E6: decideRetry', () => {
  test('waits a jittered share of a growing, capped delay', () => {
    expect([1, 2, 3].map((attempt) => decide({ attempt }))).toEqual([
      { kind: 'retry', delayMs: 50 },
      { kind: 'retry', delayMs: 100 },
      { kind: 'retry', delayMs: 175 },
    ])
  })

  test('gives up after `maxAttempts`, on what cannot be mended, and on what is not wanted', () => {
    const giveUp = { kind: 'giveUp' }
    expect(decide({ attempt: 4 })).toEqual(giveUp)
    expect(decide({ failure: { ...failure, retryable: false } })).toEqual(giveUp)
    expect(decide({ isWanted: false })).toEqual(giveUp)
    expect(decide({ policy: NO_RETRY })).toEqual(giveUp)
  })

  test('a provider’s own wish wins over the backoff, up to a day; it does not buy another attempt', () => {
    const wish = (retryAfterMs: number) => ({ failure: { ...failure, retryAfterMs } })
    expect(decide(wish(7))).toEqual({ kind: 'retry', delayMs: 7 })
    expect(decide(wish(0))).toEqual({ kind: 'retry', delayMs: 0 })
    expect(decide(wish(9e9))).toEqual({ kind: 'retry', delayMs: 86_400_000 })
    expect(decide({ ...wish(7), attempt: 4 })).toEqual({ kind: 'giveUp' })
    expect(decide({ failure: { ...failure, retryable: false, retryAfterMs: 7 } })).toEqual({ kind: 'giveUp' })
  })

  test('never retries past the policy, and never waits longer than its cap', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), random, (attempt, share) => {
        const decision = decide({ policy: RETRY_TRANSIENT, attempt, random: share })
        if (attempt >= RETRY_TRANSIENT.maxAttempts) return expect(decision).toEqual({ kind: 'giveUp' })
        const cap = Math.min(8_000, 500 * 2 ** (attempt - 1))
        expect(decision.kind === 'retry' && decision.delayMs >= 0 && decision.delayMs < cap).toBe(true)
      }),
    )
  })
})
