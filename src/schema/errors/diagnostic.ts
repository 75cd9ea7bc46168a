import { DIAGNOSTIC_CODES, type Diagnostic, type Severity } from '../../engine/definition/index.ts'
import { builder } from '../kit/index.ts'

const DiagnosticCodeEnum = builder.enumType('DiagnosticCode', {
  description: 'Everything that can be wrong with a definition. The codes are stable.',
  values: Object.fromEntries(
    Object.entries(DIAGNOSTIC_CODES).map(([code, description]) => [code, { description }]),
  ) as Record<keyof typeof DIAGNOSTIC_CODES, { description: string }>,
})

const SeverityEnum = builder.enumType('Severity', {
  description: 'How bad a diagnostic is.',
  values: {
    ERROR: { value: 'error', description: 'The definition cannot run.' },
    WARNING: { value: 'warning', description: 'It can run, but something is probably not meant so.' },
  } satisfies Record<Uppercase<Severity>, { value: Severity; description: string }>,
})

const SourceRangeType = builder.objectRef<NonNullable<Diagnostic['range']>>('SourceRange').implement({
  description: 'Part of a string, in characters.',
  fields: (t) => ({
    start: t.exposeInt('start', { description: 'The first character, from 0.' }),
    end: t.exposeInt('end', { description: 'The character after the last.' }),
  }),
})

export const DiagnosticType = builder.objectRef<Diagnostic>('Diagnostic').implement({
  description: 'One thing wrong with a definition.',
  fields: (t) => ({
    code: t.field({
      type: DiagnosticCodeEnum,
      description: 'Stable, for programs.',
      resolve: ({ code }) => code,
    }),
    severity: t.field({
      type: SeverityEnum,
      description: 'Whether it keeps the definition from running.',
      resolve: ({ severity }) => severity,
    }),
    message: t.exposeString('message', { description: 'What is wrong, for people.' }),
    pointer: t.exposeString('pointer', {
      description: 'Where: a JSON pointer (RFC 6901) into the definition.',
    }),
    nodeId: t.exposeString('nodeId', { nullable: true, description: 'The node that it is about.' }),
    range: t.field({
      type: SourceRangeType,
      nullable: true,
      description: 'Which part of the string at `pointer`.',
      resolve: ({ range }) => range ?? null,
    }),
    relatedNodeIds: t.stringList({
      description: 'Other nodes that take part, such as those of a cycle in order.',
      resolve: ({ relatedNodeIds }) => [...(relatedNodeIds ?? [])],
    }),
    suggestion: t.exposeString('suggestion', { nullable: true, description: 'How to mend it.' }),
  }),
})
