import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { until } from './until.ts'

/** A real HTTP server that answers each call when the test says so. */
export interface SlowShop {
  readonly url: string
  /** The paths of the calls so far. */
  readonly calls: readonly string[]
  /** Resolves when the path has been called. */
  called(path: string): Promise<unknown>
  /** Answers the calls of a path, also those to come. */
  answer(path: string): void
  close(): Promise<void>
}

export async function startSlowShop(): Promise<SlowShop> {
  const calls: string[] = []
  const held = new Map<string, () => void>()
  // What works after its call is answered at once.
  const answered = new Set<string>(['/deaf'])
  const server = createServer((request, response) => {
    request.resume()
    const path = request.url ?? ''
    calls.push(path)
    const answer = () => void response.setHeader('content-type', 'application/json').end('"sold"')
    if (answered.has(path)) answer()
    else held.set(path, answer)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    called: (path) => until(`${path} was called`, () => calls.includes(path)),
    answer(path) {
      answered.add(path)
      held.get(path)?.()
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
