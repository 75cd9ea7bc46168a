import { TESTED_NODE, type BlockTest, type TestLog } from '../../engine/simulate/index.ts'
import type { BlockTestMode, TestBlockResult } from '../../jobs/index.ts'
import {
  InputInvalidError,
  InputProblemType,
  InvalidArgumentError,
  refusedArgument,
  ValidationFailedError,
} from '../errors/index.ts'
import { builder } from '../kit/index.ts'
import {
  AttemptType,
  FailureType,
  HandledByEnum,
  LogLevelEnum,
  StepStatusEnum,
  UsageType,
  WaitType,
} from '../runs/index.ts'

const BlockTestModeEnum = builder.enumType('BlockTestMode', {
  description: 'Whether a test of a block touches the outside.',
  values: {
    SIMULATED: {
      value: 'simulated',
      description: 'It does what `mocks` says, else gives its sample; all attempts, on a virtual clock.',
    },
    REAL: {
      value: 'real',
      description: 'One attempt for real, with your secrets: it may cost money and change things.',
    },
  } satisfies Record<Uppercase<BlockTestMode>, { value: BlockTestMode; description: string }>,
})

const TestLogType = builder.objectRef<TestLog>('TestLog').implement({
  description: 'A line that a block wrote.',
  fields: (t) => ({
    level: t.field({
      type: LogLevelEnum,
      description: 'How much it matters.',
      resolve: ({ level }) => level,
    }),
    message: t.exposeString('message', { description: 'What it says.' }),
    fields: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Facts beside it.',
      resolve: ({ fields }) => fields,
    }),
  }),
})

const TestBlockPayload = builder.objectRef<BlockTest>('TestBlockPayload').implement({
  description: 'What came of a block that was tried alone.',
  fields: (t) => ({
    status: t.field({
      type: StepStatusEnum,
      description:
        'COMPLETED, FAILED, WAITING (the step would wait), RETRYING (another attempt would be made) or CANCELED (it was cut off).',
      resolve: ({ status }) => status,
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
      description: 'What it gave.',
      resolve: ({ output }) => output,
    }),
    outputProblems: t.field({
      type: [InputProblemType],
      description: 'How the output differs from what the block’s schema promises.',
      resolve: ({ outputProblems }) => outputProblems,
    }),
    handles: t.stringList({
      description: 'The handles by which it is left.',
      resolve: ({ handles }) => [...handles],
    }),
    error: t.field({
      type: FailureType,
      nullable: true,
      description:
        'Why it failed; null if it did not. `BLOCK_TEST_TOO_LONG`: the test had more than 10,000 events, or values of more than 48 MiB of memory.',
      resolve: ({ error }) => error,
    }),
    willRetry: t.boolean({
      description: 'True when a failure would be followed by another attempt.',
      resolve: ({ leadsTo }) => leadsTo === 'retry',
    }),
    nextAttemptAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When that would be.',
      resolve: ({ leadsTo, dueAt }) => (leadsTo === 'retry' && dueAt !== null ? new Date(dueAt) : null),
    }),
    handledBy: t.field({
      type: HandledByEnum,
      nullable: true,
      description: 'What a final failure leads to.',
      resolve: ({ leadsTo }) => (leadsTo === 'retry' ? null : leadsTo),
    }),
    waitsFor: t.field({
      type: WaitType,
      nullable: true,
      description: 'What the step would wait for.',
      resolve: ({ wait, dueAt }) =>
        wait === null ? null : { path: TESTED_NODE, wait, dueAt: dueAt === null ? null : new Date(dueAt) },
    }),
    attempts: t.field({
      type: [AttemptType],
      description: 'The attempts, in order.',
      resolve: ({ attempts }) => attempts,
    }),
    logs: t.field({
      type: [TestLogType],
      description: 'What it wrote, of every level.',
      resolve: ({ logs }) => logs,
    }),
    durationMs: t.exposeFloat('durationMs', {
      description: 'From its start to its end, in a simulated test on the virtual clock.',
    }),
    usage: t.field({
      type: UsageType,
      nullable: true,
      description: 'What it cost, in a simulated test what it is thought to cost.',
      resolve: ({ usage }) => usage,
    }),
  }),
})

const TestBlockInput = builder.inputType('TestBlockInput', {
  description: 'Which block to try, and on what.',
  fields: (t) => ({
    type: t.string({ required: true, description: 'The block type, such as `api.http`.' }),
    config: t.field({
      type: 'JSON',
      description:
        'Its config; templates in it see `input` and `variables`. Default: an object without members.',
    }),
    input: t.field({ type: 'JSON', description: 'What the block is given; default null.' }),
    variables: t.field({ type: 'JSON', description: 'An object that templates see as `variables`.' }),
    mode: t.field({
      type: BlockTestModeEnum,
      defaultValue: 'simulated',
      description: 'Whether to call out.',
    }),
    mocks: t.field({
      type: 'JSON',
      description:
        'With SIMULATED: `{ output }` or `{ error: { code, message, retryable } }`, with `durationMs` where that matters, or a list of them by attempt. Default: the block’s sample.',
    }),
    retry: t.field({ type: 'JSON', description: 'As a node’s `retry`; default: the block’s own.' }),
    onError: t.field({ type: HandledByEnum, description: 'As a node’s `onError`; default FAIL.' }),
    timeoutMs: t.int({ description: 'How long an attempt may take; default: the block’s own.' }),
  }),
})

builder.mutationField('testBlock', (t) =>
  t.field({
    type: TestBlockPayload,
    description: 'Tries one block alone, simulated or for real. Nothing is recorded.',
    args: { input: t.arg({ type: TestBlockInput, required: true, description: 'What to try.' }) },
    errors: {
      types: [ValidationFailedError, InputInvalidError, InvalidArgumentError],
      union: { name: 'TestBlockResult', description: 'What came of it, or why it was not tried.' },
    },
    resolve: async (_root, { input }, { testBlock, ownerId }) => {
      const { mode, ...rest } = input
      return tested(
        await testBlock({ ...rest, ownerId, input: input.input ?? null, mode: mode ?? 'simulated' }),
      )
    },
  }),
)

function tested(result: TestBlockResult): BlockTest {
  switch (result.kind) {
    case 'tested':
      return result.test
    case 'unsound':
      throw new ValidationFailedError(result.diagnostics, ['input', 'config'])
    case 'invalidInput':
      throw refusedArgument(result)
  }
}
