import { expect, test } from '@jest/globals'
import { directSchemaChecker, type SchemaChecker } from '../../../src/engine/json-schema/schema-checker.ts'
import { simulate } from '../../../src/engine/simulate/simulate.ts'
import { NO_MOCKS } from '../../../src/engine/mocks/mocks.ts'
import { systemClock } from '../../../src/lib/time/clock.ts'
import { definition, soundPlan, TestExecution } from '../../support/run-definition.ts'

const direct = directSchemaChecker()

/** Answers some turns of the event loop later, as a thread does. */
function lateBy(turns: number): SchemaChecker {
  const wait = async () => {
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve))
  }
  return {
    async compile(schema, limitMs) {
      await wait()
      return direct.compile(schema, limitMs)
    },
    async check(schema, value) {
      await wait()
      return direct.check(schema, value)
    },
  }
}

const wait = {
  type: 'core.waitForSignal',
  config: { name: 'go', schema: { type: 'object' }, timeout: '1h', sample: { ok: true } },
}

test('a simulated wait takes no virtual time while its signal is checked, however late the answer', async () => {
  const simulation = await simulate(
    {
      plan: soundPlan(definition({ ask: wait })),
      input: null,
      mocks: NO_MOCKS,
      executionId: 'simulated',
      startedAt: Date.parse('2027-01-01T00:00:00Z'),
      schemas: lateBy(30),
    },
    systemClock,
  )
  expect(simulation).toMatchObject({ status: 'COMPLETED', output: { ok: true }, estimatedDurationMs: 0 })
})

test('a signal whose check has a late answer ends the wait that it fits', async () => {
  const execution = new TestExecution(definition({ ask: wait }), {}, { world: { schemas: lateBy(3) } })
  await execution.run()
  execution.send({ kind: 'SIGNAL', name: 'go', path: null, payload: { x: 1 } } as const)
  expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: '{"x":1}' })
})
