// graphile-worker: one job per step. A step of a chain adds the job of the next stage; of a wide stage, the step that counts
// the stage's remaining steps down to zero does. The runner and the client's HTTP server share this process, so the end of an
// execution is known at once.
import { randomUUID } from 'node:crypto'
import { Logger, run } from 'graphile-worker'
import pg from 'pg'
import { noop, serve } from './serve.js'

const CONCURRENCY = 100

const pgPool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 50 })
pgPool.on('error', console.error)
pgPool.on('connect', (client) => client.on('error', console.error))
await pgPool.query(
  'CREATE TABLE stages (execution_id uuid, stage int, remaining int, PRIMARY KEY (execution_id, stage))',
)
const ends = new Map()

const runner = await run({
  pgPool,
  concurrency: CONCURRENCY,
  noHandleSignals: true,
  logger: new Logger(() => () => {}),
  taskList: {
    async step({ id, shape, stage }, { addJob, query }) {
      await noop()
      if (shape[stage] > 1) {
        const { rows } = await query(
          'UPDATE stages SET remaining = remaining - 1 WHERE execution_id = $1 AND stage = $2 RETURNING remaining',
          [id, stage],
        )
        if (rows[0].remaining > 0) return
      }
      if (stage + 1 < shape.length) return addStage(addJob, { id, shape, stage: stage + 1 })
      ends.get(id)()
      ends.delete(id)
    },
  },
})

await serve(
  async (shape) => {
    const id = randomUUID()
    const ended = new Promise((resolve) => ends.set(id, resolve))
    await addStage(runner.addJob, { id, shape, stage: 0 })
    await ended
  },
  {
    async close() {
      await runner.stop()
      await pgPool.end()
    },
  },
)

async function addStage(addJob, payload) {
  const { id, shape, stage } = payload
  if (shape[stage] === 1) return addJob('step', payload, { jobKey: `${id}:${stage}` })
  await pgPool.query('INSERT INTO stages VALUES ($1, $2, $3)', [id, stage, shape[stage]])
  await pgPool.query(
    `SELECT graphile_worker.add_jobs((SELECT array_agg(
       ('step', $1::json, NULL, NULL, NULL, $2 || ':' || n, NULL, NULL)::graphile_worker.job_spec)
     FROM generate_series(1, $3::int) n))`,
    [payload, `${id}:${stage}`, shape[stage]],
  )
}
