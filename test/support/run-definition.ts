import { z } from 'zod'
import { CORE_BLOCKS } from '../../src/blocks/core/core-blocks.ts'
import {
  BlockError,
  completed,
  waiting,
  type Block,
  type BlockContext,
  type BlockOutcome,
} from '../../src/engine/block/block.ts'
import { defineBlock } from '../../src/engine/block/define-block.ts'
import { BlockRegistry } from '../../src/engine/block/registry.ts'
import { NO_RETRY } from '../../src/engine/block/retry-policy.ts'
import type { Plan } from '../../src/engine/definition/plan.ts'
import {
  originalOf,
  type Original,
  type OriginalRecord,
  type OriginalStepRecord,
  type RetryTerms,
} from '../../src/engine/fork/original.ts'
import { readRetryFrom } from '../../src/engine/fork/retry-from.ts'
import type { SourceValues } from '../../src/engine/fork/source-values.ts'
import { Inbox, type Command, type Signal } from '../../src/engine/record/inbox.ts'
import type { JobEnd } from '../../src/engine/record/journal.ts'
import { CALL_OUTCOME_UNKNOWN } from '../../src/engine/record/step.ts'
import type { RunPorts } from '../../src/engine/run/context/run-ports.ts'
import type { RunEnd } from '../../src/engine/run/run-end.ts'
import { runExecution, type RunSignals } from '../../src/engine/run/run.ts'
import { validateDefinition } from '../../src/engine/validate/validate-definition.ts'
import { canonicalHash } from '../../src/lib/json/canonical-json.ts'
import { isJsonObject, type Json, type JsonObject } from '../../src/lib/json/json.ts'
import { ManualClock, settled, type Gate } from './manual-clock.ts'
import { Crash, MemoryJournal } from './memory-journal.ts'

export { Gate, ManualClock, settled } from './manual-clock.ts'

/** One call of a scripted block. */
export interface Call {
  readonly path: string
  /** The block's type. */
  readonly block: string
  readonly attempt: number
  readonly input: Json
  readonly config: JsonObject
  readonly signal: AbortSignal
  readonly context: BlockContext<JsonObject>
  /** The virtual instant of the call. */
  readonly at: number
}

/** What a scripted block does when it is called; what it returns that is no outcome is its output. */
export type Behaviour = (call: Call) => unknown
/** By step path, else by node id. A list is by attempt, its last entry for all that follow. Default: the input, passed on. */
export type Behaviours = Readonly<Record<string, Behaviour | readonly Behaviour[]>>

export const returns =
  (output: unknown, handles?: readonly string[]): Behaviour =>
  () =>
    completed(output, handles)

export const fails =
  (code = 'BROKEN', options: ConstructorParameters<typeof BlockError>[2] = {}): Behaviour =>
  () => {
    throw new BlockError(code, `it says ${code}`, { retryable: true, ...options })
  }

/** Works for a time, as a good block does: it listens to its signal. */
export const takes =
  (ms: number, then: Behaviour = ({ input }) => completed(input)): Behaviour =>
  async (call) => {
    await call.context.clock.wait(ms, call.signal)
    return then(call)
  }

/** Waits for a gate and for nothing else. */
export const held =
  (gate: Gate, then: Behaviour = ({ input }) => completed(input)): Behaviour =>
  async (call) => {
    await gate.pass()
    return then(call)
  }

/** Never settles and does not listen. */
export const hangs = (): Behaviour => () => new Promise(() => {})

/** Listens to its signal and does nothing else. */
export const listens = (): Behaviour => (call) =>
  call.context.clock.wait(Number.MAX_SAFE_INTEGER, call.signal)

export const waits =
  (ms: number, output: unknown = null): Behaviour =>
  ({ at }) =>
    waiting({ until: at + ms, output })

type NodeShape = { readonly type?: string; readonly [field: string]: unknown }

/**
 * A definition's document: nodes by id (a scripted external block where no type is given), and edges as texts, such as
 * `a > b > c` or, by a handle, `a:error > d`.
 */
export function definition(
  nodes: Readonly<Record<string, NodeShape>>,
  ...edges: readonly string[]
): JsonObject {
  return {
    nodes: Object.entries(nodes).map(([id, node]) => ({ id, type: 'test.call', ...node })),
    edges: edges.flatMap(readEdges),
  }
}

function readEdges(text: string): JsonObject[] {
  const stops = text.split('>').map((stop) => stop.trim())
  return stops.slice(1).map((target, i) => {
    const [source = '', handle] = (stops[i] ?? '').split(':')
    const [to = ''] = target.split(':')
    return { source, target: to, ...(handle === undefined ? {} : { sourceHandle: handle }) }
  })
}

