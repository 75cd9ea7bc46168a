import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const START_MS = 60_000
const READY = /Lume is ready: (http:\S+)/

/** The built server in a process of its own. */
export interface ServerProcess {
  /** Where GraphQL is. */
  readonly url: string
  readonly pid: number
  /** What it has printed so far. */
  output(): string
  /** Ends it as a power cut does. */
  kill(): Promise<void>
  /** Asks it to stop and gives its exit code. */
  stop(): Promise<number | null>
  /** Sends SIGTERM, and does not wait. */
  terminate(): void
}

/** What became of a start that was refused. */
export interface FailedStart {
  readonly exitCode: number | null
  readonly output: string
}

/**
 * Starts the built server on a free port; the environment holds nothing but what is given. Rejects when it ends instead.
 * `main`: the program of another build.
 */
export async function startServerProcess(
  environment: Record<string, string>,
  main = MAIN,
): Promise<ServerProcess> {
  const started = await tryServerProcess(environment, main)
  if ('url' in started) return started
  throw new Error(`the server ended with ${started.exitCode}:\n${started.output}`)
}

/** The same, for starts that are meant to fail. */
export async function tryServerProcess(
  environment: Record<string, string>,
  main = MAIN,
): Promise<ServerProcess | FailedStart> {
  if (!existsSync(main))
    throw new Error('dist/main.js is missing: `npm run build` makes it, and `npm test` does that first')
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', PORT: '0', ...environment }
  const child = spawn(process.execPath, [main], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const url = await new Promise<string | null>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the server does not get ready:\n${output}`)), START_MS)
    const settle = (found: string | null) => {
      clearTimeout(timer)
      resolve(found)
    }
    const read = (text: Buffer) => {
      output += text.toString()
      const ready = READY.exec(output)
      if (ready) settle(ready[1]?.replace(/["\\].*$/, '') ?? null)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('exit', () => settle(null))
  })
  if (url === null) return { exitCode: child.exitCode, output }
  return {
    url,
    pid: child.pid ?? 0,
    output: () => output,
    kill: () => end(child, 'SIGKILL').then(() => undefined),
    stop: () => end(child, 'SIGTERM'),
    terminate: () => void child.kill('SIGTERM'),
  }
}

async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
  return child.exitCode
}
