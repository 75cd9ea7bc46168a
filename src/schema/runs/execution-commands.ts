import type { Refusal } from '../../db/jobs/index.ts'
import type { CommandedJob, SignalResult } from '../../jobs/index.ts'
import { readGlobalId, type ExecutionId, type JobId } from '../../lib/index.ts'
import {
  AlreadyEndedError,
  InputInvalidError,
  InvalidArgumentError,
  NotFoundError,
  NotPossibleError,
  SignalsFullError,
} from '../errors/index.ts'
import { builder, type Context } from '../kit/index.ts'
import { ExecutionType } from './execution.ts'
import { JobNode } from './job.ts'

/** What users ask of executions that are under way. Each answers the execution as it is then; the timeline tells the rest. */
function commandedPayload(name: string, description: string) {
  return builder.objectRef<ExecutionId>(name).implement({
    description,
    fields: (t) => ({
      execution: t.prismaField({
        type: ExecutionType,
        description: 'The execution as it is now.',
        resolve: (query, id, _args, { prisma, ownerId }) =>
          prisma.execution.findFirstOrThrow({ ...query, where: { id, ownerId } }),
      }),
    }),
  })
}

function whichExecution(name: string, description: string) {
  return builder.inputType(name, {
    description,
    fields: (t) => ({ id: t.id({ required: true, description: 'The execution’s global id.' }) }),
  })
}

const CancelExecutionInput = whichExecution('CancelExecutionInput', 'Which execution to cancel.')
const PauseExecutionInput = whichExecution('PauseExecutionInput', 'Which execution to pause.')
const ResumeExecutionInput = whichExecution('ResumeExecutionInput', 'Which execution to resume.')
const CancelExecutionPayload = commandedPayload('CancelExecutionPayload', 'A cancel was accepted.')
const PauseExecutionPayload = commandedPayload('PauseExecutionPayload', 'A pause was accepted.')
const ResumeExecutionPayload = commandedPayload('ResumeExecutionPayload', 'A resume was accepted.')

interface SignalSent {
  readonly executionId: ExecutionId
  readonly deduplicated: boolean
}

const SignalExecutionPayload = builder.objectRef<SignalSent>('SignalExecutionPayload').implement({
  description: 'A signal was stored: the step that waits for it takes it, now or once it waits.',
  fields: (t) => ({
    execution: t.prismaField({
      type: ExecutionType,
      description: 'The execution as it is now.',
      resolve: (query, { executionId: id }, _args, { prisma, ownerId }) =>
        prisma.execution.findFirstOrThrow({ ...query, where: { id, ownerId } }),
    }),
    deduplicated: t.exposeBoolean('deduplicated', {
      description: 'True when the idempotency key had sent this signal before.',
    }),
  }),
})

const SignalExecutionInput = builder.inputType('SignalExecutionInput', {
  description: 'A message to a step that waits, such as `core.waitForSignal`.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The execution’s global id.' }),
    name: t.string({ required: true, description: 'The name that the step waits for.' }),
    path: t.string({ description: 'Only for the step at this path; default: whichever waits first.' }),
    payload: t.field({
      type: 'JSON',
      description: 'What the step completes with, at most 1 MiB; default null.',
    }),
    idempotencyKey: t.string({
      description: 'The same key stands for one signal of the execution, however often it is sent.',
    }),
  }),
})

const CancelJobInput = builder.inputType('CancelJobInput', {
  description: 'Which job to cancel.',
  fields: (t) => ({ id: t.id({ required: true, description: 'The job’s global id.' }) }),
})

const CancelJobPayload = builder.objectRef<JobId>('CancelJobPayload').implement({
  description: 'A cancel was accepted.',
  fields: (t) => ({
    job: t.prismaField({
      type: JobNode,
      description: 'CANCELING, or CANCELED already.',
      resolve: (query, id, _args, { prisma, ownerId }) =>
        prisma.job.findFirstOrThrow({ ...query, where: { id, ownerId } }),
    }),
  }),
})

