import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/**
 * Where a connection breaks. `before`: the statement never reaches the server. `after`: the server has done it, and its
 * answer is lost. `during`: the client is cut off at once, while the server goes on with the statement.
 */
export type Cut = 'before' | 'during' | 'after'

/** A network path to the test server that breaks on demand. */
export interface TcpProxy {
  /** The database's URL by way of the proxy. */
  readonly url: string
  /** Breaks the connection that next sends a statement holding `text`, once; resolves when it has. */
  cutOnce(text: string, cut: Cut): Promise<void>
  /**
   * Breaks the connection of every other attempt of each statement until `restore`. `first`: whether the first attempt of a statement is
   * one of those.
   */
  cutEveryOther(cut: Cut, first: boolean): void
  /** The number of connections that were broken by a statement. */
  readonly cuts: number
  /** Breaks every connection and lets none through: for whoever connects here, the server is gone. */
  sever(): void
  /** Breaks every connection that is open; new ones work. */
  cut(): void
  /** Lets no byte through any more, and breaks nothing: the server has fallen silent. */
  silence(): void
  /** The same for the connections that are open now; new ones work. */
  silenceOpen(): void
  restore(): void
  close(): Promise<void>
}

/** Part of the statement that begins each session. With every other one of them cut, half of all new connections would fail. */
const SESSION_STATEMENT = "'default_transaction_isolation'"

interface Trap {
  readonly text: string
  readonly cut: Cut
  readonly sprung: () => void
}

export async function startTcpProxy(databaseUrl: string): Promise<TcpProxy> {
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let isSevered = false
  let isSilent = false
  const silenced = new WeakSet<Socket>()
  let trap: Trap | null = null
  let everyOther: {
    readonly cut: Cut
    readonly first: boolean
    readonly wasCut: Map<string, boolean>
  } | null = null
  let cuts = 0
  /** The cut that this chunk of a client meets, if any. */
  const sprungBy = (chunk: Buffer): Pick<Trap, 'cut' | 'sprung'> | null => {
    if (trap && chunk.includes(trap.text)) {
      const sprung = trap
      trap = null
      return sprung
    }
    const statement = everyOther && statementOf(chunk)
    if (!everyOther || !statement || statement.includes(SESSION_STATEMENT)) return null
    const isCut = !(everyOther.wasCut.get(statement) ?? !everyOther.first)
    everyOther.wasCut.set(statement, isCut)
    return isCut ? { cut: everyOther.cut, sprung: () => {} } : null
  }

  const track = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  }
  const server = createServer((client) => {
    track(client)
    if (isSevered) return client.destroy()
    const upstream = connect(Number(target.port), target.hostname)
    track(upstream)
    let onAnswer: (() => void) | null = null
    let isLeftAlone = false
    const cut = () => {
      client.destroy()
      upstream.destroy()
    }
    client.once('close', () => isLeftAlone || upstream.destroy())
    upstream.once('close', () => client.destroy())
    client.on('data', (chunk) => {
      if (isSilent || silenced.has(client)) return
      const sprung = sprungBy(chunk)
      if (!sprung) return upstream.write(chunk)
      cuts++
      if (sprung.cut !== 'before') upstream.write(chunk)
      if (sprung.cut === 'during') isLeftAlone = true
      const breakOff = () => {
        if (sprung.cut === 'during') client.destroy()
        else cut()
        sprung.sprung()
      }
      if (sprung.cut === 'after') onAnswer = breakOff
      else breakOff()
    })
    upstream.on('data', (chunk) => {
      if (isSilent || silenced.has(client)) return
      if (onAnswer) onAnswer()
      else if (isLeftAlone) upstream.destroy()
      else client.write(chunk)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`

  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  const sever = () => {
    isSevered = true
    cut()
  }
  return {
    url: url.href,
    cutOnce: (text, cut) =>
      new Promise((sprung) => {
        trap = { text, cut, sprung }
      }),
    cutEveryOther: (cut, first) => {
      everyOther = { cut, first, wasCut: new Map() }
    },
    get cuts() {
      return cuts
    },
    cut,
    sever,
    silence: () => {
      isSilent = true
    },
    silenceOpen: () => {
      for (const socket of sockets) silenced.add(socket)
    },
    restore: () => {
      isSevered = false
      isSilent = false
      everyOther = null
    },
    async close() {
      sever()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The name or the text of the statement that a client's chunk begins with, by PostgreSQL's protocol; null: it begins with none. */
function statementOf(chunk: Buffer): string | null {
  const texts = chunk.toString('latin1', 5).split('\0', 2)
  switch (String.fromCharCode(chunk[0] ?? 0)) {
    // Parse: name, text.
    case 'P':
      return texts[0] || (texts[1] ?? null)
    // Bind: portal, name. One without a name follows its Parse.
    case 'B':
      return texts[1] || null
    case 'Q':
      return texts[0] ?? null
    default:
      return null
  }
}
