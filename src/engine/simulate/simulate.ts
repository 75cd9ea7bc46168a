import type { Json, JsonObject } from '../../lib/json/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import { isYielding, TimeSlice, type Awaitable } from '../../lib/turns/index.ts'
import { DEFAULT_HANDLE, type BlockContext, type ExecutionMode, type LogLevel } from '../block/index.ts'
import type { Plan, PlanNode } from '../definition/index.ts'
import { directSchemaChecker, type SchemaChecker } from '../json-schema/index.ts'
import { ProcessMemory } from '../memory/index.ts'
import {
  maskedSecrets,
  NO_MOCKS,
  nodePath,
  simulationStandIn,
  type Mocks,
  type StepHistory,
} from '../mocks/index.ts'
import {
  Inbox,
  type JobEvent,
  type OnUnhandledError,
  type RecordedError,
  type StepRecord,
} from '../record/index.ts'
import {
  NEW_RUN,
  runExecution,
  type HttpPort,
  type RunEnd,
  type RunPorts,
  type RunRequest,
} from '../run/index.ts'
import { Answers } from './answers.ts'
import { reportEdges, reportSteps, type SimulatedEdge, type SimulatedStep, type StepCall } from './report.ts'
import { SimulationJournal, TooManyEventsError } from './simulation-journal.ts'
import { VirtualClock } from './virtual-clock.ts'
import { watchPlan } from './watch-plan.ts'

export interface SimulationRequest {
  readonly plan: Plan
  readonly input: Json
  /** On top of the definition's defaults. */
  readonly variables?: JsonObject
  readonly mocks?: Mocks
  /** What `execution.id` shows. */
  readonly executionId: string
  /** The virtual instant of the start, in milliseconds since the epoch. */
  readonly startedAt: number
  /** What `execution.mode` shows; default `production`, the run that is foretold. */
  readonly mode?: ExecutionMode
  /** How the calls of these nodes went before, by node id. */
  readonly history?: ReadonlyMap<string, StepHistory>
  /** Checks values against JSON Schemas of users. Default: a checker that keeps the thread for as long as a check takes. */
  readonly schemas?: SchemaChecker
  /** Lines of blocks under this level are dropped; default `info`. */
  readonly logLevel?: LogLevel
  readonly limits?: SimulationLimits
  /** Receives the errors that blocks neither catch nor return. */
  readonly onUnhandledError?: OnUnhandledError
  /** Default: heavy simulations wait for nothing. */
  readonly heavyWork?: HeavyWork
}

/** Asked for before a simulation does or holds more than a light one may. */
export interface HeavyWork {
  /** Resolves when the simulation may continue; until then nothing happens in it. */
  begin(): Promise<void>
}

export interface SimulationLimits {
  readonly maxEvents: number
  /** Of real time. */
  readonly maxMs: number
}

/** What would become of a run. */
export interface Simulation {
  /** WAITING: a step waits for something that nothing would send. */
  readonly status: 'COMPLETED' | 'FAILED' | 'WAITING'
  /** Null unless it completes. */
  readonly output: Json
  /** `SIMULATION_TOO_LONG` and `SIMULATION_STUCK` are the simulation's own. */
  readonly error: RecordedError | null
  readonly startedAt: number
  readonly finishedAt: number
  /** In percent. */
  readonly progress: number
  readonly events: readonly JobEvent[]
  /** In the definition's order. */
  readonly steps: readonly SimulatedStep[]
  /** Every edge of the definition, loop bodies included. */
  readonly edges: readonly SimulatedEdge[]
  readonly callsOut: readonly SimulatedCalls[]
  /** The virtual time from start to end; null when it comes to none. */
  readonly estimatedDurationMs: number | null
  /** In US dollars; null when no block that would be called can say. */
  readonly estimatedCostUsd: number | null
  /** The keys of mocks that nothing asked for. */
  readonly unusedMocks: readonly string[]
}

/** How often a node would call out. */
export interface SimulatedCalls {
  /** Where it stands: `find`, or `enrich/find` in a loop. */
  readonly nodePath: string
  readonly nodeId: string
  readonly blockType: string
  /** Attempts, all items together. */
  readonly count: number
}

/** A simulation is heavy once its values take more memory, in estimated bytes of heap. */
export const SIMULATION_LIGHT_HEAP_BYTES = 2 * 1024 * 1024

/** A simulation is heavy once it has more events. A config that takes long to make makes it heavy, too. */
export const SIMULATION_LIGHT_EVENTS = 2_000

/** What a simulation's run may take is bounded as in a process with this much heap. */
const SIMULATION_HEAP_BYTES = 512 * 1024 * 1024

export const SIMULATION_LIMITS: SimulationLimits = { maxEvents: 100_000, maxMs: 30_000 }

/** How long jittered delays are thought to be: the mean. */
const MEAN = 0.5
/** As many turns of the event loop as the run's longest chain of macrotasks: the check for idleness, a park and what follows. */
const TURNS = 4

const NO_HTTP: HttpPort = { send: () => Promise.reject(new Error('a simulation has no network')) }

