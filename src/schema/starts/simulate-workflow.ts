import type { Diagnostic } from '../../engine/definition/index.ts'
import type { SimulatedCalls, SimulatedEdge, SimulatedStep, Simulation } from '../../engine/simulate/index.ts'
import type { SimulateResult } from '../../jobs/index.ts'
import type { JobId } from '../../lib/index.ts'
import {
  DiagnosticType,
  InputInvalidError,
  InvalidArgumentError,
  NotFoundError,
  refusedArgument,
  ValidationFailedError,
  WorkflowArchivedError,
} from '../errors/index.ts'
import { badInput, builder, DEFINITION_SHAPE, JobStatusEnum } from '../kit/index.ts'
import { AttemptType, FailureType, JobEventInterface, StepStatusEnum } from '../runs/index.ts'
import { readDefinitionSource } from './definition-source.ts'

const DEFAULT_SHOWN = 1_000
const MAX_SHOWN = 10_000

const listArgs = builder.args((t) => ({
  first: t.int({
    defaultValue: DEFAULT_SHOWN,
    description: `How many from the front, up to ${MAX_SHOWN}.`,
  }),
}))

const SimulatedStepType = builder.objectRef<SimulatedStep>('SimulatedStep').implement({
  description: 'A step as a run would record it. A pure step in a loop leaves no record unless it fails.',
  fields: (t) => ({
    path: t.exposeString('path', { description: 'Such as `enrich`; inside a loop `post[3]/send`.' }),
    nodeId: t.exposeString('nodeId', { description: 'The node.' }),
    type: t.exposeString('blockType', { description: 'The node’s block type.' }),
    status: t.field({
      type: StepStatusEnum,
      description: 'How it ends.',
      resolve: ({ status }) => status,
    }),
    attempt: t.exposeInt('attempt', { description: 'The last attempt, from 1; 0 when there is none.' }),
    attempts: t.field({
      type: [AttemptType],
      description: 'All attempts, in order.',
      resolve: ({ attempts }) => attempts,
    }),
    handles: t.stringList({
      description: 'The handles by which it is left.',
      resolve: ({ handles }) => [...handles],
    }),
    input: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What it is given.',
      resolve: ({ input }) => input,
    }),
    config: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Its config, templates resolved, secrets masked.',
      resolve: ({ config }) => config,
    }),
    output: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What it gives.',
      resolve: ({ output }) => output,
    }),
    error: t.field({
      type: FailureType,
      nullable: true,
      description: 'Why it fails.',
      resolve: ({ error }) => error,
    }),
    startedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When its first attempt begins, on the virtual clock.',
      resolve: ({ startedAt }) => instant(startedAt),
    }),
    finishedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it ends, on the virtual clock.',
      resolve: ({ finishedAt }) => instant(finishedAt),
    }),
  }),
})

const SimulatedEdgeType = builder.objectRef<SimulatedEdge>('SimulatedEdge').implement({
  description: 'An edge of the definition, and whether the run takes it.',
  fields: (t) => ({
    loop: t.exposeString('loop', {
      nullable: true,
      description: 'The loop whose body it belongs to, such as `enrich`; null in the definition’s own graph.',
    }),
    source: t.exposeString('source', { description: 'The node it leaves.' }),
    target: t.exposeString('target', { description: 'The node it enters.' }),
    sourceHandle: t.exposeString('handle', { description: 'The handle it leaves by.' }),
    taken: t.exposeBoolean('isTaken', {
      description: 'True when the run goes that way; in a loop, when one item does.',
    }),
  }),
})

const SimulatedCallsType = builder.objectRef<SimulatedCalls>('SimulatedCalls').implement({
  description: 'A node that would call out.',
  fields: (t) => ({
    nodeId: t.exposeString('nodeId', { description: 'The node.' }),
    nodePath: t.exposeString('nodePath', {
      description: 'Where it stands, such as `find`, or `enrich/find` in a loop.',
    }),
    type: t.exposeString('blockType', { description: 'The node’s block type.' }),
    count: t.exposeInt('count', { description: 'How often: all attempts of all items.' }),
  }),
})

interface Simulated {
  readonly jobId: JobId
  readonly simulation: Simulation
  readonly diagnostics: readonly Diagnostic[]
}

