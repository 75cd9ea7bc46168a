// A program with its own errors that uses Lume as a library. The first argument says what happens; the database is in the
// environment. It prints one JSON document at its end.
import { createLume, registerBlock } from '../../dist/index.js'

const [, , mode] = process.argv
const seen = []
if (mode === 'listens') {
  process.on('unhandledRejection', (reason) => seen.push(reason.message))
  process.on('uncaughtException', (error) => seen.push(error.message))
}

class Careless {
  execute() {
    void Promise.reject(new Error('of the block'))
    setTimeout(() => {
      throw new Error('timer of the block')
    }, 5)
    return new Promise((resolve) => setTimeout(() => resolve({ status: 'completed', output: 1 }), 50))
  }
}
registerBlock('host.careless', Careless)

const lume = await createLume({ databaseUrl: process.env.DATABASE_URL, logLevel: 'silent' })
const workflowDefinition = {
  nodes: [{ id: 'a', type: 'host.careless', config: {}, retry: { maxAttempts: 1 } }],
  edges: [],
}
const job = await lume.jobs.createWorkflowJob('me', { workflowId: 'w', workflowDefinition })
const { status, error } = await lume.jobs.startJob(job.id, null, {
  onProgress: () => {
    void Promise.reject(new Error('of the callback'))
  },
})
if (mode === 'rejects' || mode === 'listens') {
  void Promise.reject(new Error('of the host'))
  await new Promise((resolve) => setTimeout(resolve, 50))
}
if (mode === 'throws') {
  setTimeout(() => {
    throw new Error('of the host')
  }, 5)
  await new Promise((resolve) => setTimeout(resolve, 50))
}
await lume.close()
const listeners = process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection')
process.stdout.write(JSON.stringify({ status, code: error?.code, seen, listeners }))
