import { createLume } from './app.ts'
import { readEnvironment } from './config.ts'
import { startServer } from './http.ts'
import { Closers } from './lib/closers.ts'
import { LumeError } from './lib/errors.ts'
import { createLogger } from './lib/logger.ts'

const closers = new Closers()

try {
  const { host, port, lume: config } = readEnvironment(process.env)
  const logger = createLogger(config.logLevel)
  const lume = await createLume(config, { logger })
  closers.add(() => lume.close())
  const server = await startServer({ lume, host, port })
  closers.add(() => server.close())
  logger.info(
    { database: config.databaseUrl ? 'server' : config.dataDir, role: config.role },
    `Lume is ready: ${server.url}`,
  )
} catch (fault) {
  // A LumeError says by itself what to mend; of anything else the stack is what helps.
  console.error(fault instanceof LumeError ? `${fault.code}: ${fault.message}` : fault)
  process.exitCode = 1
  await closers.close()
}

let isStopping = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (isStopping) process.exit(1)
    isStopping = true
    closers.close().catch((fault: unknown) => {
      console.error(fault)
      process.exitCode = 1
    })
  })
}