/**
 * Runs a plan on a virtual clock and keeps nothing: pure blocks and waits for real, everything outside by mocks, else by
 * the blocks' samples. It is the same run loop that executes, so on the same outcomes it takes the same path. `clock` is
 * the real one, which bounds it and lets it leave the thread to others.
 */
export function simulate(request: SimulationRequest, clock: Clock): Promise<Simulation> {
  return new SimulatedRun(request, clock).finish()
}

class SimulatedRun {
  readonly #request: SimulationRequest
  readonly #real: Clock
  readonly #limits: SimulationLimits
  #deadline: number
  readonly #clock: VirtualClock
  readonly #journal: SimulationJournal
  readonly #inbox = new Inbox()
  readonly #stop = new AbortController()
  readonly #plan: Plan
  readonly #atWork: () => number
  readonly #ports: RunPorts
  readonly #calls = new Map<string, StepCall>()
  readonly #callsOut = new Map<string, SimulatedCalls>()
  readonly #usedMocks = new Set<string>()
  #activity = 0
  /** Checks by a schema that are under way: no time passes meanwhile. */
  #checking = 0
  #tooLong: string | null = null
  /** The simulation waits for its turn as a heavy one. */
  #waitsForTurn: Promise<void> | null = null
  #isHeavy = false

  constructor(request: SimulationRequest, clock: Clock) {
    const { mocks = NO_MOCKS, history = new Map(), limits = SIMULATION_LIMITS, startedAt } = request
    this.#request = request
    this.#real = clock
    this.#limits = limits
    this.#deadline = clock.now() + limits.maxMs
    this.#clock = new VirtualClock(startedAt)
    const timeSlice = new TimeSlice()
    this.#journal = new SimulationJournal({
      maxEvents: limits.maxEvents,
      timeSlice,
      grantsPark: false,
      beforeEntry: ({ events, heapBytes }) =>
        events > SIMULATION_LIGHT_EVENTS || heapBytes > SIMULATION_LIGHT_HEAP_BYTES
          ? this.#becomeHeavy()
          : null,
    })
    const memory = new ProcessMemory(SIMULATION_HEAP_BYTES).open('')
    const onMock = (key: string) => void this.#usedMocks.add(key)
    const answers = new Answers({
      mocks,
      clock: this.#clock,
      inbox: this.#inbox,
      payloads: this.#journal.payloads,
      onMock,
    })
    const watched = watchPlan(request.plan, {
      onBegin: (_node, context) => this.#begin(context),
      onOutcome: (node, context, outcome) => {
        // Its author may have written JavaScript: what is no outcome is refused by whoever called the block.
        if (outcome?.kind === 'completed') this.#left(context, outcome.handles)
        else if (outcome?.kind === 'waiting') answers.answer(node, context, outcome)
      },
    })
    this.#plan = watched.plan
    this.#atWork = watched.atWork
    this.#ports = {
      journal: this.#journal,
      clock: this.#clock,
      timeSlice,
      memory: {
        ...memory,
        inTurn: async (signal, work) => {
          await this.#becomeHeavy()
          return memory.inTurn(signal, work)
        },
      },
      random: () => MEAN,
      secrets: maskedSecrets,
      http: NO_HTTP,
      children: answers.children,
      schemas: this.#watchedSchemas(request.schemas ?? directSchemaChecker()),
      logLevel: request.logLevel ?? 'info',
      ...(request.onUnhandledError ? { onUnhandledError: request.onUnhandledError } : {}),
      standIn: simulationStandIn({
        mocks,
        history,
        onCall: ({ node, context }, { mockKey }) => {
          this.#begin(context)
          this.#countCall(node, context.path)
          if (mockKey !== null) onMock(mockKey)
        },
      }),
    }
  }

  async finish(): Promise<Simulation> {
    const over: { result?: PromiseSettledResult<RunEnd> } = {}
    const signals = { inbox: this.#inbox, yield: this.#stop.signal }
    const run = runExecution(this.#runRequest(), this.#ports, signals)
    void Promise.allSettled([run]).then(([result]) => (over.result = result))
    for (;;) {
      await this.#quiet(() => over.result !== undefined)
      if (over.result) break
      const next = this.#clock.nextDueAt
      if (next !== null) this.#clock.jumpTo(next)
      // Cut off already, and something neither settles nor listens: it is left behind.
      else if (this.#stop.signal.aborted) break
      else this.#stop.abort(new Error('nothing more will come'))
    }
    if (over.result?.status === 'rejected') {
      const fault: unknown = over.result.reason
      if (!(fault instanceof TooManyEventsError)) throw fault
      this.#tooLong = fault.message
    }
    return this.#report()
  }

  /** Resolves when nothing more happens without time moving, or when real time is up. */
  async #quiet(isOver: () => boolean): Promise<void> {
    const seen = () => this.#activity + this.#journal.entries + this.#clock.armed
    for (let before = -1; !isOver();) {
      await this.#waitsForTurn
      if (this.#real.now() > this.#deadline && this.#tooLong === null) {
        this.#tooLong = `more than ${this.#limits.maxMs} ms of work`
        this.#stop.abort(new Error('the simulation takes too long'))
      }
      const atWork = this.#atWork() + this.#checking
      const isBusy = this.#journal.isBusy || isYielding() || (atWork > 0 && this.#tooLong === null)
      if (!isBusy && seen() === before) return
      before = seen()
      for (let turn = 0; turn < TURNS && !isOver(); turn++)
        await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Waits for the turn of a heavy simulation, once. The wait is no part of the simulation's time, and no virtual time passes. */
  async #becomeHeavy(): Promise<void> {
    const { heavyWork } = this.#request
    if (this.#isHeavy || !heavyWork) return
    this.#waitsForTurn ??= this.#takeTurn(heavyWork)
    await this.#waitsForTurn
  }

  async #takeTurn(heavyWork: HeavyWork): Promise<void> {
    const startedAt = this.#real.now()
    await heavyWork.begin()
    this.#isHeavy = true
    this.#waitsForTurn = null
    this.#activity++
    this.#deadline += this.#real.now() - startedAt
  }

  #watchedSchemas(schemas: SchemaChecker): SchemaChecker {
    const watch = async <T>(answer: Awaitable<T>): Promise<T> => {
      this.#checking++
      try {
        return await answer
      } finally {
        this.#checking--
        this.#activity++
      }
    }
    return {
      compile: (schema, limitMs) => watch(schemas.compile(schema, limitMs)),
      check: (schema, value) => watch(schemas.check(schema, value)),
    }
  }

  #runRequest(): RunRequest {
    const { executionId, input, variables, mode = 'production' } = this.#request
    return {
      ...NEW_RUN,
      executionId,
      plan: this.#plan,
      input,
      variables: { ...this.#plan.variables, ...variables },
      mode,
    }
  }

  #begin({ path, input }: BlockContext): void {
    this.#activity++
    this.#calls.set(path, { input, handles: [] })
  }

  #left({ path, input }: BlockContext, handles: readonly string[] | undefined): void {
    this.#activity++
    this.#calls.set(path, { input, handles: handles ?? [DEFAULT_HANDLE] })
  }

  #countCall({ id: nodeId, block: { type: blockType } }: PlanNode, path: string): void {
    const place = nodePath(path)
    const count = (this.#callsOut.get(place)?.count ?? 0) + 1
    this.#callsOut.set(place, { nodePath: place, nodeId, blockType, count })
  }

  #report(): Simulation {
    const { plan, input, startedAt, mocks = NO_MOCKS } = this.#request
    const { events, steps, values, end, costUsd, progress } = this.#journal
    const shown = reportSteps({ graph: plan.graph, input, steps, values, calls: this.#calls })
    return {
      ...this.#outcome(),
      startedAt,
      finishedAt: end?.at ?? this.#clock.now(),
      progress,
      events,
      steps: shown,
      edges: reportEdges(plan.graph, { steps, calls: this.#calls }),
      callsOut: [...this.#callsOut.values()],
      estimatedDurationMs: end ? end.at - startedAt : null,
      estimatedCostUsd: costUsd > 0 ? costUsd : null,
      unusedMocks: Object.keys(mocks).filter((key) => !this.#usedMocks.has(key)),
    }
  }

  #outcome(): Pick<Simulation, 'status' | 'output' | 'error'> {
    if (this.#tooLong !== null) {
      const message = `The simulation was given up after ${this.#tooLong}; the run itself has no such limit.`
      return { status: 'FAILED', output: null, error: { code: 'SIMULATION_TOO_LONG', message } }
    }
    const { end, steps, events } = this.#journal
    switch (end?.status) {
      case 'COMPLETED':
        return { status: 'COMPLETED', output: JSON.parse(end.output) as Json, error: null }
      case 'FAILED':
        return { status: 'FAILED', output: null, error: end.error }
      case 'CANCELED':
        throw new Error('nobody cancels a simulation')
      case undefined:
        return { status: 'WAITING', output: null, error: stuckOn([...steps.values()], events) }
    }
  }
}

/** Why a run waits for ever: the first wait for a signal that nothing ends. */
function stuckOn(steps: readonly StepRecord[], events: readonly JobEvent[]): RecordedError {
  const code = 'SIMULATION_STUCK'
  const waiting = steps.find(({ wait }) => wait?.kind === 'signal')
  if (waiting?.wait?.kind !== 'signal') return { code, message: 'Nothing that it waits for would come.' }
  const { path, wait } = waiting
  const discarded = events.find((event) => event.kind === 'SIGNAL_DISCARDED' && event.body.path === path)
  const why =
    discarded?.kind === 'SIGNAL_DISCARDED'
      ? `the payload that it is given does not fit its schema (${discarded.body.problems.join('; ')})`
      : 'nothing sends it, and the wait has no time-out'
  return { code, path, message: `"${path}" waits for the signal "${wait.name}" for ever: ${why}.` }
}
