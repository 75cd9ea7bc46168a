import { startServerProcess, type ServerProcess } from '../server-process.ts'
import { startTcpProxy, type TcpProxy } from '../tcp-proxy.ts'

const BELOW_WARN = /^\{"level":[123]0,/

const AWARE_MS = 1_000

export type StormRole = 'api' | 'worker'

/** One server of the storm: a process that faults end or stop, and that is started again, and its path to the database. */
export interface StormServer {
  readonly name: string
  readonly role: StormRole
  readonly proxy: TcpProxy
  /** GraphQL of the process that runs; null: none is ready. */
  readonly url: string | null
  /** Starts a process; the server must have none. */
  boot(): Promise<void>
  kill(): Promise<void>
  /** Asks the process to stop, and returns its exit code. */
  stop(): Promise<number | null>
  /** Stops the process by SIGSTOP for a time, as a machine that is suspended does. */
  freeze(ms: number): Promise<void>
  /** Cuts the process off from the database for a time. */
  isolate(ms: number): Promise<void>
  /** The lines that its processes logged at the level warn or above, or printed by another way than the log. */
  warnings(): readonly string[]
  /**
   * Whether a process of this id was killed, frozen or cut off at or after an instant of `performance.now()`, so that others may have
   * taken its executions; null: any process. A process that was frozen or cut off learns of that within `AWARE_MS`.
   */
  wasStruck(pid: number | null, since: number): boolean
  close(): Promise<void>
}

/** `environment`: what each process has beside its role and its database. */
export async function openStormServer(
  name: string,
  role: StormRole,
  { databaseUrl, environment }: { databaseUrl: string; environment: Readonly<Record<string, string>> },
): Promise<StormServer> {
  const proxy = await startTcpProxy(databaseUrl)
  const strikes: { readonly pid: number; readonly until: number }[] = []
  const earlier: string[] = []
  let running: ServerProcess | null = null
  let isReady = false
  /** Takes the process out of the service of clients, and returns it. */
  const take = (): ServerProcess => {
    if (!running) throw new Error(`${name} has no process`)
    isReady = false
    return running
  }
  const end = async <T>(how: (process: ServerProcess) => Promise<T>): Promise<T> => {
    const process = take()
    const result = await how(process)
    earlier.push(process.output())
    running = null
    return result
  }
  const kill = () => {
    strikes.push({ pid: running?.pid ?? 0, until: performance.now() })
    return end((process) => process.kill())
  }
  const disturb = async (ms: number, begin: () => void, cease: () => void) => {
    strikes.push({ pid: running?.pid ?? 0, until: performance.now() + ms + AWARE_MS })
    begin()
    await new Promise((resolve) => setTimeout(resolve, ms))
    cease()
  }
  return {
    name,
    role,
    proxy,
    get url() {
      return isReady ? (running?.url ?? null) : null
    },
    async boot() {
      const url = `${proxy.url}?application_name=${name}`
      running = await startServerProcess({ ...environment, DATABASE_URL: url, LUME_ROLE: role })
      isReady = true
    },
    kill,
    stop: () => end((process) => process.stop()),
    async freeze(ms) {
      const { pid } = running ?? take()
      await disturb(
        ms,
        () => process.kill(pid, 'SIGSTOP'),
        () => process.kill(pid, 'SIGCONT'),
      )
    },
    isolate: (ms) => disturb(ms, proxy.sever, proxy.restore),
    warnings: () =>
      [...earlier, running?.output() ?? '']
        .flatMap((output) => output.split('\n'))
        .filter((line) => line !== '' && !BELOW_WARN.test(line)),
    wasStruck: (pid, since) =>
      strikes.some((strike) => (pid === null || strike.pid === pid) && strike.until >= since),
    async close() {
      if (running) await kill()
      await proxy.close()
    },
  }
}