/** A loop's node. */
export function forEach(body: JsonObject, config: JsonObject = {}, node: NodeShape = {}): NodeShape {
  return { type: 'core.forEach', ...node, config: { items: '{{ input }}', ...config, body } }
}

const scriptedConfig = z.record(z.string(), z.unknown())

/** The blocks `test.call` (external), `test.costly` (external, never to be repeated) and `test.pure`, all by one script. */
export function scriptedBlocks(behaviours: Behaviours, calls: Call[] = []): Block[] {
  const script = (type: string, rest: { effect: 'pure' | 'external'; repeat?: 'safe' | 'never' }) =>
    defineBlock({
      type,
      name: type,
      description: 'Does what the test says.',
      config: scriptedConfig,
      output: z.unknown(),
      sample: null,
      retry: NO_RETRY,
      handles: (config) => (isJsonObject(config) && isTexts(config.handles) ? config.handles : ['out']),
      async run(context): Promise<BlockOutcome> {
        const call = callOf(type, context as BlockContext<JsonObject>)
        calls.push(call)
        const outcome = await behaviourOf(behaviours, call)(call)
        return isOutcome(outcome) ? outcome : completed(outcome ?? null)
      },
      ...rest,
    })
  return [
    script('test.call', { effect: 'external' }),
    script('test.costly', { effect: 'external', repeat: 'never' }),
    script('test.pure', { effect: 'pure' }),
  ]
}

const EXECUTION_ID = 'execution'

function callOf(block: string, context: BlockContext<JsonObject>): Call {
  const { attempt, input, config, signal, path } = context
  return { path, block, attempt, input, config, signal, context, at: context.clock.now() }
}

function behaviourOf(behaviours: Behaviours, { path, attempt }: Call): Behaviour {
  const nodeId = path.slice(path.lastIndexOf('/') + 1)
  const key = [path, nodeId].find((name) => Object.hasOwn(behaviours, name))
  const found = key === undefined ? undefined : behaviours[key]
  if (found === undefined) return ({ input }) => completed(input)
  return typeof found === 'function' ? found : (found[Math.min(attempt, found.length) - 1] ?? returns(null))
}

