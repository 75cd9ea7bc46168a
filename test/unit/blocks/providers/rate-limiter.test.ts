import { beforeEach, describe, expect, it } from '@jest/globals'
import { fc } from '../../../support/fast-check.ts'
import {
  createRateLimiter,
  type Pass,
  type RateLimiter,
  type RateLimits,
  type RateNews,
} from '../../../../src/blocks/providers/shared/rate-limiter.ts'
import { ManualClock, settled } from '../../../support/manual-clock.ts'

const MINUTE_MS = 60_000
const FINE: RateNews = { left: null }
const throttled = (retryAfterMs?: number): RateNews => ({ left: null, throttled: { retryAfterMs } })

let clock: ManualClock
let limiter: RateLimiter
beforeEach(() => {
  clock = new ManualClock()
  limiter = createRateLimiter({ clock })
})

interface Place {
  readonly limits?: Partial<RateLimits>
  readonly provider?: string
  readonly credential?: string
  readonly scope?: string
  readonly signal?: AbortSignal
}

/** One call that wants in: what has become of it so far. */
function knock({ limits, signal = new AbortController().signal, ...place }: Place = {}) {
  const call = { pass: null as Pass | null, failure: null as unknown }
  const where = { provider: 'Acme', credential: 'key', ...place, limits: { concurrency: 2, ...limits } }
  limiter.enter(where, signal).then(
    (pass) => (call.pass = pass),
    (failure: unknown) => (call.failure = failure),
  )
  return call
}

const isIn = (calls: readonly { readonly pass: Pass | null }[]) => calls.map(({ pass }) => pass !== null)

describe('a lane', () => {
  it('lets in as many calls as may be under way, and the next in turn as each ends', async () => {
    const calls = [knock(), knock(), knock(), knock()]
    await settled()
    expect(isIn(calls)).toEqual([true, true, false, false])
    calls[0]?.pass?.leave(FINE)
    await settled()
    expect(isIn(calls)).toEqual([true, true, true, false])
  })

  it('gives a place back once, however often a call says that it leaves', async () => {
    const calls = [knock(), knock(), knock(), knock()]
    await settled()
    calls[0]?.pass?.leave(FINE)
    calls[0]?.pass?.leave(FINE)
    await settled()
    expect(isIn(calls)).toEqual([true, true, true, false])
  })

  it.each([{ credential: 'other' }, { provider: 'Other' }, { scope: 'other' }])(
    'is not shared with %j',
    async (other) => {
      const limits = { concurrency: 1 }
      const calls = [knock({ limits }), knock({ limits }), knock({ limits, ...other })]
      await settled()
      expect(isIn(calls)).toEqual([true, false, true])
    },
  )

  it('forgets whoever is aborted while waiting', async () => {
    const leaving = new AbortController()
    const limits = { concurrency: 1 }
    const [first, second, third] = [
      knock({ limits }),
      knock({ limits, signal: leaving.signal }),
      knock({ limits }),
    ]
    await settled()
    leaving.abort(new Error('canceled'))
    await settled()
    expect(second.failure).toEqual(new Error('canceled'))
    first.pass?.leave(FINE)
    await settled()
    expect(third.pass).not.toBeNull()
  })

  it('does not let in whoever was aborted before', async () => {
    const call = knock({ signal: AbortSignal.abort(new Error('canceled')) })
    await settled()
    expect(call).toEqual({ pass: null, failure: new Error('canceled') })
  })
})

