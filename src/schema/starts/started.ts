import type { Diagnostic } from '../../engine/definition/index.ts'
import type { StartResult } from '../../jobs/start/index.ts'
import { DiagnosticType, type builder, type Context } from '../kit/index.ts'

/** A start that was accepted. */
export type Started = Extract<StartResult, { kind: 'started' }>

type DiagnosticsField = PothosSchemaTypes.FieldRef<typeof builder.$inferSchemaTypes, readonly Diagnostic[]>

type StartedFields = Parameters<
  NonNullable<Parameters<ReturnType<typeof builder.objectRef<Started>>['implement']>[0]['fields']>
>[0]

/** What the payload of an accepted start tells of the definition. */
export const warningFields = (t: StartedFields): { readonly diagnostics: DiagnosticsField } => ({
  diagnostics: t.field({
    type: [DiagnosticType],
    description: 'What the definition’s author may want to know, such as a secret that is not set: warnings.',
    resolve: ({ diagnostics }) => diagnostics,
  }),
})

/** The job of an accepted start. */
export const jobOfStart = (
  query: object,
  { jobId: id }: Started,
  _args: unknown,
  { prisma, ownerId }: Context,
) => prisma.job.findFirstOrThrow({ ...query, where: { id, ownerId } })

/** Its execution, which has the same id. */
export const executionOfStart = (
  query: object,
  { jobId: id }: Started,
  _args: unknown,
  { prisma, ownerId }: Context,
) => prisma.execution.findFirstOrThrow({ ...query, where: { id, ownerId } })
