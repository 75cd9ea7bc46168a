// BullMQ: one flow per execution in Redis; a job runs when its children have. Needs Debian's redis-server (or any other) in
// PATH, or a server at REDIS_URL. It is not durable as the others are: Redis appends to its file once a second here.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FlowProducer, QueueEvents, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { noop, serve, skip } from './serve.js'

const QUEUE = 'steps'
const CONCURRENCY = 100

const redis = await openRedis()
if (redis === null) skip('there is no redis-server in PATH, and REDIS_URL is not set')
else {
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null })
  const worker = new Worker(QUEUE, noop, { connection, concurrency: CONCURRENCY })
  const events = new QueueEvents(QUEUE, { connection })
  const flows = new FlowProducer({ connection })
  await Promise.all([worker.waitUntilReady(), events.waitUntilReady(), flows.waitUntilReady()])
  await serve(
    async (shape) => {
      for (const flow of flowsOf(shape)) {
        const { job } = await flows.add(flow)
        await job.waitUntilFinished(events)
      }
    },
    {
      pids: redis.pids,
      async close() {
        await worker.close()
        await events.close()
        await flows.close()
        connection.disconnect()
        await redis.close()
      },
    },
  )
}

/**
 * The flows of an execution, to be run one after the other. A flow is a tree whose leaves run first, so only its deepest
 * stage can be wider than one step.
 */
function flowsOf(shape) {
  const options = { removeOnComplete: 1_000 }
  const step = (children) => ({
    name: 'step',
    queueName: QUEUE,
    data: {},
    opts: options,
    ...(children.length > 0 ? { children } : {}),
  })
  const flows = []
  let trees = []
  for (const width of shape) {
    if (width === 1) {
      trees = [step(trees)]
      continue
    }
    flows.push(...trees)
    trees = Array.from({ length: width }, () => step([]))
  }
  return [...flows, ...trees]
}

async function openRedis() {
  const given = process.env.REDIS_URL
  if (given) return { url: given, pids: [], close: async () => {} }
  if (spawnSync('redis-server', ['--version']).status !== 0) return null
  const folder = await mkdtemp(join(tmpdir(), 'lume-redis-'))
  const port = await freePort()
  const settings = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
    'yes',
  ]
  const server = spawn('redis-server', settings, { stdio: ['ignore', 'pipe', 'inherit'] })
  process.once('exit', () => server.kill('SIGKILL'))
  await new Promise((resolve, reject) => {
    server.stdout.on('data', (text) => String(text).includes('Ready to accept connections') && resolve())
    server.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)))
  })
  return {
    url: `redis://127.0.0.1:${port}`,
    pids: [server.pid],
    async close() {
      const exited = once(server, 'exit')
      server.kill()
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  await once(probe, 'close')
  return port
}
