import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { inFlight } from '../measure/in-flight.ts'
import type { Shape } from './system.ts'

// The hand-written loop that Lume is compared with: it commits one INSERT for each step before the next step starts, and has
// no engine around that. An execution whose steps run one after the other has one connection for its time; steps that run
// in parallel share the pool.

const CONNECTIONS = 50
const OUTPUT = JSON.stringify('x'.repeat(198))
const INSERT = {
  name: 'step',
  text: 'INSERT INTO loop_steps (execution_id, step, output) VALUES ($1, $2, $3)',
}

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: CONNECTIONS })
await pool.query(`CREATE TABLE loop_steps (
  execution_id uuid, step int, output json NOT NULL, finished_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (execution_id, step))`)

const server = createServer((request, response) => {
  void answer(request).then(
    () => response.end('{}'),
    (failure: unknown) => response.writeHead(500).end(String(failure)),
  )
}).listen(0, '127.0.0.1')
await once(server, 'listening')
console.log(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}`)
process.stdin.resume().once('end', () => process.exit())

async function answer(request: IncomingMessage): Promise<void> {
  const { shape } = JSON.parse(await text(request)) as { readonly shape: Shape }
  const id = randomUUID()
  let client = await pool.connect()
  let step = 0
  for (const width of shape) {
    const first = step
    step += width
    if (width === 1) {
      await record(client, id, first)
      continue
    }
    client.release()
    await inFlight(width, CONNECTIONS, (index) => record(pool, id, first + index))
    client = await pool.connect()
  }
  client.release()
}

async function record(queryable: Pick<pg.ClientBase, 'query'>, id: string, step: number): Promise<void> {
  await queryable.query({ ...INSERT, values: [id, step, OUTPUT] })
}
