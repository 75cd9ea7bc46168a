import { createLume } from './app.ts'
import { readEnvironment } from './config.ts'
import { startServer } from './http/index.ts'
import { Closers } from './lib/async/index.ts'
import { LumeError } from './lib/index.ts'
import { createLogger } from './lib/log/index.ts'

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
  const { lume: config, ...serverConfig } = readEnvironment(process.env)
  const logger = createLogger(config.logLevel)
  const lume = await createLume(config, { logger, ownsProcess: true })
  closers.add(() => lume.close())
  if (stopping.signal.aborted) return
  const server = await startServer({ lume, ...serverConfig })
  closers.add(() => server.close())
  logger.info(
    { database: config.databaseUrl ? 'server' : config.dataDir, role: config.role },
    `Lume is ready: ${server.url}`,
  )
  stopping.signal.addEventListener('abort', () => void attempt(() => closers.close()))
})
if (stopping.signal.aborted || process.exitCode === 1) await attempt(() => closers.close())

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
