import { brotliCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { APIFY_TOKEN, startApifyServer, type ApifyServer } from '../../../support/providers/apify-server.ts'

/** The calls that official clients make and Lume does not: a stand-in is to answer them like the provider all the same. */
describe('the stand-in of Apify', () => {
  let server: ApifyServer
  beforeAll(async () => {
    server = await startApifyServer()
  })
  afterAll(() => server.close())

  const headers = { authorization: `Bearer ${APIFY_TOKEN}`, 'content-type': 'application/json' }
  const post = (path: string, init: RequestInit = {}) =>
    fetch(server.origin + path, { method: 'POST', headers, body: '{}', ...init })

  it('reads bodies that the official client has compressed, under its prefix', async () => {
    const body = brotliCompressSync(JSON.stringify({ q: 'shoes' }))
    const init = { headers: { ...headers, 'content-encoding': 'br' }, body }
    expect((await post('/v2/acts/acme~scraper/runs', init)).status).toBe(201)
    expect(server.runs.at(-1)?.input).toEqual({ q: 'shoes' })
  })

  it('gives a long synchronous run up with 408, and the run goes on', async () => {
    server.scriptNextRun({ isHeld: true })
    const answer = await post('/v2/actors/acme~scraper/run-sync-get-dataset-items')
    expect([answer.status, await answer.json()]).toMatchObject([
      408,
      { error: { type: 'run-timeout-exceeded' } },
    ])
    expect(server.runs.at(-1)?.status).toBe('READY')
  })

  it('gives the items of a short synchronous run, and refuses one that failed', async () => {
    server.scriptNextRun({ items: [{ id: 1 }] })
    const answer = await post('/v2/actors/acme~scraper/run-sync-get-dataset-items')
    expect([answer.status, await answer.json()]).toEqual([201, [{ id: 1 }]])
    server.scriptNextRun({ status: 'FAILED' })
    expect((await post('/v2/actors/acme~scraper/run-sync-get-dataset-items')).status).toBe(400)
  })

  it('tells a missing token from a wrong one', async () => {
    const typeOf = async (authorization: string) => {
      const answer = await post('/v2/actors/acme~scraper/runs', { headers: { authorization } })
      return [answer.status, ((await answer.json()) as { error: { type: string } }).error.type]
    }
    expect(await typeOf('')).toEqual([401, 'token-not-provided'])
    expect(await typeOf('Bearer wrong')).toEqual([401, 'invalid-token'])
  })
})
