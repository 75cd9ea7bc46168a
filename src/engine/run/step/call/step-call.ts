import type { Expression, Scope } from '../../../../cel/index.ts'
import type { Json } from '../../../../lib/json/index.ts'
import type { Clock } from '../../../../lib/time/index.ts'
import type {
  Block,
  BlockAnswers,
  BlockChildren,
  BlockContext,
  BlockOutcome,
  BlockSecrets,
  ChildRequest,
} from '../../../block/index.ts'
import type { PlanNode } from '../../../definition/index.ts'
import type { SchemaChecker } from '../../../json-schema/index.ts'
import type { AttemptMemory } from '../../../memory/index.ts'
import { AttemptCode, type AttemptUsage, type Mask } from '../../../record/index.ts'
import { RunStop, type HttpPort, type RunContext, type StepSite } from '../../context/index.ts'
import type { StepCheckpoints, StepConfig } from '../state/index.ts'
import type { BlockCall, CallEnd } from './call-block.ts'
import { StepReports } from './step-reports.ts'

export interface StepCallOptions {
  /** The number of the newest note that has to be committed before the attempt acts on the outside. */
  readonly follows: number
  readonly attempt: number
  readonly idempotencyKey: string
  /** Parsed by the block's schema. */
  readonly parsedConfig: unknown
  readonly config: StepConfig
  /** What the step's attempts have recorded. */
  readonly checkpoints: StepCheckpoints
  readonly memory: AttemptMemory
}

/** The block's world during one attempt of a step. What most blocks never look at is made when they do. */
export class StepCall implements BlockCall {
  readonly block: Block
  readonly code: AttemptCode
  readonly timeoutMs: number
  readonly heartbeatMs: number | null
  readonly signal: AbortSignal
  readonly mask: Mask
  readonly config: unknown
  readonly input: Json
  readonly attempt: number
  readonly idempotencyKey: string
  readonly path: string
  readonly clock: Clock
  readonly random: () => number
  readonly scope: Scope
  readonly expressions: ReadonlyMap<string, Expression>
  readonly #node: PlanNode
  readonly #site: StepSite
  readonly #options: StepCallOptions
  #reports: StepReports | null = null
  /** The children that were started, or are being started. */
  #started: Set<Promise<string>> | null = null

  constructor(node: PlanNode, site: StepSite, options: StepCallOptions) {
    const { block, id: nodeId, timeoutMs, heartbeatMs, expressions } = node
    const { run, signal, path, values } = site
    const { attempt, idempotencyKey, parsedConfig, config } = options
    this.block = block
    this.code = new AttemptCode(run.unhandledErrors, { type: block.type, nodeId, path, attempt })
    this.timeoutMs = timeoutMs
    this.heartbeatMs = heartbeatMs
    this.signal = signal
    this.mask = run.mask
    this.config = parsedConfig
    this.input = values.input
    this.attempt = attempt
    this.idempotencyKey = idempotencyKey
    this.path = path
    this.clock = run.ports.clock
    this.random = run.ports.random
    // Without expressions the block evaluates nothing.
    this.scope = expressions.size > 0 ? config.scope : {}
    this.expressions = expressions
    this.#node = node
    this.#site = site
    this.#options = options
  }

  get standIn(): ((context: BlockContext) => Promise<BlockOutcome>) | null {
    const { block, path, attempt } = this
    const { standIn } = this.#site.run.ports
    if (standIn === null || block.isControl || block.effect === 'pure') return null
    return (context) => standIn({ node: this.#node, path, attempt, context })
  }

  get schemas(): SchemaChecker {
    return this.#site.run.schemas
  }

  get answers(): BlockAnswers {
    return this.#options.memory.answersOf(this.#site.run.answers)
  }

  get http(): HttpPort {
    const { run } = this.#site
    return {
      send: async (asked, caller) => {
        await run.barrier(this.#options.follows)
        return run.ports.http.send(asked, caller)
      },
    }
  }

  get reports(): StepReports {
    return (this.#reports ??= this.#openReports())
  }

  #openReports(): StepReports {
    const { run, isTopLevel } = this.#site
    const { id: nodeId, index } = this.#node
    const { attempt, checkpoints } = this.#options
    return new StepReports(this.#site, {
      nodeId,
      attempt,
      checkpoints,
      onProgress: (fraction) => isTopLevel && run.reportProgress(index, fraction),
    })
  }

  execution(): BlockContext['execution'] {
    const { request, startedAt } = this.#site.run
    return { id: request.executionId, mode: request.mode, startedAt: new Date(startedAt).toISOString() }
  }

  secrets(): BlockSecrets {
    return this.#site.run.secrets.view(this.#node.secretNames)
  }

  checkpoints(): { readonly [key: string]: Json } {
    return this.#options.checkpoints.values
  }

  reserveMemory(bytes: number): Promise<void> {
    return this.#options.memory.reserve(bytes)
  }

  async yieldToEventLoop(): Promise<void> {
    await this.#site.run.yieldIfOver()
  }

  children(): BlockChildren {
    return {
      start: (request) => {
        const child = this.#startChild(request)
        this.#started ??= new Set()
        this.#started.add(child)
        return child
      },
    }
  }

  async #startChild({ input, variables, ...asked }: ChildRequest): Promise<string> {
    const { run, signal, path } = this.#site
    const { ports, request, secrets } = run
    await run.barrier(this.#options.follows)
    signal.throwIfAborted()
    return ports.children.start({
      ...asked,
      // They are recorded as the child's.
      input: secrets.scrubber.value(input),
      variables: secrets.scrubber.value(variables),
      parentId: request.executionId,
      path,
    })
  }

  /** The call has ended. Returns what the attempt has cost. */
  close(end: CallEnd): AttemptUsage | null {
    if (this.#started && cameToNothing(end, this.signal))
      for (const child of this.#started) void cancelStarted(child, this.#site.run)
    return this.#reports?.close() ?? null
  }
}

/** Nobody will wait for what the attempt has started: it failed, or was cut off for good. */
function cameToNothing({ kind }: CallEnd, signal: AbortSignal): boolean {
  switch (kind) {
    case 'outcome':
      return false
    case 'failed':
      return true
    case 'aborted':
      // Where another worker goes on, it is that one's child.
      return !(signal.reason instanceof RunStop) || signal.reason.isRecorded
  }
}

/** The start may still be under way. */
async function cancelStarted(child: Promise<string>, run: RunContext): Promise<void> {
  try {
    const id = await child
    await run.barrier()
    await run.ports.children.cancel(id)
  } catch {
    // What was not started needs no cancel; what could not be canceled is canceled with its parent's end.
  }
}