builder.mutationFields((t) => ({
  cancelExecution: t.field({
    type: CancelExecutionPayload,
    description: 'Cancels an execution: what runs is aborted, what waits is given up. It always ends.',
    args: { input: t.arg({ type: CancelExecutionInput, required: true, description: 'Which one.' }) },
    errors: {
      types: [NotFoundError, AlreadyEndedError, NotPossibleError],
      union: { name: 'CancelExecutionResult', description: 'What came of a cancel.' },
    },
    resolve: async (_root, { input: { id } }, context) =>
      (await commandJob(await findJob('Execution', id, context), 'CANCEL', context)).executionId,
  }),
  pauseExecution: t.field({
    type: PauseExecutionPayload,
    description: 'Pauses an execution: what runs is finished, nothing starts. Its time-out goes on running.',
    args: { input: t.arg({ type: PauseExecutionInput, required: true, description: 'Which one.' }) },
    errors: {
      types: [NotFoundError, AlreadyEndedError, NotPossibleError],
      union: { name: 'PauseExecutionResult', description: 'What came of a pause.' },
    },
    resolve: async (_root, { input: { id } }, context) =>
      (await commandJob(await findJob('Execution', id, context), 'PAUSE', context)).executionId,
  }),
  resumeExecution: t.field({
    type: ResumeExecutionPayload,
    description: 'Resumes a paused execution; timers that came due meanwhile fire now.',
    args: { input: t.arg({ type: ResumeExecutionInput, required: true, description: 'Which one.' }) },
    errors: {
      types: [NotFoundError, AlreadyEndedError, NotPossibleError],
      union: { name: 'ResumeExecutionResult', description: 'What came of a resume.' },
    },
    resolve: async (_root, { input: { id } }, context) =>
      (await commandJob(await findJob('Execution', id, context), 'RESUME', context)).executionId,
  }),
  signalExecution: t.field({
    type: SignalExecutionPayload,
    description:
      'Sends a signal: the step that waits for its name completes with the payload. First in, first out; one that comes before its wait is kept.',
    args: { input: t.arg({ type: SignalExecutionInput, required: true, description: 'The signal.' }) },
    errors: {
      types: [
        NotFoundError,
        AlreadyEndedError,
        NotPossibleError,
        InputInvalidError,
        InvalidArgumentError,
        SignalsFullError,
      ],
      union: { name: 'SignalExecutionResult', description: 'What came of a signal.' },
    },
    resolve: async (_root, { input }, context) => {
      const job = await findJob('Execution', input.id, context)
      const { name, path, payload, idempotencyKey } = input
      return signaled(job, await context.commands.signal(job, { name, path, payload, idempotencyKey }))
    },
  }),
  cancelJob: t.field({
    type: CancelJobPayload,
    description: 'Cancels a job and with it its execution. It always ends.',
    args: { input: t.arg({ type: CancelJobInput, required: true, description: 'Which one.' }) },
    errors: {
      types: [NotFoundError, AlreadyEndedError, NotPossibleError],
      union: { name: 'CancelJobResult', description: 'What came of a cancel.' },
    },
    resolve: async (_root, { input: { id } }, context) =>
      (await commandJob(await findJob('Job', id, context), 'CANCEL', context)).id,
  }),
}))

interface FoundJob extends CommandedJob {
  readonly executionId: ExecutionId
  readonly typename: 'Execution' | 'Job'
}

async function findJob(
  typename: 'Execution' | 'Job',
  id: string,
  { jobs, ownerId }: Context,
): Promise<FoundJob> {
  const jobId = readGlobalId<JobId>(typename, id)
  const job = jobId && (await jobs.find(ownerId, jobId))
  if (!job) throw new NotFoundError(typename.toLowerCase(), ['input', 'id'])
  return { ...job, typename, executionId: job.id as string as ExecutionId }
}

/** A cancel that comes again changes nothing. */
async function commandJob(
  job: FoundJob,
  kind: 'CANCEL' | 'PAUSE' | 'RESUME',
  { commands }: Context,
): Promise<FoundJob> {
  const result = await commands.send(job, kind)
  if (result.kind !== 'refused') return job
  const { why } = result
  const isCanceling = why.kind === 'notPossible' && why.because === 'canceling'
  if (kind === 'CANCEL' && isCanceling) return job
  throw refusedCommand(why, job)
}

function refusedCommand(why: Refusal, { typename }: FoundJob): Error {
  const path = ['input', 'id']
  switch (why.kind) {
    case 'notFound':
      return new NotFoundError(typename.toLowerCase(), path)
    case 'ended':
      return new AlreadyEndedError(path)
    case 'notPossible':
      return new NotPossibleError(
        { message: `${REASONS[why.because]} (${why.status}).`, status: why.status },
        path,
      )
  }
}

const REASONS = {
  canceling: 'It is being canceled',
  notStarted: 'It was not started yet',
  handler: 'A function of a program runs it, which only a cancel reaches',
} as const

function signaled(job: FoundJob, result: SignalResult): SignalSent {
  const { executionId } = job
  switch (result.kind) {
    case 'sent':
      return { executionId, deduplicated: result.deduplicated }
    case 'refused':
      throw refusedCommand(result.why, job)
    case 'full':
      throw new SignalsFullError(result.message, ['input', 'id'])
    case 'invalid': {
      const path = ['input', result.argument]
      if (result.argument === 'payload') throw new InputInvalidError(result.problems, path)
      throw new InvalidArgumentError(`\`${result.argument}\` ${result.problems[0]?.message ?? ''}.`, path)
    }
  }
}
