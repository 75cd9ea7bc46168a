import { pointer, toPlainJson, type Json, type JsonObject } from '../../lib/json/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import { TimeSlice, withPauses } from '../../lib/turns/index.ts'
import { BlockError, readBySchema, type ConfigReading, type Issue, type LogLevel } from '../block/index.ts'
import type { OnError, Plan, PlanNode } from '../definition/index.ts'
import { listProblems, type InputProblem } from '../json-schema/index.ts'
import {
  Inbox,
  type AttemptRecord,
  type AttemptUsage,
  type JobEvent,
  type RecordedError,
  type StepStatus,
  type StepWait,
} from '../record/index.ts'
import { NEW_RUN, runExecution, type RunPorts, type SecretSource } from '../run/index.ts'
import { Scrubber } from '../scrub/index.ts'
import { simulate, type SimulationRequest } from './simulate.ts'
import { SimulationJournal, TooManyEventsError } from './simulation-journal.ts'
import { watchPlan } from './watch-plan.ts'

/** The id of the only node of a plan that tests a block. */
export const TESTED_NODE = 'block'

/** What came of a block that was tried alone. */
export interface BlockTest {
  /** RETRYING: another attempt would be made. WAITING: the step would wait, and hold nothing. */
  readonly status: StepStatus
  /** With templates filled in, secrets masked; null where it did not come so far. */
  readonly config: Json
  readonly output: Json
  readonly handles: readonly string[]
  readonly error: RecordedError | null
  readonly wait: StepWait | null
  /** When a wait ends at the latest, or the next attempt would be made. */
  readonly dueAt: number | null
  readonly attempts: readonly AttemptRecord[]
  readonly logs: readonly TestLog[]
  /** What a failure leads to; null where there is none. */
  readonly leadsTo: 'retry' | OnError | null
  /** How the output differs from what the block's schema promises. */
  readonly outputProblems: readonly InputProblem[]
  readonly durationMs: number
  /** All attempts together. */
  readonly usage: AttemptUsage | null
}

export interface TestLog {
  readonly level: LogLevel
  readonly message: string
  readonly fields: Json
}

export interface BlockTestRequest extends Pick<
  SimulationRequest,
  'input' | 'variables' | 'mocks' | 'executionId' | 'schemas' | 'onUnhandledError' | 'heavyWork'
> {
  /** Of one node, `TESTED_NODE`. */
  readonly plan: Plan
}

/** Tries a block on the virtual clock, by mocks, else by its sample: every attempt, to the end. */
export async function testSimulated(request: BlockTestRequest, clock: Clock): Promise<BlockTest> {
  const simulation = await simulate({ ...request, startedAt: clock.now(), logLevel: 'debug' }, clock)
  const step = simulation.steps.find(({ path }) => path === TESTED_NODE)
  return toTest(testedNode(request.plan), {
    ...(step ?? NOT_BEGUN),
    // What stops the whole run, such as its time or its cost, is told in place of the step's own end.
    error: step?.error ?? simulation.error,
    wait: null,
    dueAt: null,
    events: simulation.events,
    endedAt: simulation.finishedAt,
  })
}

/** What a real attempt may reach. The test closes its memory. */
export type TestWorld = Pick<
  RunPorts,
  'http' | 'secrets' | 'random' | 'schemas' | 'onUnhandledError' | 'memory'
>

/** Makes one attempt for real. Nothing is kept of it, and nothing else is started. */
export async function testReal(
  request: BlockTestRequest,
  world: TestWorld,
  clock: Clock,
): Promise<BlockTest> {
  const { executionId, input, variables } = request
  const stop = new AbortController()
  const journal = new SimulationJournal({
    maxEvents: MAX_EVENTS,
    timeSlice: new TimeSlice(),
    grantsPark: true,
    onStep: ({ path, status }) => {
      if (path === TESTED_NODE && status === 'RETRYING') stop.abort(new Error('one attempt is enough'))
    },
  })
  const { secrets, scrubber } = scrubbing(world.secrets)
  let given: Json = null
  const { plan } = watchPlan(request.plan, {
    onBegin(_node, { config }) {
      const plain = toPlainJson(config)
      if (plain.ok) given = scrubber.value(plain.value)
    },
    onOutcome: () => {},
  })
  const run = runExecution(
    {
      ...NEW_RUN,
      executionId,
      plan,
      input,
      variables: { ...plan.variables, ...variables },
      mode: 'production',
    },
    { ...world, secrets, journal, clock, children: NO_CHILDREN, logLevel: 'debug', standIn: null },
    { inbox: new Inbox(), yield: stop.signal },
  )
  const excess = await run.then(() => null, excessOf)
  const step = journal.steps.get(TESTED_NODE)
  const { config = given, output = null } = journal.values.get(TESTED_NODE) ?? {}
  const error = excess ?? step?.error ?? (journal.end?.status === 'FAILED' ? journal.end.error : null)
  return toTest(testedNode(request.plan), {
    ...(step ?? NOT_BEGUN),
    ...(excess ? { status: 'FAILED' } : {}),
    config,
    output,
    error,
    events: journal.events,
    endedAt: clock.now(),
  })
}

