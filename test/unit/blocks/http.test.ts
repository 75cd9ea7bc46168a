import { getEventListeners, once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { createHttpClient } from '../../../src/net/http-client.ts'
import type { AddressPolicy } from '../../../src/net/address-policy.ts'
import type { Resolve } from '../../../src/net/guarded-agent.ts'
import { httpBlock } from '../../../src/blocks/http/http-block.ts'
import type { BlockContext } from '../../../src/engine/block/block.ts'
import { Scrubber } from '../../../src/engine/scrub/scrub.ts'
import { failureOf } from '../../../src/engine/record/step.ts'
import { Closers } from '../../../src/lib/async/closers.ts'
import type { JsonObject } from '../../../src/lib/json/json.ts'
import { runBlock } from '../../support/block-context.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { startHttpTarget, type HttpTarget } from '../../support/http-target.ts'

const LONGEST_WAIT_MS = 600_000
const CLOSED: AddressPolicy = { allowedHosts: [], allowedOrigins: [] }

let closers: Closers
let target: HttpTarget
let other: HttpTarget

beforeEach(async () => {
  closers = new Closers()
  target = await startHttpTarget()
  closers.add(() => target.close())
  other = await startHttpTarget()
  closers.add(() => other.close())
})
afterEach(() => closers.close())

type Given = Partial<Pick<BlockContext, 'signal' | 'clock' | 'idempotencyKey' | 'attempt'>>

interface HttpOutput {
  readonly status: number
  readonly headers: Record<string, string | string[]>
  readonly body: unknown
  readonly bodyError?: string
  readonly url: string
}

/** Runs the block against a policy; without one, both targets are open by host and port. */
function blockWith({ policy, resolve }: { policy?: Partial<AddressPolicy>; resolve?: Resolve } = {}) {
  const bothTargets = { allowedHosts: [`127.0.0.1:${target.port}`, `127.0.0.1:${other.port}`] }
  const client = createHttpClient({
    policy: () => ({ ...CLOSED, ...(policy ?? bothTargets) }),
    ...(resolve && { resolve }),
  })
  closers.add(() => client.close())
  const block = httpBlock({ client })
  const run = async (config: JsonObject, given: Given = {}) => {
    const outcome = await runBlock(block, { config, ...given })
    if (outcome.kind !== 'completed') throw new Error(`the block is ${outcome.kind}`)
    return block.output.parse(outcome.output) as HttpOutput
  }
  return { client, block, run }
}

/** The output of one request to a path of the target. */
const send = (path: string, config: JsonObject = {}, given: Given = {}) =>
  blockWith().run({ url: target.origin + path, ...config }, given)

const answerPath = (parameters: Record<string, string>) =>
  `/answer?${new URLSearchParams(parameters).toString()}`
const redirectPath = (status: number, to: string) =>
  `/redirect?${new URLSearchParams({ status: `${status}`, to }).toString()}`

describe('a request', () => {
  it('is a GET that asks for anything and gives back status, headers, JSON body, URL and duration', async () => {
    const output = await send('/echo?a=1#part')

    expect(output).toEqual({
      status: 200,
      headers: expect.objectContaining({ 'content-type': 'application/json' }),
      body: {
        method: 'GET',
        url: '/echo?a=1',
        headers: {
          host: `127.0.0.1:${target.port}`,
          connection: 'keep-alive',
          accept: '*/*',
          'accept-encoding': 'gzip, br',
          'user-agent': 'lume',
        },
        body: '',
      },
      url: `${target.origin}/echo?a=1`,
      durationMs: expect.any(Number),
    })
  })

  it('carries query parameters, encoded, beside those of the URL, which stay as they are', async () => {
    const query = { q: 'a&b=c d', n: 1.5, yes: true, tags: ['x', 'é', null], gone: null }
    await send('/echo?own=%20x', { query })
    expect(target.seen[0]?.url).toBe('/echo?own=%20x&q=a%26b%3Dc+d&n=1.5&yes=true&tags=x&tags=%C3%A9')
  })

  it('carries the headers given, in place of the defaults, and leaves out null', async () => {
    await send('/echo', { headers: { Accept: 'text/plain', 'X-Number': 5, 'X-Gone': null, 'X-Latin': 'é' } })
    expect(target.seen[0]?.headers).toMatchObject({ accept: 'text/plain', 'x-number': '5', 'x-latin': 'é' })
    expect(target.seen[0]?.headers).not.toHaveProperty('x-gone')
  })

  it.each([
    ['json', { a: [1, null] }, '{"a":[1,null]}', 'application/json'],
    ['json', null, 'null', 'application/json'],
    ['form', { a: 'x y', b: [1, 2], c: null }, 'a=x+y&b=1&b=2', 'application/x-www-form-urlencoded'],
    ['text', 'as it is ✓', 'as it is ✓', 'text/plain; charset=utf-8'],
  ])('sends a body as %s: %j', async (bodyType, body, sent, contentType) => {
    await send('/echo', { method: 'PUT', body, bodyType })
    expect(target.seen[0]).toMatchObject({
      method: 'PUT',
      body: sent,
      headers: { 'content-type': contentType },
    })
  })

  it('keeps a content type that is given', async () => {
    await send('/echo', { method: 'POST', body: {}, headers: { 'content-type': 'application/ld+json' } })
    expect(target.seen[0]?.headers['content-type']).toBe('application/ld+json')
  })

  it.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('may be a %s', async (method) => {
    await send('/echo', { method })
    expect(target.seen[0]?.method).toBe(method)
  })

  it.each([
    ['form', 'text'],
    ['form', { deep: { er: 1 } }],
    ['text', { a: 1 }],
  ])('refuses as %s the body %j, with its place', (bodyType, body) => {
    const result = blockWith().block.config.safeParse({ url: 'https://example.com', bodyType, body })
    expect(result.error?.issues[0]?.path[0]).toBe('body')
  })

  it('describes every field of its config and has a sample that fits its output', () => {
    const { block } = blockWith()
    const schema = z.toJSONSchema(block.config, { io: 'input' })
    const fields = Object.entries(schema.properties ?? {})
    expect(fields.filter(([, field]) => typeof field === 'boolean' || !field.description)).toEqual([])
    expect(block.output.parse(block.sample)).toEqual(block.sample)
  })

  it('refuses config that it does not know', () => {
    expect(blockWith().block.config.safeParse({ url: 'https://example.com', uri: '' }).success).toBe(false)
  })
})

describe('an idempotency key', () => {
  const key = 'run-1/send'

  it.each(['POST', 'PATCH'])('goes with %s and is the same in every attempt', async (method) => {
    await send('/echo', { method }, { idempotencyKey: key, attempt: 1 })
    await send('/echo', { method }, { idempotencyKey: key, attempt: 2 })
    expect(target.seen.map(({ headers }) => headers['idempotency-key'])).toEqual([key, key])
  })

  it('does not go with other methods', async () => {
    await send('/echo', { method: 'PUT' }, { idempotencyKey: key })
    expect(target.seen[0]?.headers).not.toHaveProperty('idempotency-key')
  })

  it('may have another name, another value, or none', async () => {
    const { run } = blockWith()
    const config = { url: `${target.origin}/echo`, method: 'POST' }
    await run({ ...config, idempotencyHeader: 'X-Request-Id' }, { idempotencyKey: key })
    await run({ ...config, headers: { 'Idempotency-Key': 'my own' } }, { idempotencyKey: key })
    await run({ ...config, idempotencyHeader: null }, { idempotencyKey: key })
    expect(target.seen.map(({ headers }) => [headers['x-request-id'], headers['idempotency-key']])).toEqual([
      [key, undefined],
      [undefined, 'my own'],
      [undefined, undefined],
    ])
  })
})

describe('the URL', () => {
  it.each([
    ['no URL', 'example.com'],
    ['a relative one', '/path'],
    ['another scheme', 'file:///etc/passwd'],
    ['another scheme', 'ftp://example.com/'],
    ['credentials', 'https://user:hunter22@example.com/'],
    ['credentials smuggled in by a template', 'https://api.example.com@evil.example/'],
    ['a line break', 'https://example.com/\r\nX-Injected: 1'],
    ['a tab', 'https://exa\tmple.com/'],
  ])('is refused when it is %s', async (_, url) => {
    const refusal = blockWith().run({ url })
    await expect(refusal).rejects.toMatchObject({ code: 'HTTP_INVALID_URL', retryable: false })
    await expect(refusal).rejects.not.toThrow('hunter22')
  })
})

describe('a header', () => {
  it.each([
    'Host',
    'Content-Length',
    'transfer-encoding',
    'CONNECTION',
    'Proxy-Authorization',
    'Upgrade',
    'Expect',
    'TE',
  ])('named %s is refused', async (name) => {
    await expect(send('/echo', { headers: { [name]: 'x' } })).rejects.toMatchObject({
      code: 'HTTP_INVALID_HEADER',
      message: `the header "${name}" cannot be set`,
      retryable: false,
    })
    expect(target.seen).toEqual([])
  })

  it.each([
    ['a line break in its value', { 'X-A': 'hidden\r\nX-Injected: 1' }],
    ['a NUL in its value', { 'X-A': 'hidden\u0000' }],
    ['text beyond Latin-1 in its value', { 'X-A': 'hidden ✓' }],
    ['a line break in its name', { 'X-A\r\nX-Injected': 'hidden' }],
    ['a space in its name', { 'X A': 'hidden' }],
    ['no name', { '': 'hidden' }],
  ])('with %s is refused, and the value kept quiet', async (_, headers) => {
    const refusal = send('/echo', { headers })
    await expect(refusal).rejects.toMatchObject({ code: 'HTTP_INVALID_HEADER', retryable: false })
    await expect(refusal).rejects.not.toThrow('hidden')
  })

  it('for the idempotency key is checked too', async () => {
    const refusal = send('/echo', { method: 'POST', idempotencyHeader: 'Host' })
    await expect(refusal).rejects.toMatchObject({ code: 'HTTP_INVALID_HEADER' })
  })
})

describe('an answer', () => {
  it.each([
    ['application/json', '{"a":1}', { a: 1 }],
    ['application/problem+json; charset=utf-8', '{"a":1}', { a: 1 }],
    ['text/plain', '{"a":1}', '{"a":1}'],
    ['application/x-ndjson', '{}\n{}', '{}\n{}'],
    ['application/json', '', null],
    ['text/plain', '', ''],
  ])('of type %s is read accordingly: %s', async (type, text, body) => {
    const output = await send(answerPath({ type, body: text }))
    expect(output).toMatchObject({ status: 200, body })
    expect(output).not.toHaveProperty('bodyError')
  })

  it('is read as the config says where it says so', async () => {
    const text = await send(answerPath({ type: 'application/json', body: '{"a":1}' }), {
      responseType: 'text',
    })
    expect(text.body).toBe('{"a":1}')
    const json = await send(answerPath({ type: 'text/plain', body: '{"a":1}' }), { responseType: 'json' })
    expect(json.body).toEqual({ a: 1 })
  })

  it('that claims to be JSON and is not comes as text with a note', async () => {
    const output = await send(answerPath({ type: 'application/json', body: '{"a": oops' }))
    expect(output).toMatchObject({
      status: 200,
      body: '{"a": oops',
      bodyError: 'not JSON: 10 characters with the content type application/json',
    })
  })

  it.each([
    ['text/plain; charset=iso-8859-1', 'e9'],
    ['text/plain; charset="windows-1252"', 'e9'],
    ['text/plain; charset=utf-8', 'c3a9'],
    ['text/plain; charset=nonsense', 'c3a9'],
    ['text/plain', 'efbbbfc3a9'],
  ])('in %s is decoded', async (type, hex) => {
    const path = `/bytes?${new URLSearchParams({ type, hex }).toString()}`
    expect((await send(path)).body).toBe('é')
  })

  it.each(['/gzip', '/br', '/deflate', '/gzip-br'])('is decompressed: %s', async (path) => {
    expect((await send(path)).body).toEqual({ packed: true })
  })

  it('in an encoding that nobody knows is left as it is', async () => {
    const output = await send(answerPath({ 'content-encoding': 'utf-8', body: 'plain' }))
    expect(output.body).toBe('plain')
  })

  it('to HEAD has no body, whatever its headers say', async () => {
    expect((await send('/gzip', { method: 'HEAD' })).body).toBeNull()
  })

  it('that is empty may claim to be compressed', async () => {
    const encoding = { 'content-encoding': 'gzip' }
    expect(await send(answerPath(encoding))).toMatchObject({ status: 200, body: '' })
    expect(await send(answerPath({ ...encoding, 'content-length': '0' }))).toMatchObject({ body: '' })
    expect(await send(answerPath({ status: '204', ...encoding }))).toMatchObject({ status: 204, body: '' })
  })

  it('keeps cookies apart and joins what else is repeated', async () => {
    const { headers } = await send('/cookies')
    expect(headers).toMatchObject({ 'set-cookie': ['a=1', 'b=2'], 'x-many': '1, 2' })
  })
})

describe('a status other than 2xx', () => {
  it('fails the step with the status and what the body says', async () => {
    const failure = send(answerPath({ status: '404', body: 'no such person' }))
    await expect(failure).rejects.toMatchObject({
      code: 'HTTP_STATUS',
      message: `${target.origin} answered 404 Not Found`,
      retryable: false,
      details: { status: 404, body: 'no such person' },
    })
  })

  it('is an output like any other when the config says so', async () => {
    const output = await send(answerPath({ status: '503', type: 'application/json', body: '{"a":1}' }), {
      failOnStatus: false,
    })
    expect(output).toMatchObject({ status: 503, body: { a: 1 } })
  })

  it('shows at most 2 KB of the body, and reads no more', async () => {
    const failure = send(answerPath({ status: '400', body: 'x'.repeat(10_000) }))
    await expect(failure).rejects.toMatchObject({
      details: { body: `${'x'.repeat(2_048)}…` },
    })
    // This body never ends.
    await expect(send('/huge?status=500')).rejects.toMatchObject({ code: 'HTTP_STATUS' })
  })

  it('shows nothing of a secret that stands where the body is cut', async () => {
    // The cut may go through the middle of a character, too.
    const secret = 'sk-0123ä456789abcdef'
    const scrubber = new Scrubber()
    scrubber.add(secret)
    for (let left = 6; left <= Buffer.byteLength(secret); left++) {
      const body = `${'x'.repeat(2_048 - left)}${secret}${'y'.repeat(100)}`
      const failure = await send(answerPath({ status: '400', body })).catch((thrown: unknown) => thrown)
      const { details } = failureOf(failure, (value) => scrubber.excerpts(value))
      expect(details?.['body']).toMatch(/^x+\*\*\*…$/)
    }
  })

  it('shows a NUL character as one that can be stored', async () => {
    const failure = send(answerPath({ status: '400', body: 'a\u0000b' }))
    await expect(failure).rejects.toMatchObject({ details: { body: 'a\ufffdb' } })
  })

  it.each([
    ['GET', 408, true],
    ['GET', 429, true],
    ['HEAD', 502, true],
    ['PUT', 503, true],
    ['DELETE', 504, true],
    ['OPTIONS', 503, true],
    ['GET', 500, false],
    ['GET', 404, false],
    ['GET', 409, false],
    ['POST', 503, false],
    ['POST', 429, false],
    ['PATCH', 502, false],
  ])('of %s, %i, is retryable: %j', async (method, status, retryable) => {
    await expect(send(answerPath({ status: `${status}` }), { method })).rejects.toMatchObject({ retryable })
  })

  it.each(['POST', 'PATCH'])('of %s is retryable where the user opted in', async (method) => {
    const { run } = blockWith()
    const config = { method, retryUnsafe: true }
    const url = (status: number) => target.origin + answerPath({ status: `${status}` })
    await expect(run({ ...config, url: url(503) })).rejects.toMatchObject({ retryable: true })
    await expect(run({ ...config, url: url(400) })).rejects.toMatchObject({ retryable: false })
  })

  it('hands on how long the server asks to wait, in seconds or as a date', async () => {
    const clock = new ManualClock(Date.UTC(2026, 10, 23, 12, 0, 0))
    const wait = (value: string) => send(answerPath({ status: '429', 'retry-after': value }), {}, { clock })
    await expect(wait('17')).rejects.toMatchObject({ retryable: true, retryAfterMs: 17_000 })
    const inAMinute = 'Mon, 23 Nov 2026 12:01:00 GMT'
    await expect(wait(inAMinute)).rejects.toMatchObject({ retryable: true, retryAfterMs: 60_000 })
    await expect(wait('whenever')).rejects.toMatchObject({ retryable: true, retryAfterMs: undefined })
  })

  it('is not retried when the server asks to wait for more than a day', async () => {
    const failure = send(answerPath({ status: '503', 'retry-after': '90000' }))
    await expect(failure).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining('a day'),
    })
  })
})