function isOutcome(value: unknown): value is BlockOutcome {
  return typeof value === 'object' && value !== null && 'kind' in value
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

export interface ExecutionOptions {
  readonly input?: Json
  readonly variables?: JsonObject
  /** Default: one half, so that a jittered delay is half its cap. */
  readonly random?: () => number
  readonly blocks?: readonly Block[]
  /** How many nodes the definition may have. */
  readonly maxNodes?: number
  /** When it is to begin; default: at once. */
  readonly runAt?: number
  /** What blocks may reach; what is not given is not there. */
  readonly world?: Partial<Omit<RunPorts, 'journal' | 'clock' | 'random'>>
  readonly retries?: { readonly original: TestExecution; readonly terms: RetryTerms }
}

/** How a retry differs from what it retries. */
export interface RetryOptions {
  readonly document?: JsonObject
  readonly behaviours?: Behaviours
  readonly input?: Json
  readonly variables?: JsonObject
  /** Default: FAILED. */
  readonly from?: string
  readonly patched?: JsonObject
}

/** One execution and everything around it: its tables, its clock, its scripted blocks. */
export class TestExecution {
  readonly id: string
  readonly clock = new ManualClock(undefined, () => this.quiet())
  readonly journal: MemoryJournal
  readonly calls: Call[] = []
  readonly plan: Plan
  /** What lies in the job's inbox, used or not. */
  readonly commands: Command[] = []
  readonly #document: JsonObject
  readonly #behaviours: Behaviours
  readonly options: ExecutionOptions
  /** The paths of the outputs that retries of this execution have read to compare them, call by call. */
  readonly sourceReads: string[][] = []
  #run: TestRun | null = null

  constructor(document: JsonObject, behaviours: Behaviours = {}, options: ExecutionOptions = {}) {
    const before = [...ancestorsOf(options)]
    this.id = before.length === 0 ? EXECUTION_ID : `retry-${before.length}`
    this.journal = new MemoryJournal(new Map(before.map(({ id, journal }) => [id, journal])))
    this.#document = document
    this.#behaviours = behaviours
    this.options = options
    const blocks = [...scriptedBlocks(behaviours, this.calls), ...(options.blocks ?? [])]
    this.plan = soundPlan(document, blocks, options.maxNodes)
  }

  /** A worker takes the execution up from whatever is recorded of it. */
  start({ isCanceled = false, recoveries = 0, hasPlace = true, isDraining = false } = {}): TestRun {
    const { journal, clock, plan } = this
    const { input = null, variables = {}, random = () => 0.5, world = {} } = this.options
    const { startedAt, progress, costUsd, status } = journal.job
    const request = {
      executionId: this.id,
      plan,
      input,
      variables: { ...plan.variables, ...variables },
      mode: 'test',
      startedAt,
      progress,
      costUsd,
      wasPaused: status === 'PAUSED',
      runAt: this.options.runAt ?? null,
      recorded: journal.recorded(),
      original: this.#original(),
      recoveries,
    } as const
    const ports = { ...NOTHING_AROUND, ...world, journal: journal.open(), clock, random }
    if (isCanceled) this.#put({ kind: 'CANCEL' })
    const run = new TestRun(
      (signals) => runExecution(request, ports, { ...signals, takePlace: () => hasPlace }),
      (inbox) => inbox.deliver(this.commands.filter(({ number }) => !journal.usedSignals.has(number))),
    )
    if (isDraining) run.drain()
    this.#run = run
    return run
  }

  /** A new execution that retries this one, which has ended. */
  retry(change: RetryOptions = {}): TestExecution {
    const { document = this.#document, behaviours = this.#behaviours } = change
    const { input = this.options.input ?? null, variables = this.options.variables ?? {} } = change
    const terms = { from: readRetryFrom(change.from ?? 'FAILED'), patched: change.patched ?? {} }
    const options = { ...this.options, input, variables, retries: { original: this, terms } }
    return new TestExecution(document, behaviours, options)
  }

  #original(): Original | null {
    const { retries } = this.options
    if (!retries) return null
    const { original, terms } = retries
    const definition = hashed(this.#document)
    return originalOf(original.#record(), { plan: this.plan, definition, planBefore: original.plan, terms })
  }

  /** What a retry reads of this execution. */
  #record(): OriginalRecord {
    const { journal, plan, id } = this
    const { input = null, variables = {} } = this.options
    const steps = [...journal.steps.values()].map((step): OriginalStepRecord => {
      const { path, nodeId, status, handles, inputFrom, attempts, reusedFrom, callKey } = step
      return {
        path,
        nodeId,
        status,
        handles,
        inputFrom,
        errorCode: attempts.at(-1)?.error?.code ?? null,
        holder: reusedFrom ?? id,
        callKey: callKey ?? `${id}/${path}`,
      }
    })
    return {
      executionId: id,
      definition: hashed(this.#document),
      input,
      variables: { ...plan.variables, ...variables },
      mode: 'test',
      startedAt: journal.job.startedAt,
      values: this.#values(),
      steps: steps.filter(({ path, errorCode }) => !path.includes('/') || errorCode === CALL_OUTCOME_UNKNOWN),
      items: new Map(
        plan.graph.nodes.map(({ id: path }) => {
          const done = journal.itemHolders(path, id).filter(([{ status }]) => status === 'COMPLETED')
          return [path, new Map(done.map(([{ index }, holder]) => [index, holder]))]
        }),
      ),
    }
  }

  /** As the tables do with large values: they are read when they are compared. */
  #values(): SourceValues {
    const { journal } = this
    const read = (valueOf: (path: string) => string | undefined) => (paths: readonly string[]) => {
      const found = paths.flatMap((path) => {
        const text = valueOf(path)
        return text === undefined ? [] : [[path, text] as const]
      })
      return Promise.resolve(new Map(found))
    }
    const outputs = read((path) => {
      const output = journal.output(path)
      return output === undefined ? undefined : JSON.stringify(output)
    })
    return {
      small: () => Promise.resolve({ configs: new Map(), outputs: new Map() }),
      configs: read((path) => journal.values.get(path)?.config),
      outputs: (paths) => {
        this.sourceReads.push([...paths])
        return outputs(paths)
      },
    }
  }

  /** Puts a command into the job's inbox; whoever runs it reads it at once. */
  send(command: NewCommand): void {
    this.#put(command)
    this.#run?.inbox.deliver(this.commands)
  }

  #put(command: NewCommand): void {
    const number = this.commands.length + 1
    if (command.kind !== 'SIGNAL') return void this.commands.push({ ...command, number })
    const { payload, ...signal } = command
    const text = JSON.stringify(payload)
    this.journal.payloads.set(number, text)
    this.commands.push({ ...signal, number, bytes: text.length })
  }

  /** The worker is gone, and another one goes on. */
  recover(options: { isCanceled?: boolean } = {}): TestRun {
    this.journal.crashAt = Number.POSITIVE_INFINITY
    return this.start({ ...options, recoveries: 1 })
  }

  /** Runs until this worker's time with the job is over, moving time on as far as needed. */
  async run(run: TestRun = this.start()): Promise<RunEnd> {
    for (let moves = 0; ; moves++) {
      await this.quiet()
      if (run.result) break
      const next = this.clock.nextDueAt
      if (next === null || moves > 10_000) throw new Error('the run waits for something that never comes')
      await this.clock.advanceTo(next)
    }
    const end = await run.end
    this.expectSound(end)
    return end
  }

  /** Resolves when nothing more is called or recorded without time moving. */
  async quiet(): Promise<void> {
    const counted = () => this.calls.length + this.journal.entries.length
    for (let before = counted(); ; before = counted()) {
      await settled()
      if (counted() === before) return
    }
  }

  /** Runs through parks and crashes until the job has ended. */
  async finish(run: TestRun = this.start()): Promise<JobEnd> {
    let next = run
    for (let workers = 0; workers < 1_000; workers++) {
      const end = await this.run(next).catch(ignoreCrash)
      if (end?.kind === 'ended') return end.end
      if (end?.kind === 'parked') {
        if (end.wakeAt === null) throw new Error('the job waits for something that never comes')
        await this.clock.advanceTo(end.wakeAt)
      }
      next = end?.kind === 'parked' ? this.start() : this.recover()
    }
    throw new Error('the job does not end')
  }

  /** The promises that hold at the end of every run. */
  expectSound(end: RunEnd): void {
    const { job, violations, steps } = this.journal
    const problems = [...violations]
    if (end.kind === 'parked' && job.wakeAt !== end.wakeAt)
      problems.push('the job is parked until another time')
    if (end.kind === 'ended') {
      if (!job.end) problems.push('the run ended and the job did not')
      const open = [...steps.values()].filter(({ finishedAt }) => finishedAt === null)
      for (const { path, status } of open) problems.push(`the job ended and ${path} is ${status}`)
    }
    if (problems.length > 0) throw new Error(problems.join('\n'))
  }

  /** The paths of the calls so far. */
  get called(): string[] {
    return this.calls.map(({ path }) => path)
  }
}

/** One worker's time with an execution. */
export class TestRun {
  readonly end: Promise<RunEnd>
  readonly inbox = new Inbox()
  /** What it came to, once it is over. */
  result: PromiseSettledResult<RunEnd> | null = null
  readonly #yield = new AbortController()
  readonly #drain = new AbortController()

  constructor(begin: (signals: RunSignals) => Promise<RunEnd>, readInbox: (inbox: Inbox) => void) {
    readInbox(this.inbox)
    this.end = begin({ inbox: this.inbox, yield: this.#yield.signal, drain: this.#drain.signal })
    this.end.then(
      (value) => (this.result = { status: 'fulfilled', value }),
      (reason: unknown) => (this.result = { status: 'rejected', reason }),
    )
  }

  cancel(): void {
    this.inbox.deliver([{ kind: 'CANCEL', number: this.inbox.last + 1 }])
  }

  yield(): void {
    this.#yield.abort(new Error('the process stops'))
  }

  /** What is in flight may finish. */
  drain(): void {
    this.#drain.abort(new Error('the process stops'))
  }
}

type NewCommand = Command extends infer Each
  ? Each extends Signal
    ? Omit<Each, 'number' | 'bytes'> & { readonly payload: Json }
    : Each extends Command
      ? Omit<Each, 'number'>
      : never
  : never

/** A world without secrets, network and other executions. */
const NOTHING_AROUND: Omit<RunPorts, 'journal' | 'clock' | 'random'> = {
  secrets: { open: () => Promise.resolve(new Map()) },
  http: { send: () => Promise.reject(new Error('this test gives no network')) },
  children: {
    start: () => Promise.reject(new Error('this test gives no children')),
    endOf: () => Promise.resolve(null),
    cancel: () => Promise.resolve(),
    cancelAll: () => Promise.resolve(),
  },
  logLevel: 'debug',
  standIn: null,
}

/** The executions that a retry retries, the nearest first. */
function* ancestorsOf({ retries }: ExecutionOptions): Iterable<TestExecution> {
  if (!retries) return
  yield retries.original
  yield* ancestorsOf(retries.original.options)
}

function hashed(body: JsonObject) {
  return { hash: canonicalHash(body), body }
}

/** Compiles a document that must be sound. */
export function soundPlan(
  document: JsonObject,
  blocks: readonly Block[] = scriptedBlocks({}),
  maxNodes?: number,
): Plan {
  const limit = maxNodes === undefined ? {} : { maxNodes }
  const { plan, diagnostics } = validateDefinition(document, { blocks: registryWith(blocks), ...limit })
  if (!plan) throw new Error(`the definition is not sound: ${JSON.stringify(diagnostics, null, 2)}`)
  return plan
}

/** The core blocks and some more. */
export function registryWith(blocks: readonly Block[] = []): BlockRegistry {
  const registry = new BlockRegistry()
  for (const block of [...CORE_BLOCKS, ...blocks]) registry.register(block)
  return registry
}

function ignoreCrash(thrown: unknown): null {
  if (thrown instanceof Crash) return null
  throw thrown
}
