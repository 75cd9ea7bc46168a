import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createHttpClient } from '../../../../src/net/http-client.ts'
import {
  createProviderClient,
  type ProviderClient,
  type ProviderTraits,
} from '../../../../src/blocks/providers/shared/provider-client.ts'
import { createRateLimiter } from '../../../../src/blocks/providers/shared/rate-limiter.ts'
import { BlockError } from '../../../../src/engine/block/block.ts'
import { Scrubber } from '../../../../src/engine/scrub/scrub.ts'
import { failureOf } from '../../../../src/engine/record/step.ts'
import { Closers } from '../../../../src/lib/async/closers.ts'
import { answersAlone } from '../../../support/answers.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import {
  startProviderServer,
  type Answer,
  type ProviderServer,
} from '../../../support/providers/provider-server.ts'

const KEY = 'secret-key-1'

let closers: Closers
let clock: ManualClock
let server: ProviderServer
let client: ProviderClient
let answer: Answer

beforeEach(async () => {
  closers = new Closers()
  clock = new ManualClock()
  answer = { body: { ok: true } }
  server = await startProviderServer(() => answer)
  closers.add(() => server.close())
  client = clientAt(`${server.origin}/base`)
})
afterEach(() => closers.close())

function clientAt(baseUrl: string, concurrency = 10): ProviderClient {
  const policy = { allowedHosts: [], allowedOrigins: [new URL(baseUrl).origin] }
  const http = createHttpClient({ policy: () => policy })
  closers.add(() => http.close())
  const traits: ProviderTraits = {
    name: 'Acme',
    baseUrl,
    limits: { concurrency },
    authorize: (credential) => ({ 'x-key': credential }),
    failureOf: ({ status, text }) =>
      status < 300 ? null : { kind: status === 429 ? 'rateLimited' : 'unavailable', message: text },
  }
  return createProviderClient(traits, { http, limiter: createRateLimiter({ clock }) })
}

const caller = (signal = new AbortController().signal) => ({
  credential: KEY,
  clock,
  signal,
  answers: answersAlone(),
})
const read = { path: '/things', isRepeatable: true } as const
const paid = { path: '/things', method: 'POST', isRepeatable: false } as const

describe('memory for an answer', () => {
  it('that is large is claimed before it is parsed: as much as its lists take', async () => {
    answer = { body: Array.from({ length: 150_000 }, () => []) }
    const claimed: number[] = []
    let grant = () => {}
    const granted = new Promise<void>((resolve) => (grant = resolve))
    let isAsked = () => {}
    const asked = new Promise<void>((resolve) => (isAsked = resolve))
    const answers = {
      ...answersAlone(),
      claimMemory: (bytes: number) => {
        claimed.push(bytes)
        isAsked()
        return granted
      },
    }
    let isRead = false
    const sent = client.send(read, { ...caller(), answers }).then(({ json }) => {
      isRead = true
      return json
    })
    await asked
    expect(isRead).toBe(false)
    expect(claimed).toEqual([expect.any(Number)])
    expect(claimed[0]).toBeGreaterThan(150_000 * 16)
    grant()
    expect(await sent).toHaveLength(150_000)
  })

  it('that is small is not claimed', async () => {
    const answers = { ...answersAlone(), claimMemory: () => Promise.reject(new Error('nothing is claimed')) }
    expect((await client.send(read, { ...caller(), answers })).json).toEqual({ ok: true })
  })
})