describe('a redirect', () => {
  const secret = { authorization: 'Bearer abc', cookie: 'a=b', 'x-api-key': 'k', 'private-token': 't' }

  it.each([
    [301, 'POST', 'GET'],
    [302, 'POST', 'GET'],
    [303, 'POST', 'GET'],
    [303, 'PUT', 'GET'],
    [303, 'HEAD', 'HEAD'],
    [301, 'PUT', 'PUT'],
    [302, 'DELETE', 'DELETE'],
    [307, 'POST', 'POST'],
    [308, 'PATCH', 'PATCH'],
  ])('%i turns %s into %s', async (status, method, next) => {
    const output = await send(redirectPath(status, '/echo'), { method, body: 'text', bodyType: 'text' })
    const becameGet = method !== next
    expect(output.url).toBe(`${target.origin}/echo`)
    expect(target.seen[1]).toMatchObject({ method: next, body: becameGet ? '' : 'text' })
    expect(target.seen[1]?.headers['content-type']).toBe(becameGet ? undefined : 'text/plain; charset=utf-8')
  })

  it('within an origin takes all headers along', async () => {
    await send(redirectPath(302, '/echo'), { headers: secret })
    expect(target.seen[1]?.headers).toMatchObject(secret)
  })

  it('to another origin leaves every header behind that may hold a secret, and keeps the idempotency key', async () => {
    const headers = { ...secret, 'content-type': 'application/ld+json', 'accept-language': 'fr' }
    await send(
      redirectPath(307, `${other.origin}/echo`),
      { method: 'POST', body: { a: 1 }, headers },
      { idempotencyKey: 'key' },
    )

    expect(other.seen[0]).toMatchObject({ method: 'POST', body: '{"a":1}' })
    expect(other.seen[0]?.headers).toEqual({
      host: `127.0.0.1:${other.port}`,
      connection: 'keep-alive',
      'content-length': '7',
      'content-type': 'application/ld+json',
      accept: '*/*',
      'accept-encoding': 'gzip, br',
      'accept-language': 'fr',
      'user-agent': 'lume',
      'idempotency-key': 'key',
    })
  })

  it('that comes back to the first origin does not bring the secrets back', async () => {
    await send(redirectPath(302, other.origin + redirectPath(302, `${target.origin}/echo`)), {
      headers: secret,
    })
    expect(target.seen[1]?.headers).not.toHaveProperty('authorization')
    expect(target.seen[1]?.headers).not.toHaveProperty('x-api-key')
  })

  it('is followed five times and no more', async () => {
    expect((await send('/redirects?left=5')).status).toBe(200)
    const failure = send('/redirects?left=6')
    await expect(failure).rejects.toMatchObject({ code: 'HTTP_TOO_MANY_REDIRECTS', retryable: false })
  })

  it('is an answer when it names no place or when the config says not to follow', async () => {
    expect(await send('/answer?status=304', { failOnStatus: false })).toMatchObject({ status: 304 })
    expect(await send('/answer?status=302', { failOnStatus: false })).toMatchObject({ status: 302 })
    const output = await send(redirectPath(302, '/echo'), { followRedirects: false, failOnStatus: false })
    expect(output).toMatchObject({ status: 302, headers: { location: '/echo' }, body: 'moved' })
    expect(target.seen).toHaveLength(3)
  })

  it.each(['file:///etc/passwd', 'https://user:word@example.com/', 'http://'])(
    'to %s is refused',
    async (to) => {
      await expect(send(redirectPath(302, to))).rejects.toMatchObject({ code: 'HTTP_INVALID_URL' })
    },
  )

  it('from an allowed origin to a refused one is refused', async () => {
    const { run } = blockWith({ policy: { allowedOrigins: [target.origin] } })
    const redirectTo = (to: string) => run({ url: target.origin + redirectPath(307, to) })

    await expect(redirectTo(`${other.origin}/echo`)).rejects.toMatchObject({ code: 'HTTP_ADDRESS_REFUSED' })
    await expect(redirectTo('http://169.254.169.254/latest')).rejects.toMatchObject({
      code: 'HTTP_ADDRESS_REFUSED',
    })
    expect(other.seen).toEqual([])
    expect(await redirectTo(`${target.origin}/echo`)).toMatchObject({ status: 200 })
  })
})

