import { expect, test } from '@jest/globals'
import { fc } from '../../support/fast-check.ts'
import { simulate, type Simulation } from '../../../src/engine/simulate/simulate.ts'
import { readMocks } from '../../../src/engine/mocks/mocks.ts'
import { inOneGo } from '../../../src/lib/turns/pieces.ts'
import { systemClock } from '../../../src/lib/time/clock.ts'
import type { Json, JsonObject } from '../../../src/lib/json/json.ts'
import {
  behavioursOf,
  documentOf,
  expectedOf,
  randomGraph,
  type RandomGraph,
} from '../../support/random-graph.ts'
import { scriptedBlocks, soundPlan, TestExecution } from '../../support/run-definition.ts'

const INPUT = { lead: 1 }

/** A call that takes its time holds a place, a wait does not: only calls can be foretold by a mock's duration. */
function withoutWaits({ nodes, edges }: RandomGraph): RandomGraph {
  return {
    edges,
    nodes: nodes.map((node) => ({ ...node, waitMs: 0, body: node.body && withoutWaits(node.body) })),
  }
}

interface Outcome {
  readonly attempt: number
  readonly mock: JsonObject
}

/** The script of a run as mocks: what every call came to, by step path and attempt. */
async function executeAndMock(graph: RandomGraph) {
  const outcomes = new Map<string, Outcome[]>()
  const script = Object.entries(behavioursOf(graph)).map(([id, behave]) => {
    const told = async (call: Parameters<typeof behave>[0]) => {
      const tell = (mock: JsonObject) => {
        if (call.block === 'test.pure') return
        const durationMs = call.context.clock.now() - call.at
        const known = outcomes.get(call.path) ?? []
        outcomes.set(call.path, [...known, { attempt: call.attempt, mock: { durationMs, ...mock } }])
      }
      try {
        const outcome = (await behave(call)) as { output: Json; handles?: string[] }
        tell({ output: outcome.output, ...(outcome.handles ? { handles: outcome.handles } : {}) })
        return outcome
      } catch (thrown) {
        // Cut off: how long it would have taken does not matter, as long as it is longer.
        if (call.signal.aborted) tell({ durationMs: 86_400_000 })
        else {
          const { code, message, retryable } = thrown as { code: string; message: string; retryable: boolean }
          tell({ error: { code, message, retryable } })
        }
        throw thrown
      }
    }
    return [id, told] as const
  })
  const execution = new TestExecution(documentOf(graph), Object.fromEntries(script), { input: INPUT })
  const end = await execution.finish()
  const mocks = Object.fromEntries([...outcomes].map(([path, list]) => [path, list.map(({ mock }) => mock)]))
  return { execution, end, mocks }
}

async function simulateWith(graph: RandomGraph, mocks: JsonObject): Promise<Simulation> {
  const plan = soundPlan(documentOf(graph), scriptedBlocks(behavioursOf(graph)))
  const read = inOneGo(readMocks(mocks, plan.graph))
  if (read.kind === 'invalid') throw new Error(JSON.stringify(read.problems))
  const request = { plan, input: INPUT, executionId: 'execution', mocks: read.mocks }
  return simulate({ ...request, startedAt: Date.parse('2027-01-01T00:00:00Z') }, systemClock)
}

test('simulate and execute take the same path on the same outcomes', async () => {
  await fc.assert(
    fc.asyncProperty(randomGraph().map(withoutWaits), async (graph) => {
      const { execution, end, mocks } = await executeAndMock(graph)
      const simulation = await simulateWith(graph, mocks)
      const expected = expectedOf(graph, INPUT)
      expect(simulation.status).toBe(end.status)
      if (end.status === 'COMPLETED') expect(JSON.stringify(simulation.output)).toBe(end.output)
      if (end.status === 'FAILED') expect(expected.fatal).toContain(simulation.error?.path)
      const { journal } = execution
      const simulated = new Map(simulation.steps.map((step) => [step.path, step]))
      for (const path of new Set([...simulated.keys(), ...journal.steps.keys()])) {
        const executed = journal.steps.get(path)
        const step = simulated.get(path)
        const isCut = [executed, step].some((each) => each === undefined || each.status === 'CANCELED')
        // Of failures in one instant either may come first; whom it cuts off is not a matter of outcomes.
        if (isCut && !expected.steps.get(path)?.isCertain) continue
        if (!executed) throw new Error(`${path} is in the simulation only`)
        const { status, attempt, handles } = executed
        expect(step).toMatchObject({ path, status, attempt, handles })
        expect(step?.output).toEqual(journal.output(path) ?? null)
      }
    }),
    { numRuns: 60 },
  )
})