const MAX_EVENTS = 10_000

/** Why a test was given up. Throws any other fault. */
function excessOf(fault: unknown): RecordedError {
  if (!(fault instanceof TooManyEventsError)) throw fault
  const message = `The test was given up after ${fault.message}; an execution has no such limit.`
  return { code: 'BLOCK_TEST_TOO_LONG', message }
}

const NO_CHILDREN: RunPorts['children'] = {
  start: () =>
    Promise.reject(new BlockError('TEST_STARTS_NOTHING', 'A test of one block starts no other workflow.')),
  endOf: () => Promise.resolve(null),
  cancel: () => Promise.resolve(),
  cancelAll: () => Promise.resolve(),
}

/** Knows the values that were opened, so that what is shown beside the records can be masked, too. */
function scrubbing(source: SecretSource): { secrets: SecretSource; scrubber: Scrubber } {
  const scrubber = new Scrubber()
  const secrets: SecretSource = {
    async open(names) {
      const found = await source.open(names)
      for (const value of found.values()) await withPauses(scrubber.addPieces(value))
      return found
    },
  }
  return { secrets, scrubber }
}

function testedNode({ graph }: Plan): PlanNode {
  const [node] = graph.nodes
  if (!node) throw new Error('a plan that tests a block has one node')
  return node
}

const NOT_BEGUN = {
  status: 'CANCELED',
  config: null,
  output: null,
  handles: [],
  wait: null,
  dueAt: null,
  attempts: [],
  startedAt: null,
  finishedAt: null,
} as const

interface Tried extends Pick<
  BlockTest,
  'status' | 'config' | 'output' | 'handles' | 'error' | 'wait' | 'dueAt' | 'attempts'
> {
  readonly startedAt: number | null
  readonly finishedAt: number | null
  readonly events: readonly JobEvent[]
  readonly endedAt: number
}

function toTest({ block, onError }: PlanNode, tried: Tried): BlockTest {
  const { status, config, output, handles, error, wait, dueAt, attempts, events } = tried
  const { startedAt, finishedAt, endedAt } = tried
  return {
    status,
    config,
    output,
    handles,
    error,
    wait,
    dueAt,
    attempts,
    logs: events.flatMap((event) => (event.kind === 'STEP_LOG' ? [toLog(event.body)] : [])),
    leadsTo: status === 'RETRYING' ? 'retry' : status === 'FAILED' ? onError : null,
    outputProblems: status === 'COMPLETED' ? problemsOf(readBySchema(block.output, output)) : [],
    durationMs: startedAt === null ? 0 : (finishedAt ?? endedAt) - startedAt,
    usage: sumOf(attempts),
  }
}

function toLog({
  level,
  message,
  fields = null,
}: {
  level: LogLevel
  message: string
  fields?: Json
}): TestLog {
  return { level, message, fields }
}

function problemsOf(read: ConfigReading): readonly InputProblem[] {
  const issues: readonly Issue[] = read.ok ? [] : read.issues
  return listProblems(issues, ({ path, message }) => ({ pointer: pointer('', ...path.map(String)), message }))
}

function sumOf(attempts: readonly AttemptRecord[]): AttemptUsage | null {
  const usages = attempts.flatMap(({ usage }) => (usage ? [usage] : []))
  if (usages.length === 0) return null
  const quantities: { [name: string]: number } = {}
  for (const usage of usages)
    for (const [name, count] of Object.entries(usage.quantities ?? {}))
      quantities[name] = (quantities[name] ?? 0) + count
  const costUsd = usages.reduce((sum, usage) => sum + (usage.costUsd ?? 0), 0)
  return { ...(costUsd > 0 ? { costUsd } : {}), quantities }
}

/** The definition that tries a block alone. */
export function testDefinition(node: JsonObject, more: JsonObject): JsonObject {
  return { ...more, nodes: [{ ...node, id: TESTED_NODE }], edges: [] }
}
