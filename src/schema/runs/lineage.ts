import { queryFromInfo } from '@pothos/plugin-prisma'
import { builder } from '../kit/index.ts'
import { ExecutionConnection, ExecutionType } from './execution.ts'
import { executionRows, executionsUnder } from './executions-under.ts'
import { WaitType } from './step.ts'

/** Whoever wants more of a loop's open items reads its steps. */
const MAX_WAITS = 100

const ExecutionTriggerEnum = builder.enumType('ExecutionTrigger', {
  description: 'What started an execution.',
  values: {
    API: { description: 'A client, or a program that uses the library.' },
    SCHEDULE: { description: 'An occurrence of a schedule.' },
    RETRY: { description: 'A retry of another execution, `retryOf`.' },
    PARENT: { description: 'A step of another execution, `parent`.' },
  },
})

// What an execution waits for, what started it, and what it has started.
builder.prismaObjectFields(ExecutionType, (t) => ({
  waitsFor: t.field({
    type: [WaitType],
    description: `Why it waits: its steps that wait now, for their next attempt as well, in the definition’s order, at most ${MAX_WAITS}; empty when none does.`,
    select: { id: true },
    resolve: ({ id }, _args, { batch, openWaits, ownerId, answer }) =>
      batch('open waits', MAX_WAITS, (ids) =>
        answer.read('Execution.waitsFor', (maxBytes) => openWaits.of(ownerId, ids, MAX_WAITS, maxBytes)),
      ).load(id),
  }),
  trigger: t.field({
    type: ExecutionTriggerEnum,
    description: 'What started it.',
    select: { scheduleId: true, retryOfId: true, job: { select: { parentId: true } } },
    resolve: ({ scheduleId, retryOfId, job }) =>
      job.parentId !== null
        ? 'PARENT'
        : retryOfId !== null
          ? 'RETRY'
          : scheduleId !== null
            ? 'SCHEDULE'
            : 'API',
  }),
  parent: t.field({
    type: ExecutionType,
    nullable: true,
    description: 'The execution whose step started this one and waits for its end; null when none did.',
    select: { job: { select: { parentId: true } } },
    resolve: ({ job: { parentId } }, _args, context, info) => {
      if (parentId === null) return null
      return executionRows(context, queryFromInfo({ context, info })).load(parentId)
    },
  }),
  parentPath: t.string({
    nullable: true,
    description: 'The path of the step that started it; null when none did.',
    select: { job: { select: { parentPath: true } } },
    resolve: ({ job }) => job.parentPath,
  }),
  children: t.connection(
    {
      type: ExecutionType,
      description: 'The executions that its steps have started, oldest first.',
      select: { id: true },
      resolve: ({ id }, args, context, info) =>
        executionsUnder({ kind: 'starter', id }, args, { context, info, isDescending: false }),
    },
    ExecutionConnection,
  ),
}))
