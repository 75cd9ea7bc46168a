import type { BlockAnswers, ChildRequest } from '../../block/index.ts'
import type { PlanNode } from '../../definition/index.ts'
import { AttemptCode, type AttemptUsage } from '../../record/index.ts'
import { RunStop, type RunContext, type StepSite } from '../context/index.ts'
import { callBlock, type CallEnd } from './call-block.ts'
import type { StepCheckpoints } from './step-checkpoints.ts'
import type { StepConfig } from './step-config.ts'
import { StepReports } from './step-reports.ts'

export interface StepCall {
  /** The number of the newest note that has to be committed before the attempt acts on the outside. */
  readonly follows: number
  readonly attempt: number
  readonly idempotencyKey: string
  /** Parsed by the block's schema. */
  readonly parsedConfig: unknown
  readonly config: StepConfig
  /** What the step's attempts have recorded. */
  readonly checkpoints: StepCheckpoints
  readonly reserveMemory: (bytes: number) => Promise<void>
  readonly answers: BlockAnswers
}

/** Makes one attempt of a step: opens the block's world to it, and returns how the call ended and what it cost. */
export async function callStep(
  node: PlanNode,
  site: StepSite,
  { follows, attempt, idempotencyKey, parsedConfig, config, checkpoints, reserveMemory, answers }: StepCall,
): Promise<{ readonly end: CallEnd; readonly usage: AttemptUsage | null; readonly code: AttemptCode }> {
  const { run, signal, path, isTopLevel } = site
  const { input } = site.values
  const { block, expressions, timeoutMs, heartbeatMs, secretNames, index, id: nodeId } = node
  const { ports, request } = run
  const { standIn } = ports
  const { scrubber } = run.secrets
  const reports = new StepReports(site, {
    nodeId,
    attempt,
    checkpoints,
    onProgress: (fraction) => isTopLevel && run.reportProgress(index, fraction),
  })
  const started = new Set<Promise<string>>()
  const start = ({ input: given, variables, ...asked }: ChildRequest): Promise<string> => {
    const startCommitted = async () => {
      await run.barrier(follows)
      signal.throwIfAborted()
      return ports.children.start({
        ...asked,
        // They are recorded as the child's.
        input: scrubber.value(given),
        variables: scrubber.value(variables),
        parentId: request.executionId,
        path,
      })
    }
    const child = startCommitted()
    started.add(child)
    return child
  }
  const isReal = standIn === null || block.isControl || block.effect === 'pure'
  const code = new AttemptCode(run.unhandledErrors, { type: block.type, nodeId, path, attempt })
  const end = await callBlock({
    block,
    code,
    config: parsedConfig,
    input,
    scope: config.scope,
    expressions,
    schemas: run.schemas,
    attempt,
    idempotencyKey,
    path,
    execution: () => ({
      id: request.executionId,
      mode: request.mode,
      startedAt: new Date(run.startedAt).toISOString(),
    }),
    timeoutMs,
    heartbeatMs,
    signal,
    clock: ports.clock,
    random: ports.random,
    http: {
      async send(asked, caller) {
        await run.barrier(follows)
        return ports.http.send(asked, caller)
      },
    },
    children: () => ({ start }),
    secrets: () => run.secrets.view(secretNames),
    checkpoints: () => checkpoints.values,
    reserveMemory,
    answers,
    yieldToEventLoop: async () => void (await run.yieldIfOver()),
    reports,
    mask: (value) => scrubber.excerpts(value),
    standIn: isReal ? null : (context) => standIn({ node, path, attempt, context }),
  })
  if (cameToNothing(end, signal)) for (const child of started) void cancelStarted(child, run)
  return { end, usage: reports.close(), code }
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