describe('a refusal', () => {
  it('closes the lane for everybody, for as long as the provider asks', async () => {
    const first = knock()
    await settled()
    first.pass?.leave(throttled(5_000))
    const calls = [knock(), knock()]
    await clock.advance(4_999)
    expect(isIn(calls)).toEqual([false, false])
    await clock.advance(1)
    expect(isIn(calls)).toEqual([true, true])
  })

  it('without a wait closes it for a pause that doubles with each in a row, to eight seconds', async () => {
    const pauses: number[] = []
    for (let i = 0; i < 7; i++) {
      const call = knock()
      const from = clock.now()
      for (let step = 0; call.pass === null && step < 100; step++) await clock.advance(500)
      pauses.push(clock.now() - from)
      call.pass?.leave(throttled())
    }
    expect(pauses).toEqual([500, 500, 1_000, 2_000, 4_000, 8_000, 8_000])
  })

  it('after a success begins with the shortest pause again', async () => {
    for (const news of [throttled(), throttled(), FINE, throttled()]) {
      const call = knock()
      await clock.advance(10_000)
      call.pass?.leave(news)
    }
    const call = knock()
    await clock.advance(499)
    expect(call.pass).toBeNull()
    await clock.advance(1)
    expect(call.pass).not.toBeNull()
  })

  it('for longer than a minute sends waiting calls back at once, with the wait', async () => {
    const first = knock({ limits: { concurrency: 1 } })
    const second = knock({ limits: { concurrency: 1 } })
    await settled()
    first.pass?.leave(throttled(MINUTE_MS + 1))
    await settled()
    expect(second.failure).toMatchObject({
      code: 'PROVIDER_RATE_LIMITED',
      retryable: true,
      retryAfterMs: MINUTE_MS + 1,
    })
  })

  it('closes the lane for a quarter of an hour at most, whatever is asked', async () => {
    const first = knock()
    await settled()
    first.pass?.leave(throttled(24 * 60 * MINUTE_MS))
    await clock.advance(15 * MINUTE_MS)
    const call = knock()
    await settled()
    expect(call.pass).not.toBeNull()
  })

  it('is waited for by whoever is not aborted meanwhile', async () => {
    const first = knock()
    await settled()
    first.pass?.leave(throttled(5_000))
    const leaving = new AbortController()
    const [second, third] = [knock({ signal: leaving.signal }), knock()]
    await settled()
    leaving.abort(new Error('canceled'))
    await clock.advance(5_000)
    expect(second).toEqual({ pass: null, failure: new Error('canceled') })
    expect(third.pass).not.toBeNull()
  })
})

describe('what a provider says is left', () => {
  it('limits how many calls are under way; with nothing left one at a time asks anew', async () => {
    const limits = { concurrency: 5 }
    const first = knock({ limits })
    await settled()
    first.pass?.leave({ left: 0 })
    const calls = [knock({ limits }), knock({ limits }), knock({ limits })]
    await settled()
    expect(isIn(calls)).toEqual([true, false, false])
    calls[0]?.pass?.leave({ left: 40 })
    await settled()
    expect(isIn(calls)).toEqual([true, true, true])
  })
})

describe('a window', () => {
  it('lets in so many calls within any span of its length', async () => {
    const limits = {
      concurrency: 100,
      windows: [
        { calls: 2, spanMs: 1_000 },
        { calls: 3, spanMs: 10_000 },
      ],
    }
    const calls = Array.from({ length: 5 }, () => knock({ limits }))
    await settled()
    expect(isIn(calls)).toEqual([true, true, false, false, false])
    await clock.advance(1_000)
    expect(isIn(calls)).toEqual([true, true, true, false, false])
    await clock.advance(9_000)
    expect(isIn(calls)).toEqual([true, true, true, true, true])
  })

  it('is never overrun and starves nobody, whenever calls come and however long they take', async () => {
    const [CALLS, SPAN_MS] = [3, 1_000]
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 700 }), fc.integer({ min: 0, max: 900 })), {
          maxLength: 20,
        }),
        async (arrivals) => {
          clock = new ManualClock()
          limiter = createRateLimiter({ clock })
          const starts: { readonly at: number; readonly number: number }[] = []
          const limits = { concurrency: 2, windows: [{ calls: CALLS, spanMs: SPAN_MS }] }
          for (const [number, [pauseMs, lengthMs]] of arrivals.entries()) {
            await clock.advance(pauseMs)
            const place = { provider: 'Acme', credential: 'key', limits }
            void limiter.enter(place, new AbortController().signal).then((pass) => {
              starts.push({ at: clock.now(), number })
              clock.after(lengthMs, () => pass.leave(FINE))
              return null
            })
          }
          await clock.advance(60_000)
          expect(starts.map(({ number }) => number)).toEqual(arrivals.map((_, number) => number))
          for (const [i, { at }] of starts.entries()) {
            const earlier = starts[i - CALLS]
            if (earlier) expect(at - earlier.at).toBeGreaterThanOrEqual(SPAN_MS)
          }
        },
      ),
      { numRuns: 25 },
    )
  })
})

it('a limiter that has seen a thousand credentials still holds back those that are refused', async () => {
  const first = knock({ credential: 'refused' })
  await settled()
  first.pass?.leave(throttled(30_000))
  for (let i = 0; i < 1_001; i++) {
    const call = knock({ credential: `key ${i}` })
    await Promise.resolve()
    call.pass?.leave(FINE)
  }
  const again = knock({ credential: 'refused' })
  await settled()
  expect(again.pass).toBeNull()
})
