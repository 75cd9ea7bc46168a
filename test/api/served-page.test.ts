import { gunzipSync, brotliDecompressSync } from 'node:zlib'
import { get, type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startServer, type Server, type ServerOptions } from '../../src/http/server.ts'
import { PAGES_PER_MINUTE } from '../../src/http/limits/rate-limit.ts'
import { AUTHENTICATION } from '../support/access.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'

let server: ApiServer
const started: Server[] = []
beforeAll(async () => {
  server = await startApiServer()
})
afterAll(async () => {
  for (const one of started) await one.close()
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

async function serve(options: Omit<ServerOptions, 'lume' | 'port'> = {}): Promise<Server> {
  const one = await startServer({ lume: server.lume, port: 0, isExplorable: true, ...options })
  started.push(one)
  return one
}

interface Page {
  readonly status: number | undefined
  readonly headers: IncomingMessage['headers']
  readonly bytes: Buffer
}

/** As it comes, without what `fetch` undoes. */
function pageOf(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Page> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { accept: 'text/html', ...headers } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        resolve({ status: response.statusCode, headers: response.headers, bytes: Buffer.concat(chunks) })
      })
    }).on('error', reject)
  })
}

describe('the page of GraphiQL', () => {
  test('is compressed as the client takes it, is the same in every form, and says how long it is', async () => {
    const plain = await pageOf(server.url)
    const br = await pageOf(server.url, { 'accept-encoding': 'gzip, deflate, br' })
    const gz = await pageOf(server.url, { 'accept-encoding': 'gzip;q=0.5, br;q=0' })
    expect(brotliDecompressSync(br.bytes).equals(plain.bytes)).toBe(true)
    expect(gunzipSync(gz.bytes).equals(plain.bytes)).toBe(true)
    expect([plain, br, gz].map(({ headers }) => headers['content-encoding'])).toEqual([
      undefined,
      'br',
      'gzip',
    ])
    for (const { status, headers, bytes } of [plain, br, gz]) {
      expect([status, headers['content-length']]).toEqual([200, String(bytes.length)])
      expect(headers.vary).toContain('accept-encoding')
    }
    expect(br.bytes.length).toBeLessThan(plain.bytes.length / 3)
  })

  test('is not sent again to a client that has it', async () => {
    const form = { 'accept-encoding': 'br' }
    const { headers } = await pageOf(server.url, form)
    expect(headers.etag).toMatch(/^"[\w-]+"$/)
    expect(headers['cache-control']).toContain('max-age')
    const again = await pageOf(server.url, { ...form, 'if-none-match': String(headers.etag) })
    expect([again.status, again.bytes.length, again.headers.etag]).toEqual([304, 0, headers.etag])
    expect((await pageOf(server.url, { ...form, 'if-none-match': '"another"' })).status).toBe(200)
    expect((await pageOf(server.url, { 'if-none-match': String(headers.etag) })).status).toBe(200)
  })

  test('is the same whatever host the client names, so that it is made once', async () => {
    const { headers } = await pageOf(server.url)
    const other = await pageOf(server.url, { host: 'localhost:1' })
    expect(other.headers.etag).toBe(headers.etag)
  })

  test('counts by address, without authentication as with it', async () => {
    const first = await serve()
    const { headers } = await pageOf(first.url)
    const known = { 'if-none-match': String(headers.etag) }
    for (let asked = 1; asked < PAGES_PER_MINUTE; asked++)
      expect((await pageOf(first.url, known)).status).toBe(304)
    const refused = await pageOf(first.url, known)
    expect([refused.status, Number(refused.headers['retry-after']) > 0]).toEqual([429, true])
    expect(JSON.parse(refused.bytes.toString())).toMatchObject({
      errors: [{ extensions: { code: 'RATE_LIMITED' } }],
    })
    // The API goes on: the page has its own count.
    expect((await fetch(`${first.url}?query={__typename}`)).status).toBe(200)

    const guarded = await serve({ authentication: AUTHENTICATION, requestsPerMinute: 2 })
    const statuses = []
    for (let asked = 0; asked < 3; asked++) statuses.push((await pageOf(guarded.url, known)).status)
    expect(statuses).toEqual([200, 200, 429])
  })
})

test('a flood of requests for /ready costs one question of the database', async () => {
  let asked = 0
  const { lume } = server
  const one = await startServer({
    lume: { ...lume, readiness: () => (asked++, lume.readiness()) },
    port: 0,
  })
  started.push(one)
  const answers = await Promise.all(Array.from({ length: 200 }, () => fetch(`${one.origin}/ready`)))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  expect(asked).toBeLessThan(20)
})
