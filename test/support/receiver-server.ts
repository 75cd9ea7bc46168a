import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { createExampleReceiver, EXAMPLE_RECEIVER_PATH } from '../../src/example-receiver/example-receiver.ts'

/** The example's receiver on a port of its own: it outlives the servers that a test kills. */
export interface ReceiverServer {
  readonly host: string
  readonly url: string
  /** What it holds. */
  summary(): Promise<ReceiverSummary>
  /** Takes in the next batch and never answers; resolves when it has. */
  loseNextAnswer(): Promise<void>
  close(): Promise<void>
}

export interface ReceiverSummary {
  readonly calls: number
  readonly leads: number
  readonly batches: readonly {
    readonly key: string
    readonly calls: number
    readonly bodySha256: string
    readonly leads: number
  }[]
}

export async function startReceiver(): Promise<ReceiverServer> {
  const receiver = createExampleReceiver()
  const conflicts: string[] = []
  let onLost: (() => void) | null = null
  const server = createServer((req, res) => {
    void (async () => {
      const body = req.method === 'POST' ? await buffer(req) : null
      const request = new Request(`http://${req.headers.host}${req.url}`, {
        method: req.method ?? 'GET',
        headers: req.headers as Record<string, string>,
        body: body && new Uint8Array(body),
      })
      const response = await receiver.handle(request)
      if (response.status === 409) conflicts.push(String(req.headers['idempotency-key']))
      if (req.method === 'POST' && onLost) {
        onLost()
        onLost = null
        return
      }
      res.writeHead(response.status, Object.fromEntries(response.headers))
      res.end(Buffer.from(await response.arrayBuffer()))
    })().catch(() => res.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const url = `http://${host}${EXAMPLE_RECEIVER_PATH}`
  return {
    host,
    url,
    async summary() {
      if (conflicts.length > 0) throw new Error(`keys came with another body: ${conflicts.join(', ')}`)
      return (await (await fetch(url)).json()) as ReceiverSummary
    },
    loseNextAnswer: () => new Promise((resolve) => void (onLost = resolve)),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