describe('an address that is not public', () => {
  it.each([
    '127.0.0.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::127.0.0.1]',
    '2130706433',
    '0177.1',
    '0x7f.1',
    '127.1',
    '0.0.0.0',
    '0',
    '[::]',
  ])('is refused as %s', async (host) => {
    const { run } = blockWith({ policy: CLOSED })
    await expect(run({ url: `http://${host}:${target.port}/echo` })).rejects.toMatchObject({
      code: 'HTTP_ADDRESS_REFUSED',
      message: expect.stringContaining('LUME_ALLOW_PRIVATE_HOSTS'),
      retryable: false,
    })
    expect(target.seen).toEqual([])
  })

  it.each(['localhost', 'LOCALHOST'])('is refused behind the name %s', async (host) => {
    const refusal = blockWith({ policy: CLOSED }).run({ url: `http://${host}:${target.port}/echo` })
    await expect(refusal).rejects.toMatchObject({ code: 'HTTP_ADDRESS_REFUSED' })
    expect(target.seen).toEqual([])
  })

  it.each([
    ['its only answer', [{ address: '10.1.2.3', family: 4 }]],
    [
      'one of its answers',
      [
        { address: '93.184.216.34', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ],
    ],
    ['a mapped one', [{ address: '::ffff:10.1.2.3', family: 6 }]],
    ['no answer at all', []],
  ])('is refused behind a public name that has it as %s, without telling it', async (_, addresses) => {
    const { run } = blockWith({ policy: CLOSED, resolve: async () => addresses })
    for (const scheme of ['http', 'https']) {
      const refusal = run({ url: `${scheme}://rebinding.example:${target.port}/echo` })
      await expect(refusal).rejects.toMatchObject({
        code: 'HTTP_ADDRESS_REFUSED',
        details: { host: 'rebinding.example' },
      })
      await expect(refusal).rejects.not.toThrow('10.1.2.3')
    }
  })

  it('is judged by the very answer that is connected to', async () => {
    let lookups = 0
    const { run } = blockWith({
      policy: { allowedHosts: ['service.internal'] },
      resolve: async () => {
        lookups++
        return [{ address: '127.0.0.1', family: 4 }]
      },
    })
    expect(await run({ url: `http://service.internal:${target.port}/echo` })).toMatchObject({ status: 200 })
    expect(lookups).toBe(1)
  })

  it('is reached by its exact origin alone where the origin is listed', async () => {
    const { run } = blockWith({ policy: { allowedOrigins: [target.origin] } })
    const refused = { code: 'HTTP_ADDRESS_REFUSED' }

    expect(await run({ url: `${target.origin}/echo` })).toMatchObject({ status: 200 })
    await expect(run({ url: `${other.origin}/echo` })).rejects.toMatchObject(refused)
    await expect(run({ url: `http://localhost:${target.port}/echo` })).rejects.toMatchObject(refused)
    await expect(run({ url: `https://127.0.0.1:${target.port}/echo` })).rejects.toMatchObject(refused)
  })

  it('of a cloud platform is refused even behind a listed name', async () => {
    const { run } = blockWith({
      policy: { allowedHosts: ['service.internal', '10.0.0.1'] },
      resolve: async () => [{ address: '169.254.169.254', family: 4 }],
    })
    const refused = { code: 'HTTP_ADDRESS_REFUSED' }
    await expect(run({ url: 'http://service.internal/latest/meta-data' })).rejects.toMatchObject(refused)
    await expect(run({ url: 'http://169.254.169.254/latest/meta-data' })).rejects.toMatchObject(refused)
  })

  it('that the policy stops allowing is refused although a connection is still open', async () => {
    const policy = { allowedHosts: ['127.0.0.1'] }
    const { run } = blockWith({ policy })
    await run({ url: `${target.origin}/echo` })
    policy.allowedHosts = []
    await expect(run({ url: `${target.origin}/echo` })).rejects.toMatchObject({
      code: 'HTTP_ADDRESS_REFUSED',
    })
  })
})

describe('a response that is too large', () => {
  const tooLarge = { code: 'HTTP_RESPONSE_TOO_LARGE', retryable: false }

  it.each(['/bomb', '/headers'])('is refused: %s', async (path) => {
    await expect(send(path)).rejects.toMatchObject(tooLarge)
  })

  it('is one with an object of more members than may be parsed in one go', async () => {
    const members = (count: number) =>
      `{${Array.from({ length: count }, (_, index) => `"${index.toString(36)}":1`).join(',')}}`
    const texts = [members(100_000), members(100_001)]
    const server = createServer((_, response) => void response.end(texts.shift()))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    closers.add(() => void server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const { run } = blockWith({ policy: { allowedHosts: ['127.0.0.1'] } })
    expect(Object.keys((await run({ url, responseType: 'json' })).body as object)).toHaveLength(100_000)
    await expect(run({ url, responseType: 'json' })).rejects.toMatchObject(tooLarge)
  })

  it('is refused before its end has come, and its connection ended', async () => {
    await expect(send('/huge')).rejects.toMatchObject(tooLarge)
    await target.deserted()
  })

  it('is one with more bytes than the config says', async () => {
    expect((await send(answerPath({ body: '12345' }), { maxResponseBytes: 5 })).body).toBe('12345')
    await expect(send(answerPath({ body: '123456' }), { maxResponseBytes: 5 })).rejects.toMatchObject(
      tooLarge,
    )
  })
})

describe('a broken connection', () => {
  it.each(['/cut', '/refuse', '/broken-gzip'])(
    'fails the step, retryably where the method is safe: %s',
    async (path) => {
      await expect(send(path)).rejects.toMatchObject({ code: 'HTTP_NETWORK', retryable: true })
      await expect(send(path, { method: 'POST' })).rejects.toMatchObject({
        code: 'HTTP_NETWORK',
        retryable: false,
      })
      const optedIn = send(path, { method: 'POST', retryUnsafe: true })
      await expect(optedIn).rejects.toMatchObject({ code: 'HTTP_NETWORK', retryable: true })
    },
  )

  it('is what a closed port and an unknown name are', async () => {
    const { run } = blockWith({
      policy: { allowedHosts: ['127.0.0.1'] },
      resolve: () => Promise.reject(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })),
    })
    await target.close()
    closers.add(async () => void (target = await startHttpTarget()))
    const refused = { code: 'HTTP_NETWORK', details: { cause: 'ECONNREFUSED' } }
    await expect(run({ url: target.origin })).rejects.toMatchObject(refused)
    const unknown = { code: 'HTTP_NETWORK', details: { cause: 'ENOTFOUND' } }
    await expect(run({ url: 'https://nowhere.example/' })).rejects.toMatchObject(unknown)
  })
})

