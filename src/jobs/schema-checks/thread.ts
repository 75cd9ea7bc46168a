import { readlinkSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { JsonSchemas } from '../../engine/json-schema/index.ts'
import type { Json, JsonObject } from '../../lib/json/index.ts'
import type { FromThread, ToThread } from './messages.ts'

// The entry of the thread in which JSON Schemas of users are compiled and checked. The thread that started it
// ends it when a job takes too long, so nothing here is bounded in time.

const unbounded = <T>(_limitMs: number, work: () => T): T => work()
const schemas = new JsonSchemas(unbounded)

function post(message: FromThread): void {
  parentPort?.postMessage(message)
}

parentPort?.on('message', ({ id, job }: ToThread) => {
  const schema = JSON.parse(job.schema) as JsonObject | boolean
  const outcome =
    job.kind === 'compile'
      ? schemas.compile(schema, job.limits)
      : schemas.check(schema, JSON.parse(job.value) as Json, job.limits, () => post({ kind: 'compiled', id }))
  if (outcome.kind === 'timeUp') throw new Error('a schema was given a time in a thread that has none')
  post({ kind: 'done', id, outcome })
})

post({ kind: 'ready', task: ownTask() })

/** Such as `1234/task/1240`, on Linux. */
function ownTask(): string | null {
  try {
    return readlinkSync('/proc/thread-self')
  } catch {
    return null
  }
}
