import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One call, as it came in. */
export interface LedgerCall {
  /** Which entry it asks for, such as `/invoice`. */
  readonly path: string
  readonly key: string
  /** The how manyth of its key it is, from 1. */
  readonly nth: number
  /** The process that called, if it sends its id in the header `caller-pid`. */
  readonly pid: number | null
  /** When it came in, by `performance.now()`. */
  readonly at: number
}

/** What an entry is answered with: `receipt` is a function of the path alone, `nth` tells the calls of a key apart. */
export interface LedgerAnswer {
  readonly receipt: string
  readonly key: string
  readonly nth: number
}

/** The world outside: a real HTTP server that writes down every call under its idempotency key and outlives the killed. */
export interface LedgerServer {
  readonly host: string
  readonly url: string
  readonly calls: readonly LedgerCall[]
  /** How often a key was called. */
  count(key: string): number
  /** Writes down the next call to the path, and never answers it; resolves when it has come. */
  holdNext(path: string): Promise<LedgerCall>
  close(): Promise<void>
}

/** `answerAfterMs`: the time that calls to a path take, in milliseconds; 0 by default. */
export async function startLedger(answerAfterMs: (path: string) => number = () => 0): Promise<LedgerServer> {
  const calls: LedgerCall[] = []
  const counts = new Map<string, number>()
  const holds = new Map<string, (call: LedgerCall) => void>()
  const server = createServer((request, response) => {
    request.resume()
    const path = request.url ?? ''
    const key = String(request.headers['idempotency-key'])
    const nth = (counts.get(key) ?? 0) + 1
    counts.set(key, nth)
    const pid = Number(request.headers['caller-pid']) || null
    const call = { path, key, nth, pid, at: performance.now() }
    calls.push(call)
    const hold = holds.get(path)
    holds.delete(path)
    if (hold) hold(call)
    else {
      const wait = setTimeout(
        () => answer(response, { receipt: `receipt of ${path}`, key, nth }),
        answerAfterMs(path),
      )
      response.once('close', () => clearTimeout(wait))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    host,
    url: `http://${host}`,
    calls,
    count: (key) => counts.get(key) ?? 0,
    holdNext: (path) => new Promise((held) => void holds.set(path, held)),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function answer(response: ServerResponse, body: LedgerAnswer): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
}