const SimulateWorkflowPayload = builder.objectRef<Simulated>('SimulateWorkflowPayload').implement({
  description: 'What would become of a run, as far as mocks and samples can tell.',
  fields: (t) => ({
    status: t.field({
      type: JobStatusEnum,
      description: 'COMPLETED, FAILED, or WAITING where a step waits for something that nothing sends.',
      resolve: ({ simulation }) => simulation.status,
    }),
    output: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What it gives, if it completes.',
      resolve: ({ simulation }) => simulation.output,
    }),
    error: t.field({
      type: FailureType,
      nullable: true,
      description:
        'Why it does not complete. `SIMULATION_TOO_LONG` and `SIMULATION_STUCK` are the simulation’s own.',
      resolve: ({ simulation }) => simulation.error,
    }),
    steps: t.field({
      type: [SimulatedStepType],
      description: 'The steps, in the definition’s order.',
      args: listArgs,
      resolve: ({ simulation }, { first }) => simulation.steps.slice(0, shown(first)),
    }),
    stepCount: t.int({
      description: 'How many steps there are.',
      resolve: ({ simulation }) => simulation.steps.length,
    }),
    events: t.field({
      type: [JobEventInterface],
      description: 'The timeline, with virtual times.',
      args: listArgs,
      resolve: ({ jobId, simulation }, { first }) =>
        simulation.events.slice(0, shown(first)).map((event) => ({ ...event, jobId })),
    }),
    eventCount: t.int({
      description: 'How many events there are.',
      resolve: ({ simulation }) => simulation.events.length,
    }),
    edges: t.field({
      type: [SimulatedEdgeType],
      description: 'Every edge of the definition, and whether it is taken.',
      resolve: ({ simulation }) => simulation.edges,
    }),
    callsOut: t.field({
      type: [SimulatedCallsType],
      description: 'Which nodes would call out, and how often.',
      resolve: ({ simulation }) => simulation.callsOut,
    }),
    diagnostics: t.field({
      type: [DiagnosticType],
      description: 'The definition’s warnings.',
      resolve: ({ diagnostics }) => diagnostics,
    }),
    unusedMocks: t.stringList({
      description: 'The keys of mocks that nothing asked for.',
      resolve: ({ simulation }) => [...simulation.unusedMocks],
    }),
    startedAt: t.field({
      type: 'DateTime',
      description: 'The virtual instant of the start.',
      resolve: ({ simulation }) => new Date(simulation.startedAt),
    }),
    finishedAt: t.field({
      type: 'DateTime',
      description: 'The virtual instant of its end, or up to which it goes.',
      resolve: ({ simulation }) => new Date(simulation.finishedAt),
    }),
    estimatedDurationMs: t.float({
      nullable: true,
      description:
        'From start to end, waits included. A call takes as long as its mock says, else as it took before, else as its block thinks. Null where it comes to no end.',
      resolve: ({ simulation }) => simulation.estimatedDurationMs,
    }),
    estimatedCostUsd: t.float({
      nullable: true,
      description: 'What the calls would cost, in US dollars; null when no block can say.',
      resolve: ({ simulation }) => simulation.estimatedCostUsd,
    }),
  }),
})

const SimulateWorkflowInput = builder.inputType('SimulateWorkflowInput', {
  description: 'What to simulate: exactly one of `workflowId` and `definition`.',
  fields: (t) => ({
    workflowId: t.id({
      description:
        'A stored workflow, whose draft is simulated unless `version` says otherwise. `executeWorkflow` runs the newest version unless it is told `draft`.',
    }),
    version: t.int({ description: 'A published version of the workflow.' }),
    definition: t.field({ type: 'JSON', description: `A definition in place. ${DEFINITION_SHAPE}` }),
    input: t.field({ type: 'JSON', description: 'The run’s input, at most 1 MiB; default null.' }),
    variables: t.field({ type: 'JSON', description: 'An object on top of the definition’s defaults.' }),
    mocks: t.field({
      type: 'JSON',
      description:
        'An object by node id or step path of `{ output }`, `{ error: { code, message, retryable, retryAfterMs, details } }` or, for a wait, `{ timeout: true }`, each with `durationMs` where that matters; or of lists of them, by attempt or loop item, of which the last entry repeats. Default: the blocks’ samples.',
    }),
    startedAt: t.field({ type: 'DateTime', description: 'The virtual instant of the start; default: now.' }),
  }),
})

builder.mutationField('simulateWorkflow', (t) =>
  t.field({
    type: SimulateWorkflowPayload,
    description:
      'Runs a definition on a virtual clock, without network and secrets: blocks that would call out do what mocks say, else give their samples. Of a stored workflow it takes the draft unless `version` says otherwise, while `executeWorkflow` takes the newest version. Changes nothing.',
    args: {
      input: t.arg({ type: SimulateWorkflowInput, required: true, description: 'What to simulate.' }),
    },
    errors: {
      types: [
        ValidationFailedError,
        InputInvalidError,
        InvalidArgumentError,
        NotFoundError,
        WorkflowArchivedError,
      ],
      union: { name: 'SimulateWorkflowResult', description: 'What would happen, or why that is not known.' },
    },
    resolve: async (_root, { input }, { simulations, versions, loads, readDefinition, ownerId }) => {
      const { workflowId, version, variables, mocks, startedAt } = input
      const draft = workflowId != null && version == null
      const source = readDefinitionSource({ ...input, draft }, { versions, loads, readDefinition, ownerId })
      return simulated(
        await simulations({
          ownerId,
          validate: source.validate,
          workflowId: source.workflowId,
          input: input.input ?? null,
          variables: variables ?? {},
          mocks: mocks ?? null,
          startedAt,
        }),
        source.workflowId ? 'workflowId' : 'definition',
      )
    },
  }),
)

function simulated(result: SimulateResult, source: string): Simulated {
  switch (result.kind) {
    case 'simulated':
      return result
    case 'unsound':
      throw new ValidationFailedError(result.diagnostics, ['input', source])
    case 'invalidInput':
      throw refusedArgument(result)
  }
}

function shown(first: number | null | undefined): number {
  const wanted = first ?? DEFAULT_SHOWN
  if (wanted < 0 || wanted > MAX_SHOWN) throw badInput(`\`first\` is from 0 to ${MAX_SHOWN}.`)
  return wanted
}

function instant(at: number | null): Date | null {
  return at === null ? null : new Date(at)
}
