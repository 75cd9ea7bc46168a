import { queryFromInfo } from '@pothos/plugin-prisma'
import type { Diagnostic } from '../../engine/definition/index.ts'
import type { StartResult } from '../../jobs/start/index.ts'
import { DiagnosticType } from '../errors/index.ts'
import type { builder } from '../kit/index.ts'
import { ExecutionType, JobNode, KnownExecution } from '../runs/index.ts'

/** A start that was accepted. */
export type Started = Extract<StartResult, { kind: 'started' }>

type Field<Shape> = PothosSchemaTypes.FieldRef<typeof builder.$inferSchemaTypes, Shape>

type StartedFields = Parameters<
  NonNullable<Parameters<ReturnType<typeof builder.objectRef<Started>>['implement']>[0]['fields']>
>[0]

/** What the payload of an accepted start tells of the definition. */
export const warningFields = (t: StartedFields): { readonly diagnostics: Field<readonly Diagnostic[]> } => ({
  diagnostics: t.field({
    type: [DiagnosticType],
    description: 'What the definition’s author may want to know, such as a secret that is not set: warnings.',
    resolve: ({ diagnostics }) => diagnostics,
  }),
})

/** The job and the execution of an accepted start. What the start has stored is answered without being read again. */
export const runFields = (
  t: StartedFields,
  descriptions: { readonly job: string; readonly execution: string },
): {
  readonly job: Field<typeof JobNode.$inferType>
  readonly execution: Field<typeof ExecutionType.$inferType>
} => ({
  job: t.field({
    type: JobNode,
    description: descriptions.job,
    resolve: ({ jobId: id, stored }, _args, context, info) => {
      if (stored) return new KnownExecution(stored).job
      const { prisma, ownerId } = context
      return prisma.job.findFirstOrThrow({ ...queryFromInfo({ context, info }), where: { id, ownerId } })
    },
  }),
  execution: t.field({
    type: ExecutionType,
    description: descriptions.execution,
    // An execution and its job share their id.
    resolve: ({ jobId: id, stored }, _args, context, info) => {
      if (stored) return new KnownExecution(stored)
      const { prisma, ownerId } = context
      return prisma.execution.findFirstOrThrow({
        ...queryFromInfo({ context, info }),
        where: { id, ownerId },
      })
    },
  }),
})