describe('time', () => {
  it.each(['/silent', '/drip', '/gzip-drip'])('runs out for the whole request: %s', async (path) => {
    const clock = new ManualClock()
    const failure = send(path, { timeoutMs: 1_234 }, { clock })
    void target.received(path).then(() => clock.advance(LONGEST_WAIT_MS))
    await expect(failure).rejects.toMatchObject({
      code: 'HTTP_TIMEOUT',
      retryable: true,
      details: { timeoutMs: 1_234 },
    })
    await target.deserted()
  })

  it('that ran out is not retryable for an unsafe method', async () => {
    const clock = new ManualClock()
    const failure = send('/silent', { method: 'POST' }, { clock })
    void target.received('/silent').then(() => clock.advance(LONGEST_WAIT_MS))
    await expect(failure).rejects.toMatchObject({ code: 'HTTP_TIMEOUT', retryable: false })
  })

  it('runs on the machine as well', async () => {
    await expect(send('/silent', { timeoutMs: 1 })).rejects.toMatchObject({ code: 'HTTP_TIMEOUT' })
  })
})

describe('an abort', () => {
  const reason = new Error('the execution was cancelled')

  it.each(['/silent', '/drip', '/gzip-drip'])('ends the request in its middle: %s', async (path) => {
    const cancel = new AbortController()
    const aborted = send(path, {}, { signal: cancel.signal })
    void target.received(path).then(() => cancel.abort(reason))
    await expect(aborted).rejects.toBe(reason)
    await target.deserted()
  })

  it('ends a request that has no connection yet', async () => {
    const cancel = new AbortController()
    const { run } = blockWith({
      policy: CLOSED,
      resolve: () => {
        cancel.abort(reason)
        return new Promise(() => undefined)
      },
    })
    await expect(run({ url: 'https://slow.example/' }, { signal: cancel.signal })).rejects.toBe(reason)
  })

  it('that came before lets nothing be sent', async () => {
    await expect(send('/echo', {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(target.seen).toEqual([])
  })

  it('is no longer listened for once the request has ended', async () => {
    const { signal } = new AbortController()
    await send('/echo', {}, { signal })
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

describe('closing the client', () => {
  it('ends idle connections', async () => {
    const { client, run } = blockWith()
    await run({ url: `${target.origin}/echo` })
    await client.close()
    await target.deserted()
  })

  it('ends busy ones, and lets nothing new be sent', async () => {
    const { client, run } = blockWith()
    const busy = run({ url: `${target.origin}/silent` })
    void target.received('/silent').then(() => client.close())
    await expect(busy).rejects.toMatchObject({ code: 'HTTP_NETWORK' })
    await target.deserted()
    await expect(run({ url: `${target.origin}/echo` })).rejects.toMatchObject({ code: 'HTTP_NETWORK' })
  })
})
