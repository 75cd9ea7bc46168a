// DBOS: one durable workflow per execution; each step is a checkpoint in Postgres.
import { DBOS } from '@dbos-inc/dbos-sdk'
import { noop, serve } from './serve.js'

const execution = DBOS.registerWorkflow(
  async (shape) => {
    for (const width of shape) {
      await Promise.all(Array.from({ length: width }, () => DBOS.runStep(noop, { name: 'noop' })))
    }
  },
  { name: 'execution' },
)

DBOS.setConfig({
  name: 'lume-bench',
  systemDatabaseUrl: process.env.DATABASE_URL,
  systemDatabasePoolSize: 50,
  logLevel: 'error',
  runAdminServer: false,
})
await DBOS.launch()
await serve(
  async (shape) => {
    const handle = await DBOS.startWorkflow(execution)(shape)
    await handle.getResult()
  },
  { close: () => DBOS.shutdown() },
)
