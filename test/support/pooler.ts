import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import pg from 'pg'

/** For how long a client keeps a server connection: `session`: until it ends. */
export type PoolMode = 'session' | 'transaction' | 'statement'

export interface PoolerOptions {
  readonly mode: PoolMode
  /**
   * The server connection that serves the next transaction, as by PgBouncer's `server_round_robin`: true: the one that has been unused
   * for longest; false: the one that was used last. Default: false.
   */
  readonly isRoundRobin?: boolean
  /** The number of server connections that are open before the first client comes. Default: 0. */
  readonly open?: number
}

/** A connection pooler before a Postgres server: what PgBouncer does in its modes, as far as clients can notice it. */
export interface Pooler {
  /** The database's URL by way of the pooler. */
  readonly url: string
  close(): Promise<void>
}

/** A server connection after its authentication. `onFrame` receives the messages of the server. */
interface ServerConnection {
  readonly client: pg.Client
  readonly stream: Socket
  onFrame: (frame: Buffer) => void
}

/** The startup parameters that PgBouncer accepts; it refuses all others unless its configuration lists them. */
const ACCEPTED_PARAMETERS = new Set([
  'user',
  'database',
  'application_name',
  'client_encoding',
  'datestyle',
  'timezone',
  'standard_conforming_strings',
])
const TERMINATE = 'X'
const READY_FOR_QUERY = 'Z'
/** Query, Sync and FunctionCall: the server answers each with ReadyForQuery. */
const AWAITS_READY = 'QSF'
const STATUS_IDLE = 'I'

/**
 * Starts a pooler. Clients need no password. Another server connection is opened when all are in use. Does not forward cancel
 * requests.
 */
export async function startPooler(databaseUrl: string, options: PoolerOptions): Promise<Pooler> {
  const { mode, isRoundRobin = false, open = 0 } = options
  const sockets = new Set<Socket>()
  const servers = new Set<ServerConnection>()
  const free: ServerConnection[] = []

  const openOne = async () => {
    const connection = await openServerConnection(databaseUrl)
    servers.add(connection)
    return connection
  }
  const take = async () => (isRoundRobin ? free.shift() : free.pop()) ?? (await openOne())
  const discard = async (connection: ServerConnection) => {
    servers.delete(connection)
    await connection.client.end()
  }

  const serve = async (socket: Socket) => {
    const frames = framesOf(socket)
    const { value: parameters } = await frames.next()
    const refused = namesOf(parameters).find((name) => !ACCEPTED_PARAMETERS.has(name.toLowerCase()))
    if (refused) return socket.end(fatal(`unsupported startup parameter: ${refused}`))
    socket.write(WELCOME)
    let server: ServerConnection | null = null
    let unanswered = 0
    const onFrame = (frame: Buffer) => {
      if (typeOf(frame) !== READY_FOR_QUERY) return socket.write(frame)
      unanswered--
      const isIdle = frame.toString('latin1', 5) === STATUS_IDLE
      if (mode === 'statement' && !isIdle)
        return socket.end(fatal('transaction blocks not allowed in statement pooling mode'))
      if (mode !== 'session' && isIdle && unanswered === 0 && server) {
        free.push(server)
        server = null
      }
      socket.write(frame)
    }
    try {
      for await (const frame of frames) {
        const type = typeOf(frame)
        if (type === TERMINATE) break
        server ??= await take()
        server.onFrame = onFrame
        if (AWAITS_READY.includes(type)) unanswered++
        server.stream.write(frame)
      }
    } finally {
      socket.destroy()
      if (server) await discard(server)
    }
  }

  for (let n = 0; n < open; n++) free.push(await openOne())
  const listener = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
    // A client that breaks its connection ends the loop over its messages with an error.
    serve(socket).catch(() => socket.destroy())
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${(listener.address() as AddressInfo).port}`
  return {
    url: url.href,
    async close() {
      for (const socket of sockets) socket.destroy()
      listener.close()
      await once(listener, 'close')
      await Promise.all([...servers].map(discard))
    },
  }
}

/** Opens a connection, authenticated by pg, whose messages pg does not read any more. */
async function openServerConnection(databaseUrl: string): Promise<ServerConnection> {
  const client = new pg.Client({ connectionString: databaseUrl })
  client.on('error', () => undefined)
  await client.connect()
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection
  const connection: ServerConnection = { client, stream, onFrame: () => undefined }
  stream.removeAllListeners('data')
  const split = createSplitter(1)
  stream.on('data', (chunk) => {
    for (const frame of split(chunk)) connection.onFrame(frame)
  })
  return connection
}

/** The messages of a client. The first one, with the startup parameters, has no type; the client sends no other before the answer. */
async function* framesOf(socket: Socket): AsyncGenerator<Buffer, never> {
  let split = createSplitter(0)
  let isStarted = false
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    for (const frame of split(chunk)) {
      yield frame
      if (!isStarted) split = createSplitter(1)
      isStarted = true
    }
  }
  throw new Error('the client has ended')
}

/** Returns a function that takes the chunks of a stream and returns the messages that are whole. Their length is at `lengthAt`. */
function createSplitter(lengthAt: number): (chunk: Buffer) => readonly Buffer[] {
  let rest = Buffer.alloc(0)
  return (chunk) => {
    const frames: Buffer[] = []
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= lengthAt + 4) {
      const end = lengthAt + rest.readInt32BE(lengthAt)
      if (rest.length < end) break
      frames.push(rest.subarray(0, end))
      rest = rest.subarray(end)
    }
    return frames
  }
}

function typeOf(frame: Buffer): string {
  return frame.toString('latin1', 0, 1)
}

/** The names of the startup parameters. */
function namesOf(startup: Buffer): readonly string[] {
  const texts = startup.toString('utf8', 8).split('\0')
  return texts.filter((text, index) => index % 2 === 0 && text !== '')
}

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5, type)
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

function fatal(text: string): Buffer {
  return message('E', Buffer.from(`SFATAL\0VFATAL\0C08P01\0M${text}\0\0`))
}

/** AuthenticationOk, BackendKeyData with a process number that the pooler makes up, ReadyForQuery. */
const WELCOME = Buffer.concat([
  message('R', Buffer.alloc(4)),
  message('K', Buffer.alloc(8, 1)),
  message(READY_FOR_QUERY, Buffer.from(STATUS_IDLE)),
])
