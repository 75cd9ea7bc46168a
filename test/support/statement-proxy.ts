import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A moment in the talk with the database: the `nth` time, from now, that a prepared statement is executed with such values. */
export interface StatementPoint {
  /** What the statement's name begins with. */
  readonly statement: string
  /** Stands in its values; default: anything does. */
  readonly holding?: string
  /** Default 1. */
  readonly nth?: number
  /** `before`: Postgres never hears of it. `after`: Postgres has committed it, and nobody hears of that. */
  readonly side: 'before' | 'after'
}

/** A network path to the test server that can tell one statement from another. */
export interface StatementProxy {
  /** The database's URL by way of the proxy. */
  readonly url: string
  /** Strikes once, at that point; resolves when the strike is over. One point at a time. */
  strikeAt(point: StatementPoint, strike: () => Promise<void>): Promise<void>
  close(): Promise<void>
}

interface Trap extends StatementPoint {
  readonly spring: () => void
}

export async function startStatementProxy(databaseUrl: string): Promise<StatementProxy> {
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let trap: Trap | null = null

  /** The trap that springs with this message, if it is the one. */
  const sprungBy = (message: Buffer): Trap | null => {
    if (
      !trap ||
      !boundStatement(message)?.startsWith(trap.statement) ||
      !message.includes(trap.holding ?? '')
    )
      return null
    const { nth = 1 } = trap
    if (nth > 1) {
      trap = { ...trap, nth: nth - 1 }
      return null
    }
    const sprung = trap
    trap = null
    return sprung
  }
  const track = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  }
  const server = createServer((client) => {
    track(client)
    const upstream = connect(Number(target.port), target.hostname)
    track(upstream)
    client.once('close', () => upstream.destroy())
    upstream.once('close', () => client.destroy())
    const messages = new ClientMessages()
    let isCut = false
    let awaited: Trap | null = null
    let answer = Buffer.alloc(0)
    client.on('data', (chunk) => {
      for (const message of messages.take(chunk)) {
        if (isCut) return
        const sprung = sprungBy(message)
        if (sprung?.side === 'before') {
          isCut = true
          sprung.spring()
          return
        }
        awaited ??= sprung
        upstream.write(message)
      }
    })
    upstream.on('data', (chunk) => {
      if (!awaited) return client.write(chunk)
      answer = Buffer.concat([answer, chunk])
      // Only this says that the transaction is over: the statement's own answer comes before its commit.
      if (!answer.subarray(-READY_FOR_QUERY.length).equals(READY_FOR_QUERY) || isCut) return
      isCut = true
      awaited.spring()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: url.href,
    strikeAt: (point, strike) =>
      new Promise((resolve, reject) => {
        trap = { ...point, spring: () => void strike().then(resolve, reject) }
      }),
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

// PostgreSQL's frontend/backend protocol, version 3.0: "Message Formats".
const BIND = 'B'.charCodeAt(0)
const READY_FOR_QUERY = Buffer.from('Z\0\0\0\x05I', 'latin1')
const LENGTH_BYTES = 4

/** Cuts what a client sends, in whatever pieces it comes, into messages. */
class ClientMessages {
  #rest: Buffer = Buffer.alloc(0)
  /** The first message alone has no byte for its type. */
  #isStarted = false

  take(chunk: Buffer): readonly Buffer[] {
    this.#rest = Buffer.concat([this.#rest, chunk])
    const messages: Buffer[] = []
    for (;;) {
      const typeBytes = this.#isStarted ? 1 : 0
      if (this.#rest.length < typeBytes + LENGTH_BYTES) return messages
      const length = typeBytes + this.#rest.readInt32BE(typeBytes)
      if (this.#rest.length < length) return messages
      messages.push(this.#rest.subarray(0, length))
      this.#rest = this.#rest.subarray(length)
      this.#isStarted = true
    }
  }
}

/** The name of the prepared statement that a message executes: Bind names first the portal, then the statement. */
function boundStatement(message: Buffer): string | null {
  if (message[0] !== BIND) return null
  const portalEnd = message.indexOf(0, 1 + LENGTH_BYTES)
  return message.toString('latin1', portalEnd + 1, message.indexOf(0, portalEnd + 1))
}
