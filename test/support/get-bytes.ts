import { systemClock } from '../../src/lib/time/clock.ts'
import type { HttpClient } from '../../src/net/http-client.ts'
import { parseHttpUrl } from '../../src/net/http-request.ts'

/** Asks a server on this machine for its page, as a block does, and returns the answer's bytes. */
export async function getBytes(client: Pick<HttpClient, 'send'>, port: number): Promise<Buffer> {
  const { bytes } = await client.send(
    {
      method: 'GET',
      url: parseHttpUrl(`http://127.0.0.1:${port}/`),
      headers: new Map(),
      body: null,
      timeoutMs: 30_000,
      followRedirects: false,
      failOnStatus: true,
      maxResponseBytes: 1_000_000,
      isRepeatable: true,
    },
    { signal: new AbortController().signal, clock: systemClock },
  )
  return bytes
}