describe('a call', () => {
  it('carries the credential, the query and JSON, and reads the answer as text first', async () => {
    answer = { status: 201, headers: { 'x-left': '3' }, body: 'plain words' }
    const query = { tag: ['a', 'b'], none: null, not: undefined, page: 2, all: true }
    const result = await client.send({ ...paid, query, body: { json: { a: 1 } } }, caller())
    expect(result).toMatchObject({ status: 201, text: 'plain words', json: undefined })
    expect(result.header('x-left')).toBe('3')
    expect(server.calls[0]).toMatchObject({
      method: 'POST',
      path: '/base/things',
      headers: { 'x-key': KEY, 'content-type': 'application/json' },
      json: { a: 1 },
    })
    expect(server.calls[0]?.query.toString()).toBe('tag=a&tag=b&page=2&all=true')
  })

  it('may carry bytes', async () => {
    const body = { bytes: new TextEncoder().encode('a,b'), contentType: 'text/csv' }
    await client.send({ ...paid, body }, caller())
    expect(server.calls[0]).toMatchObject({ body: 'a,b', headers: { 'content-type': 'text/csv' } })
  })

  it('goes where the settings say and follows no redirect', async () => {
    answer = { status: 302, headers: { location: `${server.origin}/elsewhere` } }
    await expect(client.send(read, caller())).rejects.toBeInstanceOf(BlockError)
    expect(server.calls).toHaveLength(1)
  })

  it('is made once, whatever becomes of it', async () => {
    server.failNext({ status: 503 })
    await expect(client.send(read, caller())).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' })
    expect(server.calls).toHaveLength(1)
  })

  it('to where nobody listens did not happen, and may be made again even if it is paid for', async () => {
    const { origin, close } = await startProviderServer(() => ({}))
    await close()
    await expect(clientAt(origin).send(paid, caller())).rejects.toMatchObject({
      code: 'HTTP_NETWORK',
      retryable: true,
      details: { provider: 'Acme', cause: 'ECONNREFUSED' },
    })
  })

  it.each([
    [read, 'HTTP_TIMEOUT'],
    [paid, 'CALL_OUTCOME_UNKNOWN'],
  ])('that is not answered in time: %j ends as %s', async (request, code) => {
    server.failNext({ kind: 'silence' })
    const result = client.send({ ...request, timeoutMs: 5_000 }, caller())
    const outcome = expect(result).rejects.toMatchObject({ code, retryable: true })
    await server.received('/base/things')
    await clock.advance(5_000)
    await outcome
  })

  it('that is aborted ends with the reason at once, also while it waits for its turn', async () => {
    const busy = clientAt(server.origin, 1)
    server.failNext({ kind: 'silence' })
    const [first, second] = [new AbortController(), new AbortController()]
    const running = busy.send(paid, caller(first.signal))
    const waiting = busy.send(paid, caller(second.signal))
    await server.received('/things')
    second.abort(new Error('second'))
    await expect(waiting).rejects.toThrow('second')
    first.abort(new Error('first'))
    await expect(running).rejects.toThrow('first')
    expect(server.calls).toHaveLength(1)
  })

  it('that fails gives its place back', async () => {
    const narrow = clientAt(server.origin, 1)
    server.failNext({ kind: 'cut' })
    await expect(narrow.send(read, caller())).rejects.toMatchObject({ code: 'HTTP_NETWORK' })
    expect(await narrow.send(read, caller())).toMatchObject({ json: { ok: true } })
  })

  it.each([
    ['10', { retryable: true, retryAfterMs: 10_000 }],
    ['Fri, 01 Jan 2027 00:00:30 GMT', { retryable: true, retryAfterMs: 30_000 }],
    ['86400', { retryable: false, retryAfterMs: undefined, details: { retryAfterMs: 86_400_000 } }],
    ['soon', { retryable: true, retryAfterMs: undefined }],
  ])('that is refused with Retry-After %s', async (value, failure) => {
    answer = { status: 429, body: 'slow down', headers: { 'retry-after': value } }
    await expect(client.send(read, caller())).rejects.toMatchObject(failure)
  })

  it('that is refused in words that are cut within another secret shows nothing of it', async () => {
    const secret = 'sk-0123456789abcdef'
    const scrubber = new Scrubber()
    scrubber.add(secret)
    for (let left = 6; left <= secret.length; left++) {
      answer = { status: 500, body: `${'x'.repeat(500 - left)}${secret}${'y'.repeat(100)}` }
      const { message } = failureOf(await client.send(read, caller()).catch((thrown: unknown) => thrown))
      expect(scrubber.excerpt(message)).toMatch(/^Acme is not available: x+\*\*\*…$/)
    }
  })

  it('that is refused in many words is told in few', async () => {
    answer = { status: 500, body: `${KEY} ${'x'.repeat(5_000)}` }
    await expect(client.send(read, caller())).rejects.toThrow(
      /^Acme is not available: \[secret\] x{300,500}…$/,
    )
  })
})

describe('a streamed answer', () => {
  const stream = (request: Parameters<ProviderClient['stream']>[0] = read, signal?: AbortSignal) => {
    const pieces: string[] = []
    const done = client.stream(request, caller(signal), async ({ text }) => {
      for await (const piece of text) pieces.push(piece)
      return pieces.join('')
    })
    return { pieces, done }
  }

  it('is read as it comes, characters whole', async () => {
    const bytes = Buffer.from('data: é✓\n\n')
    answer = {
      headers: { 'content-type': 'text/event-stream' },
      write: (response) => {
        response.write(bytes.subarray(0, 7))
        response.end(bytes.subarray(7))
      },
    }
    expect(await stream().done).toBe('data: é✓\n\n')
  })

  it('that is refused is read and judged as any other', async () => {
    answer = { status: 429, body: 'slow down', headers: { 'retry-after': '3' } }
    await expect(stream().done).rejects.toMatchObject({ code: 'PROVIDER_RATE_LIMITED', retryAfterMs: 3_000 })
  })

  it.each([
    [read, 'HTTP_NETWORK'],
    [paid, 'CALL_OUTCOME_UNKNOWN'],
  ])('that breaks off: %j ends as %s', async (request, code) => {
    answer = { write: (response) => response.write('data: 1\n\n', () => response.destroy()) }
    await expect(stream(request).done).rejects.toMatchObject({ code })
  })

  it('that falls silent ends after a silence, however long it has gone on', async () => {
    const opened = new Promise<(words: string) => void>((resolve) => {
      answer = { write: (response) => resolve((words) => void response.write(words)) }
    })
    let heard: (piece: string) => void = () => {}
    const done = client.stream({ ...read, timeoutMs: 5_000 }, caller(), async ({ text }) => {
      for await (const piece of text) heard(piece)
    })
    const outcome = expect(done).rejects.toMatchObject({ code: 'HTTP_TIMEOUT' })
    const say = await opened
    for (let i = 0; i < 3; i++) {
      const news = new Promise<string>((resolve) => (heard = resolve))
      say(`data: ${i}\n\n`)
      expect(await news).toBe(`data: ${i}\n\n`)
      await clock.advance(4_999)
    }
    await clock.advance(1)
    await outcome
  })

  it('ends at once when it is aborted, and lets the connection go', async () => {
    answer = { write: (response) => void response.write('data: 1\n\n') }
    const cancel = new AbortController()
    const { done } = stream(read, cancel.signal)
    await server.received('/base/things')
    cancel.abort(new Error('canceled'))
    await expect(done).rejects.toThrow('canceled')
    await server.deserted()
  })

  it('that is read in part lets the connection go', async () => {
    answer = { write: (response) => void response.write('data: 1\n\n') }
    const first = await client.stream(read, caller(), async ({ text }) => {
      for await (const piece of text) return piece
      return null
    })
    expect(first).toBe('data: 1\n\n')
    await server.deserted()
  })
})
