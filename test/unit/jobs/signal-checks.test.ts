import { expect, test } from '@jest/globals'
import { createCommands } from '../../../src/jobs/commands.ts'
import type { JobId, OwnerId } from '../../../src/lib/ids.ts'
import { EXPONENTIAL_SCHEMA } from '../../support/hostile-schemas.ts'

test('a signal for a thousand waits, none of which can be checked in time, is refused after a few', async () => {
  const texts = Array.from({ length: 1_000 }, (_, i) =>
    JSON.stringify({ ...EXPONENTIAL_SCHEMA, title: `wait ${i}` }),
  )
  const commands = createCommands({
    store: { send: () => Promise.reject(new Error('it must not be sent')) },
    executions: { signalSchemas: async () => ({ texts, areAll: true }) },
    wakeups: { command: () => undefined, queued: () => undefined },
    cancelTree: async () => undefined,
  })
  const job = { id: 'job' as JobId, ownerId: 'owner' as OwnerId }
  const result = await commands.signal(job, { name: 'go', payload: 'text' })
  if (result.kind !== 'invalid') throw new Error(result.kind)
  const messages = result.problems.map(({ message }) => message)
  expect(messages.length).toBeLessThan(10)
  expect(messages[0]).toContain('cannot be checked')
  expect(messages.at(-1)).toContain('give the path of one')
})
