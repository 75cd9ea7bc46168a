import type { Diagnostic, OnError } from '../engine/definition/index.ts'
import type { InputProblem } from '../engine/json-schema/index.ts'
import type { ProcessMemory } from '../engine/memory/index.ts'
import { NO_MOCKS, readMocks } from '../engine/mocks/index.ts'
import {
  testDefinition,
  TESTED_NODE,
  testReal,
  testSimulated,
  type BlockTest,
  type TestWorld,
} from '../engine/simulate/index.ts'
import type { PlanCache } from '../engine/validate/index.ts'
import { OwnerPlaces, withPauses } from '../lib/turns/index.ts'
import { newId, type ExecutionId, type OwnerId } from '../lib/index.ts'
import { plainJsonPieces, type Json, type JsonObject } from '../lib/json/index.ts'
import type { Clock } from '../lib/time/index.ts'
import { HeavySimulations } from './heavy-simulations.ts'
import { readValues, type StartArgument } from './start/index.ts'

export const BLOCK_TEST_MODES = ['simulated', 'real'] as const
export type BlockTestMode = (typeof BLOCK_TEST_MODES)[number]

export interface TestBlockRequest {
  readonly ownerId: OwnerId
  readonly type: string
  /** Templates in it see `input` and `variables`. */
  readonly config?: unknown
  readonly input: unknown
  readonly variables?: unknown
  /** Of the block: a mock, or a list by attempt. For a simulated test only. */
  readonly mocks?: unknown
  readonly mode: BlockTestMode
  /** As a node's `retry`. */
  readonly retry?: unknown
  readonly onError?: OnError | null | undefined
  readonly timeoutMs?: number | null | undefined
}

export type TestBlockResult =
  | { readonly kind: 'tested'; readonly test: BlockTest }
  /** Pointers lead into a definition whose only node is the block. */
  | { readonly kind: 'unsound'; readonly diagnostics: readonly Diagnostic[] }
  | {
      readonly kind: 'invalidInput'
      readonly argument: StartArgument
      readonly problems: readonly InputProblem[]
    }

export type TestBlock = (request: TestBlockRequest) => Promise<TestBlockResult>

export interface BlockTestsOptions {
  readonly plans: PlanCache
  /** What a real call of this owner may reach. */
  readonly worldOf: (ownerId: OwnerId) => TestWorld
  readonly clock: Clock
  /** What the values of real tests may take in memory, together with those of executions. */
  readonly memory: ProcessMemory
  /** Shared with simulations. */
  readonly heavy?: HeavySimulations
}

/** Somebody waits for the answer meanwhile. */
const REAL_TIMEOUT_MS = 120_000

/** Tests of blocks of one owner that may run at the same time in one process, beyond which `VALIDATION_BUSY` is the answer. */
export const BLOCK_TESTS_MAX_PER_OWNER = 10

/** Tries one block alone; nothing is recorded. */
export function createTestBlock({
  plans,
  worldOf,
  clock,
  memory,
  heavy = new HeavySimulations(),
}: BlockTestsOptions): TestBlock {
  const places = new OwnerPlaces('block tests', BLOCK_TESTS_MAX_PER_OWNER)
  return async (request) => {
    const { ownerId, mode } = request
    const { values, invalid } = await readValues({ ...request, mocks: null })
    if (invalid) return { kind: 'invalidInput', ...invalid }
    const { plan, diagnostics } = await plans.read(documentOf(request, values.variables), {
      ownerId,
      isRefusable: true,
    })
    if (!plan) return { kind: 'unsound', diagnostics }
    const given = await withPauses(plainJsonPieces(request.mocks ?? null))
    if (!given.ok) {
      const { pointer, reason } = given.problem
      return invalidMocks([{ pointer, message: reason }])
    }
    if (given.value !== null && mode === 'real')
      return invalidMocks([{ pointer: '', message: 'mocks go with the mode SIMULATED' }])
    const mocks =
      given.value === null ? null : await withPauses(readMocks({ [TESTED_NODE]: given.value }, plan.graph))
    if (mocks?.kind === 'invalid') return invalidMocks(mocks.problems.map(withoutNode))
    const world = worldOf(ownerId)
    const call = {
      plan,
      input: values.input,
      variables: values.variables,
      mocks: mocks?.mocks ?? NO_MOCKS,
      executionId: newId<ExecutionId>(),
      ...(world.schemas ? { schemas: world.schemas } : {}),
    }
    const { onUnhandledError = () => {} } = world
    const test = await places.run(ownerId, () =>
      mode === 'real'
        ? testReal(call, { ...world, memory: memory.open(ownerId) }, clock)
        : heavy.run(ownerId, (heavyWork) => testSimulated({ ...call, onUnhandledError, heavyWork }, clock)),
    )
    return { kind: 'tested', test }
  }
}

function documentOf(request: TestBlockRequest, variables: JsonObject): unknown {
  const { type, config, retry, onError, timeoutMs, mode } = request
  const node = {
    type,
    config: (config ?? {}) as Json,
    ...(retry == null ? {} : { retry: retry as Json }),
    ...(onError == null ? {} : { onError }),
    ...(timeoutMs == null ? {} : { timeoutMs }),
  }
  return testDefinition(node, {
    variables,
    ...(mode === 'real' ? { limits: { timeoutMs: REAL_TIMEOUT_MS } } : {}),
  })
}

function invalidMocks(problems: readonly InputProblem[]): TestBlockResult {
  return { kind: 'invalidInput', argument: 'mocks', problems }
}

function withoutNode({ pointer, message }: InputProblem): InputProblem {
  return { pointer: pointer.slice(`/${TESTED_NODE}`.length), message }
}
