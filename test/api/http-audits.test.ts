import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { serverAudits } from 'graphql-http'
import { startApiServer, type ApiServer } from '../support/api-server.ts'

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer()
})
afterAll(async () => {
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

const audits = serverAudits({ url: () => server.url })

test('there are audits of all three degrees', () => {
  const degrees = audits.map(({ name }) => name.split(' ', 1)[0])
  expect(degrees.length).toBeGreaterThan(50)
  expect(new Set(degrees)).toEqual(new Set(['MAY', 'MUST', 'SHOULD']))
})

describe('GraphQL over HTTP, as its authors audit it:', () => {
  test.each(audits.map(({ id, name, fn }) => ({ id, name, fn })))('$id $name', async ({ fn }) => {
    const result = await fn()
    expect(result.status === 'ok' ? 'ok' : `${result.status}: ${result.reason}`).toBe('ok')
  })
})
