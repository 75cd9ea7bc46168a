import './production-graphql.ts'
import { createLume } from './app.ts'
import { readEnvironment } from './config.ts'
import { startServer } from './http/index.ts'
import { Closers } from './lib/async/index.ts'
import { LumeError } from './lib/index.ts'
import { createLogger, type Logger } from './lib/log/index.ts'

/** How long the process may take to stop after its grace period, in milliseconds: to give jobs back, and to close connections. */
const EXIT_MS = 5_000
/** How long it may take after a second signal, in milliseconds. */
const HURRIED_EXIT_MS = 1_500

const closers = new Closers()
const stopping = new AbortController()
const hurried = new AbortController()

// From the first moment: a signal while the database is being opened stops the process once it is open.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => (stopping.signal.aborted ? hurried : stopping).abort())
}

await attempt(async () => {
  const { lume: config, warnings, ...serverConfig } = readEnvironment(process.env)
  const logger = createLogger(config.logLevel)
  for (const warning of warnings) logger.warn(warning)
  on(stopping.signal, () => exitAfter(config.shutdownGraceMs + EXIT_MS, logger))
  on(hurried.signal, () => exitAfter(HURRIED_EXIT_MS, logger))
  const lume = await createLume(config, { logger, ownsProcess: true })
  closers.add(() => lume.close())
  // The failure of a drain is that of `close`, which waits for it.
  on(stopping.signal, () => void lume.drain().catch(() => {}))
  on(hurried.signal, () => void lume.drain({ graceMs: 0 }).catch(() => {}))
  if (stopping.signal.aborted) return
  const server = await startServer({ lume, ...serverConfig })
  closers.add(() => server.close())
  logger.info(
    { database: config.databaseUrl ? 'server' : config.dataDir, role: config.role },
    `Lume is ready: ${server.url}`,
  )
  on(stopping.signal, () => void stop())
})
if (stopping.signal.aborted || process.exitCode === 1) await stop()

/** Calls once the signal aborts; at once if it has. */
function on(signal: AbortSignal, call: () => void): void {
  if (signal.aborted) call()
  else signal.addEventListener('abort', call, { once: true })
}

/** Closes everything and ends the process, which may still carry out operations whose clients were cut off. */
async function stop(): Promise<void> {
  await attempt(() => closers.close())
  process.exit()
}

/**
 * Ends the process after a time, whatever keeps it: a statement that waits for a lock, a database that does not answer, or operations that
 * take longer. Jobs that are not given back by then are taken over once their leases have run out.
 */
function exitAfter(ms: number, logger: Pick<Logger, 'error'>): void {
  const timer = setTimeout(() => {
    logger.error({ ms }, 'the process did not stop in time; it exits with work unfinished')
    process.exit(1)
  }, ms)
  timer.unref()
}

/** The edge of the process: what goes wrong here is said on standard error, and its exit code is 1. */
async function attempt(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (fault) {
    // A LumeError says by itself what to mend; of anything else the stack is what helps.
    console.error(fault instanceof LumeError ? `${fault.code}: ${fault.message}` : fault)
    process.exitCode = 1
  }
}
