import './production-graphql.ts'
import { createLume } from './app.ts'
import { readEnvironment } from './config.ts'
import { startServer } from './http/index.ts'
import { Closers } from './lib/async/index.ts'
import { LumeError } from './lib/index.ts'
import { createLogger, type Logger } from './lib/log/index.ts'

const closers = new Closers()
const stopping = new AbortController()

// From the first moment: a signal while the database is being opened stops the process once it is open.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stopping.signal.aborted) process.exit(1)
    stopping.abort()
  })
}

await attempt(async () => {
  const { lume: config, stopMs, warnings, ...serverConfig } = readEnvironment(process.env)
  const logger = createLogger(config.logLevel)
  for (const warning of warnings) logger.warn(warning)
  const limitStop = () => exitAfter(stopMs, logger)
  if (stopping.signal.aborted) limitStop()
  else stopping.signal.addEventListener('abort', limitStop)
  const lume = await createLume(config, { logger, ownsProcess: true })
  closers.add(() => lume.close())
  if (stopping.signal.aborted) return
  const server = await startServer({ lume, ...serverConfig })
  closers.add(() => server.close())
  logger.info(
    { database: config.databaseUrl ? 'server' : config.dataDir, role: config.role },
    `Lume is ready: ${server.url}`,
  )
  stopping.signal.addEventListener('abort', () => void stop())
})
if (stopping.signal.aborted || process.exitCode === 1) await stop()

/** Closes everything and ends the process, which may still carry out operations whose clients were cut off. */
async function stop(): Promise<void> {
  await attempt(() => closers.close())
  process.exit()
}

/**
 * Ends the process at the end of its grace period, whatever keeps it: a statement that waits for a lock, a database that does not answer,
 * or operations that take longer. Jobs that are not given back by then are taken over once their leases have run out.
 */
function exitAfter(stopMs: number, logger: Pick<Logger, 'error'>): void {
  const timer = setTimeout(() => {
    logger.error({ stopMs }, 'the process did not stop within LUME_STOP_MS; it exits with work unfinished')
    process.exit(1)
  }, stopMs)
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
