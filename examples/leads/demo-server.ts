import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const DEFAULT_URL = 'http://127.0.0.1:4000'
const BUILT_SERVER = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const PROBE_TIMEOUT_MS = 2_000
const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 10_000
const POLL_MS = 100
const KEPT_OUTPUT = 4_000

/** A server to talk to. `stop` ends it if the demo started it, and leaves it alone otherwise. */
export interface DemoServer {
  readonly url: string
  readonly startedHere: boolean
  stop(): Promise<void>
}

/** There is nothing to run the demo on; the message says what to do. */
export class NoServerError extends Error {}

/**
 * The server at `givenUrl`; without one, the server at the default address; and if nothing answers there either, or
 * `own` says so, one of its own on a free port with a folder of its own, thrown away at the end.
 */
export async function findOrStartServer(
  givenUrl: string | undefined,
  { own = false } = {},
): Promise<DemoServer> {
  if (own) return startServer()
  const url = (givenUrl ?? DEFAULT_URL).replace(/\/+$/, '')
  if (await answers(`${url}/health`)) return { url, startedHere: false, stop: async () => {} }
  if (givenUrl)
    throw new NoServerError(`Nothing answers at ${url} (LUME_URL). Start a server there: npm start`)
  return startServer()
}

async function startServer(): Promise<DemoServer> {
  if (!existsSync(BUILT_SERVER)) {
    throw new NoServerError('No server answers, and there is no build to start. Start a server: npm start')
  }
  const port = await freePort()
  const dataDir = await mkdtemp(join(tmpdir(), 'lume-demo-'))
  const { DATABASE_URL: _ignored, ...env } = process.env
  const child = spawn(process.execPath, [BUILT_SERVER], {
    env: { ...env, HOST: '127.0.0.1', PORT: String(port), LUME_DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = lastOutputOf(child)
  const server: DemoServer = {
    url: `http://127.0.0.1:${port}`,
    startedHere: true,
    async stop() {
      await stopProcess(child)
      await rm(dataDir, { recursive: true, force: true })
    },
  }
  try {
    await untilReady(server.url, child)
  } catch (failure) {
    await server.stop()
    throw new NoServerError(`The demo's own server did not start. Try: npm start\n${output()}`, {
      cause: failure,
    })
  }
  return server
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  for (let waitedMs = 0; waitedMs < START_TIMEOUT_MS; waitedMs += POLL_MS) {
    if (hasEnded(child)) throw new Error('it ended')
    if (await answers(`${url}/ready`)) return
    await sleep(POLL_MS)
  }
  throw new Error(`it was not ready after ${START_TIMEOUT_MS} ms`)
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const patience = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await ended
  clearTimeout(patience)
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** Drains what the child prints and remembers the end of it. */
function lastOutputOf(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => (text = (text + chunk).slice(-KEPT_OUTPUT)))
  }
  return () => text
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
